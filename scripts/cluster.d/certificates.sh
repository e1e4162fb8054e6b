# One authority, and a certificate for each part of the cluster.
# shellcheck shell=bash disable=SC2154  # settings.sh

pki=$run/pki

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$pki/$1.key" 2>/dev/null; }

certificate() { # certificate NAME SUBJECT USAGE [ALTERNATIVE NAMES]
  key "$1"
  openssl req -new -key "$pki/$1.key" -subj "$2" -out "$pki/$1.csr" 2>/dev/null
  {
    printf 'extendedKeyUsage=%s\nkeyUsage=critical,digitalSignature\n' "$3"
    [[ -z ${4-} ]] || printf 'subjectAltName=%s\n' "$4"
  } >"$pki/$1.ext"
  openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial \
    -days 3650 -extfile "$pki/$1.ext" -out "$pki/$1.crt" 2>/dev/null
}

user() { # user NAME SUBJECT: a certificate and the configuration of a client
  certificate "$1" "$2" clientAuth
  cat >"$run/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: cluster
  cluster: {server: "https://$node_address:16443", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}
users:
- name: user
  user: {client-certificate-data: $(base64 -w0 "$pki/$1.crt"), client-key-data: $(base64 -w0 "$pki/$1.key")}
contexts:
- name: default
  context: {cluster: cluster, user: user}
current-context: default
YAML
}

certificates() {
  local names service=kubernetes.default
  mkdir -p "$pki"
  umask 077
  key ca
  openssl req -x509 -new -key "$pki/ca.key" -subj /CN=kubernetes-ca -days 3650 -out "$pki/ca.crt" \
    -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
  key accounts
  names="DNS:localhost,DNS:kubernetes,DNS:$service,DNS:$service.svc,DNS:$service.svc.cluster.local"
  certificate apiserver /CN=kube-apiserver serverAuth "$names,IP:$node_address,IP:$api_service"
  certificate kubelet-server "/CN=$node" serverAuth "DNS:$node,IP:$node_address"
  certificate apiserver-kubelet /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
  user admin /O=system:masters/CN=admin
  user controllers /CN=system:kube-controller-manager
  user scheduler /CN=system:kube-scheduler
  user proxy /CN=system:kube-proxy
  user kubelet "/O=system:nodes/CN=system:node:$node"
  umask 022
}
