{{- define "family.name" -}}{{ .Release.Name }}-{{ .Chart.Name }}{{- end -}}
{{- define "overridden" -}}parent wins{{- end -}}
