{{/* The name of the application: label `app` of everything but the ConfigMap and the ServiceAccount. */}}
{{- define "redis-ha.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/* The prefix of every object. */}}
{{- define "redis-ha.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "redis-ha.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "redis-ha.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{/* The group that the sentinels watch. */}}
{{- define "redis-ha.group" -}}
{{- $group := tpl (toString .Values.redis.masterGroupName) . -}}
{{- if not (regexMatch "^[A-Za-z0-9_.-]+$" $group) -}}
{{- required (printf "redis.masterGroupName is %q: only letters, digits, '_', '.' and '-' are possible" $group) "" -}}
{{- end -}}
{{ $group }}
{{- end -}}

{{/* Labels of every object; `app` is given, since it differs. */}}
{{- define "redis-ha.labels" -}}
app: {{ .app }}
heritage: {{ .root.Release.Service | quote }}
release: {{ .root.Release.Name | quote }}
chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- range $key, $value := .root.Values.extraLabels }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* Name and key of the Secret with the servers' password. */}}
{{- define "redis-ha.secretKeyRef" -}}
name: {{ required "auth needs existingSecret: this chart takes no password as a value" (tpl (toString .Values.existingSecret) .) }}
key: {{ .Values.authKey }}
{{- end -}}

{{- define "redis-ha.sentinelSecretKeyRef" -}}
name: {{ required "sentinel.auth needs sentinel.existingSecret" (tpl (toString .Values.sentinel.existingSecret) .) }}
key: {{ .Values.sentinel.authKey }}
{{- end -}}
