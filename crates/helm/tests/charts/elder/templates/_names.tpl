{{- define "name" -}}{{ .Release.Name }}-{{ .Chart.Name }}-by-elder{{- end -}}
