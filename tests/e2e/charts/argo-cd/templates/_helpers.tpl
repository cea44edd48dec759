{{- define "argo-cd.fullname" -}}
{{- contains "argocd" .Release.Name | ternary .Release.Name (printf "%s-argocd" .Release.Name) -}}
{{- end -}}

{{- define "argo-cd.tag" -}}
{{- default .Chart.AppVersion .Values.global.image.tag -}}
{{- end -}}

{{- define "argo-cd.image" -}}
image: "{{ .Values.global.image.repository }}:{{ include "argo-cd.tag" . }}"
imagePullPolicy: {{ .Values.global.image.imagePullPolicy }}
{{- end -}}

{{/* Of (dict "context" $ "name" ...). */}}
{{- define "argo-cd.selector" -}}
app.kubernetes.io/name: argocd-{{ .name }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
{{- end -}}

{{/* Of (dict "context" $ "name" ... "component" ...); without a component, the object belongs to none. */}}
{{- define "argo-cd.labels" -}}
helm.sh/chart: {{ .context.Chart.Name }}-{{ .context.Chart.Version | replace "+" "_" }}
{{ include "argo-cd.selector" . }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
app.kubernetes.io/part-of: argocd
app.kubernetes.io/version: {{ include "argo-cd.tag" .context }}
{{- end -}}

{{/* Metadata of an object of a component that is called after it; of (dict "context" $ "name" ...). */}}
{{- define "argo-cd.metadata" -}}
name: {{ include "argo-cd.fullname" .context }}-{{ .name }}
namespace: {{ .context.Release.Namespace }}
labels:
  {{- include "argo-cd.labels" (dict "context" .context "name" .name "component" .name) | nindent 2 }}
{{- end -}}

{{- define "argo-cd.clusterMetadata" -}}
{{- omit (include "argo-cd.metadata" . | fromYaml) "namespace" | toYaml -}}
{{- end -}}

{{/* ServiceAccount, and the binding to the Role of the same name; of (dict "context" $ "name" ...). */}}
{{- define "argo-cd.account" -}}
apiVersion: v1
kind: ServiceAccount
automountServiceAccountToken: true
metadata:
  {{- include "argo-cd.metadata" . | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- include "argo-cd.metadata" . | nindent 2 }}
{{ include "argo-cd.grant" (dict "kind" "Role" "context" .context "name" .name) }}
{{- end -}}

{{- define "argo-cd.clusterBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  {{- include "argo-cd.clusterMetadata" . | nindent 2 }}
{{ include "argo-cd.grant" (dict "kind" "ClusterRole" "context" .context "name" .name) }}
{{- end -}}

{{- define "argo-cd.grant" -}}
{{- $name := printf "%s-%s" (include "argo-cd.fullname" .context) .name -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ .context.Release.Namespace }}
{{- end -}}

{{/* New settings make new pods; of (dict "context" $ "files" (dict <name of the checksum> <template> ...)). */}}
{{- define "argo-cd.checksums" -}}
annotations:
  {{- range $name, $file := .files }}
  checksum/{{ $name }}: {{ include (printf "%s/%s.yaml" $.context.Template.BasePath $file) $.context | sha256sum }}
  {{- end }}
{{- end -}}

{{- define "argo-cd.podLabels" -}}
labels:
  {{- include "argo-cd.labels" (dict "context" .context "name" .name "component" .name) | nindent 2 }}
{{- end -}}

{{/* Where pods run; of the component's name. */}}
{{- define "argo-cd.scheduling" -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: argocd-{{ . }}
          topologyKey: kubernetes.io/hostname
nodeSelector:
  kubernetes.io/os: linux
dnsPolicy: ClusterFirst
{{- end -}}

{{/* Of (dict "context" $ "name" ... "values" ...). */}}
{{- define "argo-cd.spread" -}}
{{- with .values.topologySpreadConstraints -}}
topologySpreadConstraints:
{{- range . }}
  - {{ toYaml . | nindent 4 | trim }}
    labelSelector:
      matchLabels:
        {{- include "argo-cd.selector" $ | nindent 8 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* env/<component>.yaml, and what the values add; of (dict "context" $ "name" ... "values" ...). */}}
{{- define "argo-cd.env" -}}
{{- range $map, $variables := .context.Files.Get (printf "env/%s.yaml" .name) | fromYaml }}
{{- range $variable, $key := $variables }}
- name: {{ $variable }}
  valueFrom:
    configMapKeyRef:
      name: {{ $map }}
      key: {{ $key }}
      optional: true
{{- end }}
{{- end }}
{{- with .values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "argo-cd.redisEnv" -}}
- name: REDIS_USERNAME
  valueFrom:
    secretKeyRef: {name: argocd-redis, key: redis-username, optional: true}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef: {name: argocd-redis, key: auth, optional: false}
- name: REDIS_SENTINEL_USERNAME
  valueFrom:
    secretKeyRef: {name: argocd-redis, key: redis-sentinel-username, optional: true}
- name: REDIS_SENTINEL_PASSWORD
  valueFrom:
    secretKeyRef: {name: argocd-redis, key: redis-sentinel-password, optional: true}
{{- end -}}

{{/* Of (dict "path" ... "port" ...). */}}
{{- define "argo-cd.probe" -}}
httpGet:
  path: {{ .path }}
  port: {{ .port }}
initialDelaySeconds: 10
periodSeconds: 10
timeoutSeconds: 1
successThreshold: 1
failureThreshold: 3
{{- end -}}

{{- define "argo-cd.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{/* The volumes that components have in common, each by its name. */}}
{{- define "argo-cd.volume.argocd-repo-server-tls" -}}
- name: argocd-repo-server-tls
  secret:
    secretName: argocd-repo-server-tls
    optional: true
    items:
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
      - {key: ca.crt, path: ca.crt}
{{- end -}}

{{- define "argo-cd.volume.trust" -}}
- name: ssh-known-hosts
  configMap:
    name: argocd-ssh-known-hosts-cm
- name: tls-certs
  configMap:
    name: argocd-tls-certs-cm
{{- end -}}

{{- define "argo-cd.volume.gpg" -}}
- name: gpg-keys
  configMap:
    name: argocd-gpg-keys-cm
- name: gpg-keyring
  emptyDir: {}
{{- end -}}

{{/* Of the prefix of the component's keys. */}}
{{- define "argo-cd.volume.profiler" -}}
- name: argocd-cmd-params-cm
  configMap:
    name: argocd-cmd-params-cm
    optional: true
    items:
      - {key: {{ . }}.profile.enabled, path: profiler.enabled}
{{- end -}}

{{/* Who may connect to a component's port; of (dict "context" $ "from" (list names) "port" ...). */}}
{{- define "argo-cd.allow" -}}
- from:
  {{- range .from }}
    - podSelector:
        matchLabels:
          {{- include "argo-cd.selector" (dict "context" $.context "name" .) | nindent 10 }}
  {{- end }}
  ports:
    - port: {{ .port }}
      protocol: TCP
{{- end -}}
