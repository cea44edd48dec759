{{- define "probe.labels" -}}
app.kubernetes.io/name: probe
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of (dict "context" $ "suffix" ...): the suffix tells the workloads of one release apart. */}}
{{- define "probe.metadata" -}}
name: {{ .context.Release.Name }}{{ .suffix }}
namespace: {{ .context.Release.Namespace }}
labels:
  {{- include "probe.labels" .context | nindent 2 }}
{{- end -}}

{{- define "probe.selector" -}}
{{ include "probe.labels" .context }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* A pod as the restricted Pod Security Standard wants it; of (dict "context" $ "component" ... "mounts" (list of a volume's name and path)). */}}
{{- define "probe.pod" -}}
metadata:
  labels:
    {{- include "probe.selector" . | nindent 4 }}
  {{- if .context.Values.configMap.enabled }}
  annotations:
    checksum/config: {{ .context.Values.configMap.data | toJson | sha256sum }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    seccompProfile:
      type: RuntimeDefault
  {{- with .context.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: "{{ .context.Values.image.repository }}:{{ .context.Values.image.tag }}"
      securityContext:
        allowPrivilegeEscalation: false
        capabilities:
          drop: [ALL]
      {{- if eq .component "hook" }}
      command: ["true"]
      {{- else }}
      ports:
        - name: http
          containerPort: 8080
      {{- with .context.Values.secret }}
      {{- if and .name .key }}
      env:
        - name: PROBE_SECRET
          valueFrom:
            secretKeyRef: {name: {{ .name | quote }}, key: {{ .key | quote }}}
      {{- end }}
      {{- end }}
      {{- if .context.Values.configMap.enabled }}
      envFrom:
        - configMapRef:
            name: {{ .context.Release.Name }}
      {{- end }}
      {{- if or .context.Values.secret.name .data }}
      volumeMounts:
        {{- if .context.Values.secret.name }}
        - name: secret
          mountPath: /etc/probe
          readOnly: true
        {{- end }}
        {{- if .data }}
        - name: data
          mountPath: /data
        {{- end }}
      {{- end }}
      {{- end }}
  {{- with .context.Values.secret.name }}
  {{- if ne $.component "hook" }}
  volumes:
    - name: secret
      secret:
        secretName: {{ . | quote }}
  {{- end }}
  {{- end }}
{{- end -}}
