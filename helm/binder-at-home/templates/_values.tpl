{{/* What templates count on, by where it is: what these values begin with and is not empty, and maps with
     nothing like that in them. A test compares the two. */}}
{{- define "binder.values" -}}
image: [name, pullPolicy]
"": [authorities, serverHosts, existingHub, tokens, prepull, tests]
hub: [enabled, config]
proxy.service: [type]
service: [config]
servers: [config, internet]
builds: [config, buildkit]
builds.cache: [enabled, size]
images: [insecure]
registry: [enabled, image, size, nodePort]
data: [path, size, accessMode]
database: [size]
database.postgresql: [port, user, hubDatabase, serviceDatabase]
ingress: [enabled]
httpRoute: [enabled]
networkPolicy: [enabled]
podDisruptionBudget: [enabled]
monitoring.serviceMonitor: [enabled, interval]
monitoring.alerts: [enabled]
monitoring.dashboard: [enabled]
placeholders: [count]
{{- end -}}

{{/* Refuses values that lack some of it: `--reuse-values` takes those of an older release without what is new. */}}
{{- define "binder.refuseOlder" -}}
{{- $lacking := list -}}
{{- range $place, $names := fromYaml (include "binder.values" .) -}}
{{- $at := $.Values -}}
{{- range compact (splitList "." $place) -}}{{- $at = get $at . | default dict -}}{{- end -}}
{{- range $names -}}
{{- if not (hasKey $at .) -}}{{- $lacking = append $lacking (printf "%s.%s" $place . | trimPrefix ".") -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- with $lacking -}}
{{- fail (printf "\n\nThe values lack %s. Those of an older release are upgraded with --reset-then-reuse-values in place of --reuse-values; in values of your own, a name without a value takes it away." (join ", " .)) -}}
{{- end -}}
{{- end -}}
