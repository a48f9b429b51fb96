{{/* Prefix of all objects: release and chart name; short enough for every suffix that is added. */}}
{{- define "todo-app.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What finds the pods of one component of one release, and nothing else. Takes (root, component). */}}
{{- define "todo-app.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Standard labels of an object. Takes (root, component, and version when it is not the app's). */}}
{{- define "todo-app.labels" -}}
{{ include "todo-app.selector" . }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/version: {{ include "todo-app.label" (.version | default .root.Chart.AppVersion) }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ include "todo-app.label" (printf "%s-%s" .root.Chart.Name .root.Chart.Version) }}
{{- end -}}

{{/* A text as a label's value: no build metadata sign, at most 63 characters, no odd end. */}}
{{- define "todo-app.label" -}}
{{- . | toString | replace "+" "_" | trunc 63 | trimAll "-_." | quote -}}
{{- end -}}

{{- define "todo-app.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "todo-app.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "todo-app.configMapName" -}}
{{- include "todo-app.fullname" . }}-config
{{- end -}}

{{- define "todo-app.secretName" -}}
{{- .Values.secrets.existingSecret | default (printf "%s-secrets" (include "todo-app.fullname" .)) -}}
{{- end -}}

{{/* Name of a component's Service. Takes (root, component, service). */}}
{{- define "todo-app.serviceName" -}}
{{- .service.name | default (printf "%s-%s" (include "todo-app.fullname" .root) .component) -}}
{{- end -}}

{{/* Tag of an image: its own, else the application's version. Takes (root, image). */}}
{{- define "todo-app.tag" -}}
{{- .image.tag | default .root.Chart.AppVersion -}}
{{- end -}}
