{{/* A value as redis.conf wants it: whole numbers without an exponent, an empty text as "". */}}
{{- define "redis-ha.setting" -}}
{{- if kindIs "string" . -}}
{{- if eq . "" -}}""{{- else -}}{{ . }}{{- end -}}
{{- else -}}
{{ toYaml . }}
{{- end -}}
{{- end -}}

{{/* The lines of one setting of redis.conf. */}}
{{- define "redis-ha.lines" -}}
{{- $key := .key -}}
{{- if kindIs "slice" .value -}}
{{- range .value }}
{{ $key }} {{ include "redis-ha.setting" . }}
{{- end -}}
{{- else if not (kindIs "invalid" .value) }}
{{ $key }} {{ include "redis-ha.setting" .value }}
{{- end -}}
{{- end -}}

{{/* What a server takes only when it starts. */}}
{{- define "redis-ha.redisAtStart" -}}
{{- if .Values.redis.customConfig -}}
{{ tpl .Values.redis.customConfig . }}
{{- else -}}
{{- $atStart := printf "\n%s\n" (.Files.Get "restart-settings.txt") -}}
dir /data
port {{ int .Values.redis.port }}
protected-mode no
{{- range .Values.redis.disableCommands }}
rename-command {{ . }} ""
{{- end }}
{{- range $key, $value := .Values.redis.config }}
{{- if contains (printf "\n%s\n" $key) $atStart }}
{{- include "redis-ha.lines" (dict "key" $key "value" $value) }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* What can be set while a server runs. */}}
{{- define "redis-ha.redisLive" -}}
{{- if not .Values.redis.customConfig -}}
{{- $atStart := printf "\n%s\n" (.Files.Get "restart-settings.txt") -}}
{{- range $key, $value := .Values.redis.config }}
{{- if not (contains (printf "\n%s\n" $key) $atStart) }}
{{- include "redis-ha.lines" (dict "key" $key "value" $value) }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* What a sentinel takes only when it starts. The start-up script adds what differs from pod to pod. */}}
{{- define "redis-ha.sentinelAtStart" -}}
{{- if .Values.sentinel.customConfig -}}
{{ tpl .Values.sentinel.customConfig . }}
{{- else -}}
dir /data
port {{ int .Values.sentinel.port }}
{{- $group := include "redis-ha.group" . }}
{{- range $key, $value := .Values.sentinel.config }}
{{- if eq $key "maxclients" }}
maxclients {{ include "redis-ha.setting" $value }}
{{- else if not (or (eq $key "down-after-milliseconds") (eq $key "failover-timeout") (eq $key "parallel-syncs")) }}
sentinel {{ $key }} {{ $group }} {{ include "redis-ha.setting" $value }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* What SENTINEL SET can change. */}}
{{- define "redis-ha.sentinelLive" -}}
{{- if not .Values.sentinel.customConfig -}}
{{- $group := include "redis-ha.group" . }}
{{- range $key, $value := .Values.sentinel.config }}
{{- if or (eq $key "down-after-milliseconds") (eq $key "failover-timeout") (eq $key "parallel-syncs") }}
sentinel {{ $key }} {{ $group }} {{ include "redis-ha.setting" $value }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Names and numbers for the scripts. */}}
{{- define "redis-ha.settings" -}}
NAME='{{ include "redis-ha.name" . }}'
RELEASE='{{ .Release.Name }}'
FULLNAME='{{ include "redis-ha.fullname" . }}'
GROUP='{{ include "redis-ha.group" . }}'
REPLICAS={{ int .Values.replicas }}
QUORUM={{ int .Values.sentinel.quorum }}
REDIS_PORT={{ int .Values.redis.port }}
SENTINEL_PORT={{ int .Values.sentinel.port }}
{{- end -}}
