{{- define "redis-ha.image" -}}
image: {{ printf "%s:%s" .Values.image.repository (toString .Values.image.tag) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.containerSecurityContext | nindent 2 }}
{{- end -}}

{{/* One probe: `kind` of the probes in `probes`, answered by `script`. */}}
{{- define "redis-ha.probe" -}}
{{- if .probe.enabled }}
{{ .kind }}:
  {{- omit .probe "enabled" | toYaml | nindent 2 }}
  exec:
    command: [sh, /readonly-config/{{ .script }}]
{{- end }}
{{- end -}}

{{- define "redis-ha.volumeMounts" -}}
volumeMounts:
  - name: config
    mountPath: /readonly-config
    readOnly: true
  - name: data
    mountPath: /data
{{- end -}}

{{/* The passwords. They reach the programs by environment and files, never by arguments. */}}
{{- define "redis-ha.env" -}}
{{- if or .Values.auth .Values.sentinel.auth }}
env:
  {{- if .Values.auth }}
  - name: AUTH
    valueFrom:
      secretKeyRef:
        {{- include "redis-ha.secretKeyRef" . | nindent 8 }}
  {{- end }}
  {{- if .Values.sentinel.auth }}
  - name: SENTINELAUTH
    valueFrom:
      secretKeyRef:
        {{- include "redis-ha.sentinelSecretKeyRef" . | nindent 8 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "redis-ha.exporter" -}}
- name: redis-exporter
  image: {{ printf "%s:%s" .Values.exporter.image (toString .Values.exporter.tag) | quote }}
  imagePullPolicy: {{ .Values.exporter.pullPolicy }}
  securityContext:
    {{- toYaml .Values.containerSecurityContext | nindent 4 }}
  {{- if .Values.exporter.extraArgs }}
  args:
    {{- range $key, $value := .Values.exporter.extraArgs }}
    - --{{ $key }}={{ $value }}
    {{- end }}
  {{- end }}
  env:
    - name: REDIS_ADDR
      value: redis://localhost:{{ int .Values.redis.port }}
    {{- if .Values.auth }}
    - name: REDIS_PASSWORD
      valueFrom:
        secretKeyRef:
          {{- include "redis-ha.secretKeyRef" . | nindent 10 }}
    {{- end }}
  ports:
    - name: {{ .Values.exporter.portName }}
      containerPort: {{ int .Values.exporter.port }}
  livenessProbe:
    httpGet:
      path: {{ .Values.exporter.scrapePath }}
      port: {{ int .Values.exporter.port }}
    initialDelaySeconds: 5
    periodSeconds: 15
    timeoutSeconds: 5
  resources:
    {{- toYaml .Values.exporter.resources | nindent 4 }}
{{- end -}}

{{- define "redis-ha.affinity" -}}
{{- $labels := dict "app" (include "redis-ha.name" .) "release" .Release.Name (include "redis-ha.fullname" .) "replica" -}}
{{- if .Values.additionalAffinities -}}
{{ toYaml .Values.additionalAffinities }}
{{ end -}}
podAntiAffinity:
  {{- if .Values.hardAntiAffinity }}
  requiredDuringSchedulingIgnoredDuringExecution:
    - labelSelector:
        matchLabels:
          {{- toYaml $labels | nindent 10 }}
      topologyKey: kubernetes.io/hostname
  {{- else }}
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        labelSelector:
          matchLabels:
            {{- toYaml $labels | nindent 12 }}
        topologyKey: kubernetes.io/hostname
  {{- end }}
{{- end -}}
