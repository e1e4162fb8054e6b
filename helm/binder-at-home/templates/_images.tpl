{{/* Where images of environments are, and with what they are had. */}}
{{- define "binder.registry" -}}
{{- printf "%s-registry.%s:5000" (include "binder.name" .) .Release.Namespace -}}
{{- end -}}

{{- define "binder.registryAtNodes" -}}
{{- .Values.registry.nodeAddress | default (printf "127.0.0.1:%d" (int .Values.registry.nodePort)) -}}
{{- end -}}

{{- define "binder.registryClaim" -}}
{{- .Values.registry.existingClaim | default (printf "%s-registry" (include "binder.name" .)) -}}
{{- end -}}

{{- define "binder.registryFile" -}}
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: /var/lib/registry}
  delete: {enabled: true}
http: {addr: ":5000"}
auth: {htpasswd: {realm: binder-at-home, path: /srv/registry/htpasswd}}
{{- end -}}

{{/* As pods call it. */}}
{{- define "binder.repository" -}}
{{- if not .Values.registry.enabled -}}
{{- required "\n\nimages.repository: where images of environments are kept, such as registry.example.org/binder; or registry.enabled, for a registry of this chart's." .Values.images.repository -}}
{{- else if .Values.images.repository -}}
{{- fail "\n\nimages.repository and registry.enabled: images of environments are kept in one place; set one of the two." -}}
{{- else -}}
{{- printf "%s/environments" (include "binder.registry" .) -}}
{{- end -}}
{{- end -}}

{{/* As nodes call it. */}}
{{- define "binder.nodeRepository" -}}
{{- if .Values.registry.enabled -}}
{{- printf "%s/environments" (include "binder.registryAtNodes" .) -}}
{{- else -}}
{{- include "binder.repository" . -}}
{{- end -}}
{{- end -}}

{{- define "binder.imagesSecret" -}}
{{- if .Values.registry.enabled -}}
{{- .Values.registry.secret | default (printf "%s-registry" (include "binder.name" .)) -}}
{{- else -}}
{{- .Values.images.secret -}}
{{- end -}}
{{- end -}}

{{- define "binder.imagesInsecure" -}}
{{- or .Values.registry.enabled .Values.images.insecure -}}
{{- end -}}

{{/* Secrets with which nodes pull: our own image, and those of environments besides. JSON. */}}
{{- define "binder.pullSecrets" -}}
{{- $names := list -}}
{{- range $name, $on := .Values.image.pullSecrets -}}{{- if $on -}}{{- $names = append $names $name -}}{{- end -}}{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- define "binder.environmentPullSecrets" -}}
{{- $names := fromJsonArray (include "binder.pullSecrets" .) -}}
{{- if .Values.registry.enabled -}}{{- $names = append $names (include "binder.imagesSecret" .) -}}{{- end -}}
{{- toJson $names -}}
{{- end -}}
