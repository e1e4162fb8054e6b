{{/* What every pod of ours has: dict "top" $ "place" .Values.hub; "pullSecrets" where they are others. */}}
{{- define "binder.pod" -}}
securityContext:
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
enableServiceLinks: false
{{- with fromJsonArray (.pullSecrets | default (include "binder.pullSecrets" .top)) }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- with .place.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .place.tolerations }}
tolerations:
{{- range $name, $one := . }}
- {{ toJson $one }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What every container of ours has: as a pod's; "image" where it is a stranger's. */}}
{{- define "binder.container" -}}
image: {{ .image | default (include "binder.image" .top) }}
imagePullPolicy: {{ ternary "IfNotPresent" .top.Values.image.pullPolicy (hasKey . "image") }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- with .place.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Variables an administrator adds: a value, or a reference as Kubernetes writes it. */}}
{{- define "binder.env" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
{{- if kindIs "map" $value }}
  valueFrom: {{- toYaml $value | nindent 4 }}
{{- else }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The password of PostgreSQL, read by its own client library. */}}
{{- define "binder.databaseEnv" -}}
{{- with .Values.database.postgresql }}{{ if .host }}
- name: PGPASSWORD
  valueFrom: {secretKeyRef: {name: {{ required "\n\ndatabase.postgresql.secret: the Secret with the password, under the key `password`." .secret }}, key: password}}
{{- end }}{{ end }}
{{- end -}}

{{/* A database's address: dict "top" $ "file" "hub" "name" "hub". */}}
{{- define "binder.database" -}}
{{- with .top.Values.database.postgresql -}}
{{- if .host -}}
{{- printf "postgresql+psycopg://%s@%s:%d/%s" .user .host (int .port) $.name -}}
{{- else -}}
{{- printf "sqlite:////srv/database/%s.sqlite" $.file -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A place for a database that is a file; never on a network file system shared with others. */}}
{{- define "binder.databaseVolume" -}}
{{- if .top.Values.database.postgresql.host -}}
emptyDir: {}
{{- else -}}
persistentVolumeClaim: {claimName: {{ include "binder.name" .top }}-{{ .file }}-database}
{{- end -}}
{{- end -}}

{{/* What Hub and service both read. */}}
{{- define "binder.common" -}}
Cluster:
  namespace: {{ .Release.Namespace }}
  data_claim: {{ include "binder.dataClaim" . }}
  data_path: {{ .Values.data.path }}
  image: {{ include "binder.image" . }}
  pull_policy: {{ .Values.image.pullPolicy }}
  repository: {{ include "binder.repository" . }}
  {{- if .Values.registry.enabled }}
  node_repository: {{ include "binder.nodeRepository" . }}
  {{- end }}
  insecure_registry: {{ include "binder.imagesInsecure" . }}
  {{- with fromJsonArray (include "binder.environmentPullSecrets" .) }}
  pull_secrets: {{ toJson . }}
  {{- end }}
  {{- with include "binder.imagesSecret" . }}
  registry_credentials: /srv/registry/.dockerconfigjson
  {{- end }}
{{- end -}}

{{- define "binder.hubConfig" -}}
JupyterHub:
  bind_url: http://:8000
  hub_bind_url: http://:8081
  hub_connect_url: http://{{ include "binder.name" . }}-hub:8081
  db_url: {{ include "binder.database" (dict "top" . "file" "hub" "name" .Values.database.postgresql.hubDatabase) }}
  {{- if .Values.publicUrl }}
  public_url: {{ .Values.publicUrl }}
  {{- if .Values.serverHosts }}
  subdomain_host: {{ .Values.publicUrl | trimSuffix "/" }}
  {{- end }}
  {{- end }}
ConfigurableHTTPProxy:
  api_url: http://{{ include "binder.name" . }}-proxy-api:8001
{{- end -}}

{{- define "binder.serviceConfig" -}}
BinderApp:
  bind_url: http://0.0.0.0:8003
  db_url: {{ include "binder.database" (dict "top" . "file" "service" "name" .Values.database.postgresql.serviceDatabase) }}
{{- with include "binder.proxyUrl" . }}
Landing:
  proxy_url: {{ . }}
{{- end }}
KubernetesBuilder:
  cache_claim: {{ include "binder.cacheClaim" . | quote }}
  push_secret: {{ include "binder.imagesSecret" . | quote }}
  {{- with .Values.builds.buildkit }}{{ if .address }}
  buildkit_address: {{ .address }}
  buildkit_secret: {{ .secret | quote }}
  {{- end }}{{ end }}
{{- end -}}

{{/* One file each: what the chart knows, and an administrator's settings over it. */}}
{{- define "binder.hubFile" -}}
{{- $ours := merge (fromYaml (include "binder.hubConfig" .)) (fromYaml (include "binder.common" .)) -}}
{{- mergeOverwrite $ours (deepCopy .Values.servers.config) (deepCopy .Values.hub.config) | toPrettyJson -}}
{{- end -}}

{{- define "binder.serviceFile" -}}
{{- $ours := merge (fromYaml (include "binder.serviceConfig" .)) (fromYaml (include "binder.common" .)) -}}
{{- /* What servers get, for the ledger, and where they may run; nothing else of the spawner's is the service's business. */}}
{{- $theirs := mergeOverwrite (deepCopy .Values.servers.config) (deepCopy .Values.hub.config) -}}
{{- range $class := list "BinderKubeSpawner" "KubeSpawner" -}}
{{- with pick (get $theirs $class | default dict) "mem_limit" "cpu_limit" "sizes" "node_selector" "node_affinity_required" "tolerations" -}}
{{- $_ := set $ours $class . -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $ours (deepCopy .Values.builds.config) (deepCopy .Values.service.config) | toPrettyJson -}}
{{- end -}}
