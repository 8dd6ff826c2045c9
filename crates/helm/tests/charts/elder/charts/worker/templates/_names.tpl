{{- define "name" -}}{{ .Chart.Name }}-by-worker{{- end -}}
