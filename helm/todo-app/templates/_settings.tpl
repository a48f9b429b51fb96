{{/* Data of the ConfigMap, as YAML; what is empty is left out, so that the code's default holds. */}}
{{- define "todo-app.config" -}}
{{- $service := include "todo-app.serviceName" (dict "root" . "component" "backend" "service" .Values.backend.service) -}}
{{- $url := printf "http://%s:%v" $service .Values.backend.service.port -}}
NEXT_PUBLIC_API_URL: {{ .Values.config.apiUrl | default $url | quote }}
{{- with .Values.config.betterAuthUrl }}
BETTER_AUTH_URL: {{ . | quote }}
{{- end }}
{{- with .Values.config.cohereBaseUrl }}
COHERE_BASE_URL: {{ . | quote }}
{{- end }}
COHERE_MODEL: {{ .Values.config.cohereModel | quote }}
LOG_LEVEL: {{ .Values.config.logLevel | quote }}
{{- end -}}

{{/* URL of the database in the cluster. `urlquery` writes a space as "+", which a URL's user part does not mean. */}}
{{- define "todo-app.inClusterDatabaseUrl" -}}
{{- $pg := .Values.postgresql -}}
{{- $service := include "todo-app.serviceName" (dict "root" . "component" "postgres" "service" $pg.service) -}}
{{- $password := .Values.secrets.postgresPassword | urlquery | replace "+" "%20" -}}
{{- printf "postgresql://%s:%s@%s:%v/%s" $pg.username $password $service $pg.service.port $pg.database -}}
{{- end -}}

{{/* Data of the Secret, not encoded, as YAML. Of a Secret of the user's own: what the cluster says, or nothing. */}}
{{- define "todo-app.secretData" -}}
{{- if .Values.secrets.existingSecret -}}
{{- $found := lookup "v1" "Secret" .Release.Namespace .Values.secrets.existingSecret -}}
{{- toYaml (default dict $found.data) -}}
{{- else -}}
DATABASE_URL: {{ ternary (include "todo-app.inClusterDatabaseUrl" .) .Values.secrets.databaseUrl .Values.postgresql.enabled | quote }}
COHERE_API_KEY: {{ .Values.secrets.cohereApiKey | quote }}
BETTER_AUTH_SECRET: {{ .Values.secrets.betterAuthSecret | quote }}
{{- if .Values.postgresql.enabled }}
POSTGRES_PASSWORD: {{ .Values.secrets.postgresPassword | quote }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Environment from chosen keys of the ConfigMap and the Secret. Takes (root, config, secret: lists of keys). */}}
{{- define "todo-app.envFrom" -}}
{{- $data := include "todo-app.config" .root | fromYaml -}}
{{- range .config -}}
{{- if hasKey $data . }}
- name: {{ . }}
  valueFrom:
    configMapKeyRef:
      name: {{ include "todo-app.configMapName" $.root }}
      key: {{ . }}
{{- end }}
{{- end }}
{{- range .secret }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ include "todo-app.secretName" $.root }}
      key: {{ . }}
{{- end }}
{{- end -}}

{{/*
Annotations that change when something that the component reads changes: only its pods roll.
The secrets' digest always covers BETTER_AUTH_SECRET, which is too long to be guessed from it.
*/}}
{{- define "todo-app.checksums" -}}
{{- $config := include "todo-app.config" .root | fromYaml -}}
{{- $secret := include "todo-app.secretData" .root | fromYaml -}}
{{- $ours := dict -}}
{{- range .config }}{{ if hasKey $config . }}{{ $_ := set $ours . (get $config .) }}{{ end }}{{ end -}}
checksum/config: {{ toJson $ours | sha256sum }}
{{- if $secret }}
{{- $ours = dict }}
{{- range .secret }}{{ if hasKey $secret . }}{{ $_ := set $ours . (get $secret .) }}{{ end }}{{ end }}
checksum/secret: {{ toJson $ours | sha256sum }}
{{- end }}
{{- end -}}
