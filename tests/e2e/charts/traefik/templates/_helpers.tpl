{{- define "traefik.selector" -}}
app.kubernetes.io/name: traefik
app.kubernetes.io/instance: {{ .Release.Name }}-{{ .Release.Namespace }}
{{- end -}}

{{- define "traefik.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{ include "traefik.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "traefik.metadata" -}}
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "traefik.labels" . | nindent 2 }}
{{- end -}}

{{- define "traefik.clusterMetadata" -}}
name: {{ .Release.Name }}-{{ .Release.Namespace }}
labels:
  {{- include "traefik.labels" . | nindent 2 }}
{{- end -}}

{{/* What the values say, as Traefik's command line. */}}
{{- define "traefik.args" -}}
- --global.checkNewVersion={{ .Values.global.checkNewVersion }}
{{- range $name, $port := .Values.ports }}
- --entryPoints.{{ $name }}.address=:{{ $port.port }}/tcp
{{- if $port.asDefault }}
- --entryPoints.{{ $name }}.asDefault=true
{{- end }}
{{- with (($port.transport).lifeCycle).requestAcceptGraceTimeout }}
- --entryPoints.{{ $name }}.transport.lifeCycle.requestAcceptGraceTimeout={{ . }}
{{- end }}
{{- with $port.proxyProtocol }}
- --entryPoints.{{ $name }}.proxyProtocol.trustedIPs={{ join "," .trustedIPs }}
{{- end }}
{{- with $port.http }}
{{- with .redirections }}
{{- $target := index $.Values.ports .entryPoint.to | required (printf "ports.%s.http.redirections.entryPoint.to: there is no port %s" $name .entryPoint.to) }}
- --entryPoints.{{ $name }}.http.redirections.entryPoint.to=:{{ $target.exposedPort }}
- --entryPoints.{{ $name }}.http.redirections.entryPoint.scheme={{ .entryPoint.scheme }}
- --entryPoints.{{ $name }}.http.redirections.entryPoint.permanent={{ .entryPoint.permanent }}
{{- end }}
{{- if (.tls | default dict).enabled }}
- --entryPoints.{{ $name }}.http.tls=true
{{- end }}
{{- end }}
{{- end }}
- --api.dashboard=true
- --ping=true
- --metrics.prometheus=true
- --metrics.prometheus.entrypoint=metrics
{{- with .Values.providers.kubernetesCRD }}
- --providers.kubernetescrd
- --providers.kubernetescrd.allowEmptyServices=true
{{- if .allowCrossNamespace }}
- --providers.kubernetescrd.allowCrossNamespace=true
{{- end }}
{{- with .crossProviderNamespaces }}
- --providers.kubernetescrd.crossProviderNamespaces={{ join "," . }}
{{- end }}
{{- with .defaultTLSResourcesNamespace }}
- --providers.kubernetescrd.defaultTLSResourcesNamespace={{ . }}
{{- end }}
{{- end }}
{{- with .Values.providers.kubernetesIngress }}
- --providers.kubernetesingress
- --providers.kubernetesingress.allowEmptyServices=true
{{- if .publishedService.enabled }}
- --providers.kubernetesingress.ingressendpoint.publishedservice={{ $.Release.Namespace }}/{{ $.Release.Name }}
{{- end }}
{{- with .ingressEndpoint.ip }}
- --providers.kubernetesingress.ingressendpoint.ip={{ . }}
{{- end }}
{{- end }}
- --log.level={{ .Values.logs.general.level }}
{{- end -}}

{{/* What both probes have in common. */}}
{{- define "traefik.probe" -}}
httpGet:
  path: /ping
  port: {{ .Values.ports.traefik.port }}
  scheme: HTTP
initialDelaySeconds: 2
periodSeconds: 10
successThreshold: 1
timeoutSeconds: 2
{{- end -}}
