{{/*
Values that would deploy, and then crash or do nothing, stop the installation here: one sentence
for each problem, with its way out, and never with the value of a secret. What a schema can say
without quoting the value is in values.schema.json.
*/}}
{{- define "todo-app.validate" -}}
{{- $problems := concat
  (include "todo-app.secretProblems" . | fromJsonArray)
  (include "todo-app.wiringProblems" . | fromJsonArray) -}}
{{- if $problems -}}
{{- fail (join " " $problems) -}}
{{- end -}}
{{- end -}}

{{- define "todo-app.placeholder" -}}
(?i)(change[-_ ]?(me|this|it)|replace[-_ ]?(me|this|with)|place[-_ ]?holder|your[-_ ]|<[^>]*>|\$\{|\{\{|^(.)$|^x{3,}$|^\*+$|^\.{3,}$|^(todo|tbd|none|null|secret|password|example)$)
{{- end -}}

{{- define "todo-app.secretProblems" -}}
{{- $secrets := .Values.secrets -}}
{{- $inside := .Values.postgresql.enabled -}}
{{- $problems := list -}}
{{- $needed := list "databaseUrl" "cohereApiKey" "betterAuthSecret" -}}
{{- $keys := list "DATABASE_URL" "COHERE_API_KEY" "BETTER_AUTH_SECRET" -}}
{{- if $inside -}}
{{- $needed = list "postgresPassword" "cohereApiKey" "betterAuthSecret" -}}
{{- $keys = append $keys "POSTGRES_PASSWORD" -}}
{{- end -}}
{{- $missing := list -}}
{{- $set := list -}}
{{- range $name := list "databaseUrl" "cohereApiKey" "betterAuthSecret" "postgresPassword" -}}
{{- $value := get $secrets $name | default "" | trim -}}
{{- if $value -}}
{{- $set = append $set (printf "secrets.%s" $name) -}}
{{- if regexMatch (include "todo-app.placeholder" $) $value -}}
{{- $problems = append $problems (printf "secrets.%s still holds a placeholder: set it to the real value." $name) -}}
{{- end -}}
{{- else if has $name $needed -}}
{{- $missing = append $missing (printf "secrets.%s" $name) -}}
{{- end -}}
{{- end -}}
{{- if $secrets.existingSecret -}}
{{- if $set -}}
{{- $problems = append $problems (printf "%s would be ignored, because secrets.existingSecret is set: leave one of the two out." (join ", " $set)) -}}
{{- end -}}
{{- $problems = concat $problems (include "todo-app.existingSecretProblems" (dict "root" . "keys" $keys) | fromJsonArray) -}}
{{- else -}}
{{- if $missing -}}
{{- $problems = append $problems (printf "%s must be set: give it in a values file (helm … -f my-secrets.yaml), or set secrets.existingSecret to the name of a Secret with the keys %s." (join ", " $missing) (join ", " $keys)) -}}
{{- end -}}
{{- if and $inside $secrets.databaseUrl -}}
{{- $problems = append $problems "secrets.databaseUrl would be ignored, because postgresql.enabled deploys a database of its own: leave one of the two out." -}}
{{- end -}}
{{- if and $secrets.postgresPassword (not $inside) -}}
{{- $problems = append $problems "secrets.postgresPassword is for the database in the cluster: set postgresql.enabled to true, or leave it out." -}}
{{- end -}}
{{- if and $secrets.databaseUrl (not $inside) (not (regexMatch "^postgres(ql)?://([^/?#]*@)?[^/?#@:][^/?#@]*/[^/?#]+" $secrets.databaseUrl)) -}}
{{- $problems = append $problems "secrets.databaseUrl is not the URL of a PostgreSQL database: write postgresql://user:password@host:5432/database, with special characters of the password percent-encoded." -}}
{{- end -}}
{{- $length := len ($secrets.betterAuthSecret | trim) -}}
{{- if and $length (lt $length 32) -}}
{{- $problems = append $problems (printf "secrets.betterAuthSecret has %d characters, at least 32 are needed: make one with `openssl rand -base64 32`." $length) -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end -}}

{{/*
With a cluster at hand (every namespace has a ServiceAccount `default`) the named Secret must be
there with all its keys; without one (`helm template`) nothing can be said.
*/}}
{{- define "todo-app.existingSecretProblems" -}}
{{- $problems := list -}}
{{- $name := .root.Values.secrets.existingSecret -}}
{{- $namespace := .root.Release.Namespace -}}
{{- if lookup "v1" "ServiceAccount" $namespace "default" -}}
{{- $found := lookup "v1" "Secret" $namespace $name -}}
{{- if not $found -}}
{{- $problems = append $problems (printf "secrets.existingSecret names the Secret %q, which is not in the namespace %s: create it with the keys %s." $name $namespace (join ", " .keys)) -}}
{{- else -}}
{{- $data := default dict $found.data -}}
{{- $missing := list -}}
{{- range .keys }}{{ if not (get $data .) }}{{ $missing = append $missing . }}{{ end }}{{ end -}}
{{- if $missing -}}
{{- $problems = append $problems (printf "secrets.existingSecret names the Secret %q, which lacks %s: add what is missing." $name (join ", " $missing)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end -}}

{{- define "todo-app.wiringProblems" -}}
{{- $problems := list -}}
{{- $names := dict -}}
{{- $components := dict "backend" .Values.backend "frontend" .Values.frontend -}}
{{- $services := dict "backend" .Values.backend.service "frontend" .Values.frontend.service -}}
{{- $images := dict "backend" .Values.backend.image "frontend" .Values.frontend.image -}}
{{- if .Values.postgresql.enabled -}}
{{- $_ := set $services "postgresql" .Values.postgresql.service -}}
{{- $_ := set $images "postgresql" .Values.postgresql.image -}}
{{- end -}}
{{- range $component, $service := $services -}}
{{- with $service.name -}}
{{- if hasKey $names . -}}
{{- $problems = append $problems (printf "%s.service.name and %s.service.name are both %q: give each Service a name of its own." (get $names .) $component .) -}}
{{- end -}}
{{- $_ := set $names . $component -}}
{{- end -}}
{{- end -}}
{{- range $component, $image := $images -}}
{{- if eq $image.tag "latest" -}}
{{- $problems = append $problems (printf "%s.image.tag is \"latest\", which names no version, so that an upgrade would not roll and a rollback not return: give the tag of a version." $component) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.frontend.service.nodePort (eq .Values.frontend.service.type "ClusterIP") -}}
{{- $problems = append $problems "frontend.service.nodePort would be ignored, because frontend.service.type is ClusterIP: set the type to NodePort, or leave the port out." -}}
{{- end -}}
{{- $managed := list "DATABASE_URL" "COHERE_API_KEY" "BETTER_AUTH_SECRET" "POSTGRES_PASSWORD" "NEXT_PUBLIC_API_URL" "BETTER_AUTH_URL" "COHERE_BASE_URL" "COHERE_MODEL" "LOG_LEVEL" "PORT" -}}
{{- range $component, $values := $components -}}
{{- range $name, $_ := $values.env -}}
{{- if has $name $managed -}}
{{- $problems = append $problems (printf "%s.env.%s would collide with what the chart sets: use the parameter below `secrets`, `config` or `%s` for it." $component $name $component) -}}
{{- end -}}
{{- end -}}
{{- $needed := int $values.preStopSleepSeconds | add 10 -}}
{{- if lt (int $values.terminationGracePeriodSeconds) (int $needed) -}}
{{- $problems = append $problems (printf "%s.terminationGracePeriodSeconds is %v, but %d are needed to let requests end: preStopSleepSeconds and 10 for the program." $component $values.terminationGracePeriodSeconds $needed) -}}
{{- end -}}
{{- if and $values.autoscaling.enabled (gt (int $values.autoscaling.minReplicas) (int $values.autoscaling.maxReplicas)) -}}
{{- $problems = append $problems (printf "%s.autoscaling.minReplicas is above maxReplicas: raise the one or lower the other." $component) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.ingress.annotations -}}
{{- if regexMatch "rewrite|strip-?prefix|replace-?path" (lower $name) -}}
{{- $problems = append $problems (printf "ingress.annotations has %s, but the app lives at / and every rewrite breaks its paths: leave it out." $name) -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end -}}
