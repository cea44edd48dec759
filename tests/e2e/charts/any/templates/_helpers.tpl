{{/* What values say of pods, wherever it stands: their annotations, and the keys of Secrets that a container waits for. */}}
{{- define "any.found" -}}
{{- $annotations := dict }}
{{- $keys := list }}
{{- range $key, $value := .values }}
  {{- if and (eq $key "podAnnotations") (kindIs "map" $value) }}
    {{- $annotations = mergeOverwrite $annotations $value }}
  {{- else if and (eq $key "secretKeyRef") (kindIs "map" $value) }}
    {{- $keys = append $keys $value }}
  {{- else }}
    {{- range (ternary $value (list $value) (kindIs "slice" $value)) }}
      {{- if kindIs "map" . }}
        {{- $inner := include "any.found" (dict "values" .) | fromYaml }}
        {{- $annotations = mergeOverwrite $annotations $inner.annotations }}
        {{- $keys = concat $keys $inner.keys }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- dict "annotations" $annotations "keys" ($keys | uniq) | toYaml }}
{{- end }}
