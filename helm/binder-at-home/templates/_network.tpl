{{/* Parts of network policies. */}}
{{- define "binder.to" }}{podSelector: {matchLabels: {{ fromYaml (include "binder.selector" .) | toJson }}}}{{ end }}
{{- define "binder.names" }}
# Names are resolved by the cluster.
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
  to: [{namespaceSelector: {}}]
{{- end }}
{{- define "binder.internet" }}
# The internet, and nothing that is private: other pods, the nodes, where clouds keep secrets.
- to: [{ipBlock: {cidr: 0.0.0.0/0, except: {{ values .Values.networkPolicy.privateNetworks | compact | sortAlpha | toJson }}}}]
{{- end }}
{{- define "binder.daemon" }}
{{- with .Values.builds.buildkit }}{{ if and .address .podLabels }}
# What builds for them.
- ports: [{port: {{ regexFind "[0-9]+$" .address }}, protocol: TCP}]
  to:
  - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .namespace | default $.Release.Namespace }}}}
    podSelector: {matchLabels: {{ toJson .podLabels }}}
{{- end }}{{ end }}
{{- end }}
{{- define "binder.reach" }}
{{- range $name, $one := . }}
# {{ $name }}
- to: [{ipBlock: {cidr: {{ $one.cidr }}}}]
  {{- with $one.port }}
  ports: [{port: {{ . }}, protocol: TCP}]
  {{- end }}
{{- end }}
{{- end }}
