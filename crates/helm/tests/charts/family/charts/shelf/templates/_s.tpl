{{- define "shelf.greet" -}}hello {{ .Release.Name }}{{- end -}}
