{{/*
Deployment and Service of a component that serves HTTP. Takes:
  root, component, values (`.Values.<component>`);
  config, secret: keys that the container reads;
  migrateConfig, migrateSecret, migrate: the same for the migration, and its command or args;
  writable: name -> path of the folders besides /tmp that the program writes to.
*/}}
{{- define "todo-app.component" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $fullname := printf "%s-%s" (include "todo-app.fullname" $root) .component -}}
{{- $tag := include "todo-app.tag" (dict "root" $root "image" $values.image) -}}
{{- $labels := dict "root" $root "component" .component "version" $tag -}}
{{- $writable := merge (dict "tmp" "/tmp") .writable -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $fullname }}
  labels: {{- include "todo-app.labels" $labels | nindent 4 }}
spec:
  {{- if not $values.autoscaling.enabled }}
  replicas: {{ $values.replicaCount }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels: {{- include "todo-app.selector" $labels | nindent 6 }}
  template:
    metadata:
      # Without the chart's version: a new chart alone is no reason for new pods.
      labels:
        {{- include "todo-app.selector" $labels | nindent 8 }}
        app.kubernetes.io/part-of: {{ $root.Chart.Name }}
        app.kubernetes.io/version: {{ include "todo-app.label" $tag }}
      annotations:
        {{- include "todo-app.checksums" . | nindent 8 }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "todo-app.podBase" . | nindent 6 }}
      securityContext: {{- include "todo-app.podSecurity" 10001 | nindent 8 }}
      terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
      initContainers:
        - name: migrate
          image: "{{ $values.image.repository }}:{{ $tag }}"
          imagePullPolicy: {{ $values.image.pullPolicy }}
          {{- toYaml .migrate | nindent 10 }}
          env:
            {{- include "todo-app.envFrom" (dict "root" $root "config" .migrateConfig "secret" .migrateSecret) | trim | nindent 12 }}
          securityContext: {{- include "todo-app.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
      containers:
        - name: {{ .component }}
          image: "{{ $values.image.repository }}:{{ $tag }}"
          imagePullPolicy: {{ $values.image.pullPolicy }}
          ports:
            - name: http
              containerPort: {{ $values.containerPort }}
              protocol: TCP
          env:
            - name: PORT
              value: {{ $values.containerPort | quote }}
            {{- include "todo-app.envFrom" (dict "root" $root "config" .config "secret" .secret) | trim | nindent 12 }}
            {{- range $name, $value := $values.env }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
          startupProbe: {{- include "todo-app.probe" $values.probes.startup | nindent 12 }}
          livenessProbe: {{- include "todo-app.probe" $values.probes.liveness | nindent 12 }}
            # A process that hangs obeys no SIGTERM; it need not be waited for.
            terminationGracePeriodSeconds: {{ min 10 $values.terminationGracePeriodSeconds }}
          readinessProbe: {{- include "todo-app.probe" $values.probes.readiness | nindent 12 }}
          {{- if $values.preStopSleepSeconds }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ $values.preStopSleepSeconds }}
          {{- end }}
          securityContext: {{- include "todo-app.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            {{- range $name, $path := $writable }}
            - name: {{ $name }}
              mountPath: {{ $path }}
            {{- end }}
      volumes:
        {{- range $name, $_ := $writable }}
        - name: {{ $name }}
          emptyDir:
            sizeLimit: 64Mi
        {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.spreadOverNodes }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: {{ . }}
          labelSelector:
            matchLabels: {{- include "todo-app.selector" $labels | nindent 14 }}
          # Pods of before an update, which are about to go, do not count.
          matchLabelKeys: [pod-template-hash]
      {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "todo-app.serviceName" (dict "root" $root "component" .component "service" $values.service) }}
  labels: {{- include "todo-app.labels" $labels | nindent 4 }}
spec:
  type: {{ $values.service.type }}
  selector: {{- include "todo-app.selector" $labels | nindent 4 }}
  ports:
    - name: http
      port: {{ $values.service.port }}
      targetPort: http
      protocol: TCP
      {{- with $values.service.nodePort }}
      nodePort: {{ . }}
      {{- end }}
{{- if $values.autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $fullname }}
  labels: {{- include "todo-app.labels" $labels | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $fullname }}
  minReplicas: {{ $values.autoscaling.minReplicas }}
  maxReplicas: {{ $values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $values.autoscaling.targetCPUUtilizationPercentage }}
{{- end }}
{{- if $values.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $fullname }}
  labels: {{- include "todo-app.labels" $labels | nindent 4 }}
spec:
  maxUnavailable: {{ $values.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels: {{- include "todo-app.selector" $labels | nindent 6 }}
{{- end }}
{{- end -}}
