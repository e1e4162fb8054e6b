{{/* The names of everything begin with this. */}}
{{- define "binder.name" -}}
{{- if contains "binder" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-binder" (.Release.Name | trunc 33 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- define "binder.image" -}}
{{- printf "%s:%s" .Values.image.name (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{- define "binder.dataClaim" -}}
{{- .Values.data.existingClaim | default (printf "%s-data" (include "binder.name" .)) -}}
{{- end -}}

{{- define "binder.cacheClaim" -}}
{{- if .Values.builds.cache.enabled -}}
{{- .Values.builds.cache.existingClaim | default (printf "%s-build-cache" (include "binder.name" .)) -}}
{{- end -}}
{{- end -}}

{{- define "binder.secret" -}}
{{- with .Values.existingHub.secret -}}
{{- fail (printf "\n\nexistingHub.secret is called tokens.secret now; write: tokens: {secret: %s}" .) -}}
{{- end -}}
{{- .Values.tokens.secret | default (include "binder.name" .) -}}
{{- end -}}

{{/* Which hub something in the namespace belongs to; engines/kubernetes/cluster.py says the same. */}}
{{- define "binder.id" -}}
{{- printf "%s\x00%s\x00%s" .Release.Namespace (include "binder.dataClaim" .) (.Values.data.path | trimAll "/") | sha256sum | trunc 12 -}}
{{- end -}}

{{- define "binder.hubUrl" -}}
{{- if .Values.hub.enabled -}}
{{- printf "http://%s-hub:8081/hub/api" (include "binder.name" .) -}}
{{- else -}}
{{- required "\n\nexistingHub.apiUrl: the address of the API of the hub that is there, since hub.enabled is false." .Values.existingHub.apiUrl -}}
{{- end -}}
{{- end -}}

{{- define "binder.proxyUrl" -}}
{{- if .Values.hub.enabled -}}
{{- printf "http://%s-proxy:80" (include "binder.name" .) -}}
{{- else -}}
{{- .Values.existingHub.proxyUrl -}}
{{- end -}}
{{- end -}}

{{- define "binder.publicHost" -}}
{{- with .Values.publicUrl -}}{{ (urlParse .).host | splitList ":" | first }}{{- end -}}
{{- end -}}

{{/* Labels of a part: dict "top" $ "part" "hub". Those of Zero-to-JupyterHub are among them. */}}
{{- define "binder.selector" -}}
app: binder-at-home
release: {{ .top.Release.Name | quote }}
component: {{ .part }}
{{- end -}}

{{- define "binder.labels" -}}
{{ include "binder.selector" . }}
app.kubernetes.io/name: binder-at-home
app.kubernetes.io/instance: {{ .top.Release.Name | quote }}
app.kubernetes.io/component: {{ .part }}
app.kubernetes.io/managed-by: {{ .top.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .top.Chart.Name .top.Chart.Version | replace "+" "_" }}
{{- end -}}
