{{ define "overridden" }}child loses{{ end }}
