{{- define "name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "labels" -}}
app: {{ include "name" . }}
chart: {{ .Chart.Name }}-{{ .Chart.Version }}
release: {{ .Release.Name }}
heritage: {{ .Release.Service }}
{{- end -}}

{{- define "auth" -}}
{{- if .Values.auth }}
        - name: AUTH
          valueFrom:
            secretKeyRef:
              name: {{ .Values.existingSecret | default (include "fullname" .) }}
              key: {{ .Values.authKey }}
{{- end }}
{{- end -}}

{{- define "sentinel.auth" -}}
{{- if .Values.sentinel.auth }}
        - name: SENTINELAUTH
          valueFrom:
            secretKeyRef:
              name: {{ .Values.sentinel.existingSecret | default (printf "%s-sentinel" (include "fullname" .)) }}
              key: {{ .Values.sentinel.authKey }}
{{- end }}
{{- end -}}

{{- define "tls.lines" -}}
{{- if .tlsPort }}
    tls-port {{ int .tlsPort }}
    tls-cert-file /tls-certs/{{ .tls.certFile }}
    tls-key-file /tls-certs/{{ .tls.keyFile }}
    tls-ca-cert-file /tls-certs/{{ .tls.caCertFile }}
    {{- if eq (default "yes" .authClients) "no" }}
    tls-auth-clients no
    {{- end }}
    tls-replication {{ ternary "yes" "no" .tlsReplication }}
{{- end }}
{{- end -}}

{{- define "tls.mount" -}}
{{- if .Values.redis.tlsPort }}
        - { name: tls-certs, mountPath: /tls-certs }
{{- end }}
{{- end -}}

{{- define "tls.flags" -}}
--tls --cacert /tls-certs/{{ .Values.tls.caCertFile }} --cert /tls-certs/{{ .Values.tls.certFile }} --key /tls-certs/{{ .Values.tls.keyFile }}
{{- end -}}

{{- define "redis.way" -}}
{{- with int .Values.redis.port -}}
-p {{ . }}
{{- else -}}
-p {{ int .Values.redis.tlsPort }} {{ include "tls.flags" . }}
{{- end -}}
{{- end -}}

{{- define "sentinel.way" -}}
{{- with int .Values.sentinel.port -}}
-p {{ . }}
{{- else -}}
-p {{ int .Values.sentinel.tlsPort }} {{ include "tls.flags" . }}
{{- end -}}
{{- end -}}
