"""Defects of the chart: its templates, its values, what they promise."""

from __future__ import annotations

from mutants.change import Remove, Replace
from mutants.mutant import Mutant, Needs

_CHART = "helm/todo-app"
_VALUES = f"{_CHART}/values.yaml"
_COMPONENT = f"{_CHART}/templates/_component.tpl"
_POD = f"{_CHART}/templates/_pod.tpl"
_MAIN_RESOURCES = (
    "          securityContext:"
    ' {{- include "todo-app.containerSecurity" . | nindent 12 }}\n'
    "          resources: {{- toYaml $values.resources | nindent 12 }}\n"
    "          volumeMounts:\n"
    "            {{- range $name, $path := $writable }}\n"
)
_MAIN_IMAGE = (
    "        - name: {{ .component }}\n"
    '          image: "{{ $values.image.repository }}:{{ $tag }}"\n'
    "          imagePullPolicy: {{ $values.image.pullPolicy }}\n"
)
_BACKEND_RESOURCES = (
    "  containerPort: 8000\n"
    "  # -- Requests and limits; they hold for the migration too.\n"
    "  resources:\n"
    "    requests:\n"
    "      cpu: 100m\n"
    "      memory: 128Mi\n"
    "    limits:\n"
    "      cpu: 200m\n"
    "      memory: 256Mi\n"
)
_FRONTEND_RESOURCES = (
    "      memory: 256Mi\n    limits:\n      cpu: 200m\n      memory: 512Mi\n  probes:\n"
)
_ONE = "one_installation"

MUTANTS = (
    Mutant(
        "chart-does-not-render",
        "A template has a typing error.",
        (Replace(_COMPONENT, "  revisionHistoryLimit: 5\n", "  revisionHistoryLimit: {{ 5 }\n"),),
        r"_component\.tpl.*unexpected",
    ),
    Mutant(
        "chart-unknown-field",
        "A field of a Deployment is misspelt, which Kubernetes drops in silence.",
        (
            Replace(
                _COMPONENT,
                "terminationGracePeriodSeconds: {{ $values",
                "terminationGrace: {{ $values",
            ),
        ),
        r"terminationGrace: Kubernetes knows no such field",
    ),
    Mutant(
        "chart-no-limits",
        "The backend has no limits.",
        (
            Replace(
                _VALUES,
                _BACKEND_RESOURCES,
                _BACKEND_RESOURCES.replace(
                    "    limits:\n      cpu: 200m\n      memory: 256Mi\n", ""
                ),
            ),
        ),
        r"backend\.resources: missing property 'limits'|a limit of .* for Deployment \S+-backend",
    ),
    Mutant(
        "chart-other-limits",
        "The frontend may use less memory than the plan gives it.",
        (
            Replace(
                _VALUES,
                _FRONTEND_RESOURCES,
                _FRONTEND_RESOURCES.replace("512Mi", "256Mi"),
            ),
        ),
        r"a limit of 512Mi memory for Deployment \S+-frontend",
    ),
    Mutant(
        "chart-resources-dead",
        "The backend's and frontend's resources are fixed in the template.",
        (
            Replace(
                _COMPONENT,
                _MAIN_RESOURCES,
                _MAIN_RESOURCES.replace(
                    "{{- toYaml $values.resources | nindent 12 }}",
                    "{requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: 200m, memory: 256Mi}}",
                ),
            ),
        ),
        r"a limit of 512Mi memory for Deployment \S+-frontend",
    ),
    Mutant(
        "chart-replicas-dead",
        "The number of replicas is fixed in the template.",
        (Replace(_COMPONENT, "  replicas: {{ $values.replicaCount }}\n", "  replicas: 1\n"),),
        r"the value \w+\.replicaCount to change something",
    ),
    Mutant(
        "chart-two-replicas",
        "The backend runs twice by default, which the plan does not want.",
        (
            Replace(
                _VALUES,
                "  replicaCount: 1\n  service:\n    # -- Name of the Service, which",
                "  replicaCount: 2\n  service:\n    # -- Name of the Service, which",
            ),
        ),
        r"Deployment \S+-backend has replicas: 2",
    ),
    Mutant(
        "chart-tag-dead",
        "The images' tag is fixed: an upgrade to another tag changes nothing.",
        (
            Replace(
                f"{_CHART}/templates/_names.tpl",
                "{{- .image.tag | default .root.Chart.AppVersion -}}",
                "{{- .root.Chart.AppVersion -}}",
            ),
        ),
        r"value \w+\.image\.tag to (change something|show in what is installed)",
    ),
    Mutant(
        "chart-pull-policy-dead",
        "The pull policy is fixed in the template.",
        (
            Replace(
                _COMPONENT,
                _MAIN_IMAGE,
                _MAIN_IMAGE.replace("{{ $values.image.pullPolicy }}", "IfNotPresent"),
            ),
        ),
        r"pullPolicy, a value of the chart, to reach Deployment",
    ),
    Mutant(
        "chart-node-selector-dead",
        "The node selector that is documented does nothing.",
        (
            Replace(
                _COMPONENT,
                "      {{- with $values.nodeSelector }}\n"
                "      nodeSelector: {{- toYaml . | nindent 8 }}\n"
                "      {{- end }}\n",
                "",
            ),
        ),
        r"the value \w+\.nodeSelector to change something",
    ),
    Mutant(
        "chart-env-dead",
        "The further variables that are documented reach no container.",
        (
            Replace(
                _COMPONENT,
                "            {{- range $name, $value := $values.env }}\n"
                "            - name: {{ $name }}\n"
                "              value: {{ $value | quote }}\n"
                "            {{- end }}\n",
                "",
            ),
        ),
        r"the value \w+\.env to change something",
    ),
    Mutant(
        "chart-log-level-dead",
        "The log level that is documented is fixed in the template.",
        (
            Replace(
                f"{_CHART}/templates/_settings.tpl",
                "LOG_LEVEL: {{ .Values.config.logLevel | quote }}",
                "LOG_LEVEL: info",
            ),
        ),
        r"the value config\.logLevel to change something",
    ),
    Mutant(
        "chart-parameter-undocumented",
        "A parameter is described nowhere.",
        (
            Replace(
                f"{_CHART}/README.md",
                "`backend.preStopSleepSeconds`",
                "`backend.preStopSeconds`",
            ),
        ),
        r"the value backend\.preStopSleepSeconds to be described",
    ),
    Mutant(
        "chart-latest-always",
        "Both images are `latest` and pulled each time.",
        (
            Replace(
                _VALUES,
                "    repository: todo-backend\n"
                "    # -- Tag; empty means the chart's appVersion. `latest` is refused.\n"
                '    tag: ""\n'
                "    # -- When the image is pulled: `Always`, `IfNotPresent` or `Never`.\n"
                "    pullPolicy: IfNotPresent\n",
                "    repository: todo-backend\n"
                "    # -- Tag; empty means the chart's appVersion. `latest` is refused.\n"
                "    tag: latest\n"
                "    # -- When the image is pulled: `Always`, `IfNotPresent` or `Never`.\n"
                "    pullPolicy: Always\n",
            ),
        ),
        r"backend\.image\.tag is latest|imagePullPolicy is Always",
    ),
    Mutant(
        "chart-version-latest",
        "The chart's appVersion, the default of both tags, is `latest`.",
        (Replace(f"{_CHART}/Chart.yaml", 'appVersion: "1.0.0"', 'appVersion: "latest"'),),
        r"appVersion is latest",
    ),
    Mutant(
        "chart-no-schema",
        "No schema checks the values, so that a mistyped one is taken in silence.",
        (Remove(f"{_CHART}/values.schema.json"),),
        r"a schema that checks the chart's values",
    ),
    Mutant(
        "chart-open-schema",
        "The schema takes values that the chart does not know.",
        (
            Replace(
                f"{_CHART}/values.schema.json",
                '  "type": "object",\n  "additionalProperties": false,\n  "properties": {\n'
                '    "global"',
                '  "type": "object",\n  "properties": {\n    "global"',
            ),
        ),
        r"the schema to refuse unknown names below the top",
    ),
    Mutant(
        "chart-root-allowed",
        "Kubernetes does not refuse a pod that runs as root.",
        (Replace(_POD, "runAsNonRoot: true\n", "runAsNonRoot: false\n"),),
        r"it may run as root",
    ),
    Mutant(
        "chart-runs-as-root",
        "The pods run as root, which their security refuses: no container starts.",
        (
            Replace(
                _COMPONENT,
                'securityContext: {{- include "todo-app.podSecurity" 10001 | nindent 8 }}',
                'securityContext: {{- include "todo-app.podSecurity" 0 | nindent 8 }}',
            ),
        ),
        r"(?i)CreateContainerConfigError.*non-root",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "chart-root-user",
        "The pods' user is root.",
        (
            Replace(
                _COMPONENT,
                'securityContext: {{- include "todo-app.podSecurity" 10001 | nindent 8 }}',
                'securityContext: {{- include "todo-app.podSecurity" 0 | nindent 8 }}',
            ),
        ),
        r"its user is 0, which is root",
    ),
    Mutant(
        "chart-writable-root",
        "The containers' root file system can be written to.",
        (Replace(_POD, "readOnlyRootFilesystem: true\n", "readOnlyRootFilesystem: false\n"),),
        r"its root file system can be written",
    ),
    Mutant(
        "chart-privilege-escalation",
        "A process may get more rights than its parent.",
        (Replace(_POD, "allowPrivilegeEscalation: false\n", "allowPrivilegeEscalation: true\n"),),
        r"its process can gain privileges",
    ),
    Mutant(
        "chart-capabilities",
        "The containers keep the kernel capabilities that they do not need.",
        (Replace(_POD, "capabilities:\n  drop: [ALL]\n", ""),),
        r"it keeps capabilities",
    ),
    Mutant(
        "chart-token-mounted",
        "The pods get a token of the cluster's API.",
        (
            Replace(
                _POD, "automountServiceAccountToken: false", "automountServiceAccountToken: true"
            ),
        ),
        r"it is given a token of the cluster's API",
    ),
    Mutant(
        "chart-no-cache-folder",
        "The frontend has no folder to write its cache to.",
        (
            Replace(
                f"{_CHART}/templates/frontend.yaml",
                '  "writable" (dict "cache" "/app/.next/cache")\n',
                '  "writable" dict\n',
            ),
        ),
        r"a place at /app/\.next/cache where Deployment \S+-frontend \(frontend\) can write",
    ),
    Mutant(
        "chart-no-service-account",
        "The ServiceAccount that the pods name is not there.",
        (Remove(f"{_CHART}/templates/serviceaccount.yaml"),),
        r"ServiceAccount todo-app, for the account of Deployment",
    ),
    Mutant(
        "chart-no-service-account-deployed",
        "The ServiceAccount that new pods name is not there: the API refuses them.",
        (
            Replace(
                _POD,
                'serviceAccountName: {{ include "todo-app.serviceAccountName" .root }}',
                "serviceAccountName: nobody-made-it",
            ),
        ),
        r"(?i)serviceaccount \"nobody-made-it\" not found",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "chart-image-not-there",
        "The Deployments name an image that nobody built.",
        (
            Replace(
                _COMPONENT,
                _MAIN_IMAGE,
                _MAIN_IMAGE.replace(":{{ $tag }}", ":{{ $tag }}-x"),
            ),
        ),
        r"(ErrImagePull|ImagePullBackOff|ErrImageNeverPull).*-x",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "chart-command-not-there",
        "The frontend's migration is a command that the image does not have.",
        (
            Replace(
                f"{_CHART}/templates/frontend.yaml",
                '(list "node" "migrate.mjs")',
                '(list "nodejs-of-yesterday" "migrate.mjs")',
            ),
        ),
        r"nodejs-of-yesterday.*(not found|no such file)",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "chart-wrong-argument",
        "The backend's migration is asked for by a wrong word, and ends with exit code 2.",
        (
            Replace(
                f"{_CHART}/templates/backend.yaml",
                '(dict "args" (list "migrate"))',
                '(dict "args" (list "migrations"))',
            ),
        ),
        r"(?s)exit code 2,.*invalid choice: 'migrations'",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "chart-too-little-memory",
        "The frontend gets less memory than it needs.",
        (
            Replace(
                _VALUES,
                "      memory: 256Mi\n    limits:\n      cpu: 200m\n      memory: 512Mi\n",
                "      memory: 24Mi\n    limits:\n      cpu: 200m\n      memory: 24Mi\n",
            ),
        ),
        r"OOMKilled at a limit of 24Mi",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "chart-too-much-asked",
        "The backend asks for more CPU than any node has.",
        (
            Replace(
                _VALUES,
                _BACKEND_RESOURCES,
                _BACKEND_RESOURCES.replace("100m", "64").replace("200m", "64"),
            ),
        ),
        r"(?s)asks for .*cpu 64.*Insufficient cpu",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "chart-missing-volume",
        "The backend mounts a ConfigMap that does not exist.",
        (
            Replace(
                _COMPONENT,
                "      volumes:\n",
                "      volumes:\n"
                "        - name: extra\n"
                "          configMap:\n"
                "            name: nobody-made-it\n",
            ),
            # Unless it is mounted, the kubelet takes no notice of it.
            Replace(
                _COMPONENT,
                "            {{- range $name, $path := $writable }}\n",
                "            - name: extra\n"
                "              mountPath: /extra\n"
                "            {{- range $name, $path := $writable }}\n",
            ),
        ),
        r"configmap nobody-made-it",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "chart-too-new",
        "The chart demands a Kubernetes that does not exist.",
        (Replace(f"{_CHART}/Chart.yaml", '">=1.30.0-0"', '">=1.99.0-0"'),),
        r"it requires Kubernetes >=1\.99",
    ),
    Mutant(
        "chart-fixed-name",
        "The ConfigMap has one name in every release: two releases fight for it.",
        (
            Replace(
                f"{_CHART}/templates/_settings.tpl".replace("_settings", "_names"),
                '{{- include "todo-app.fullname" . }}-config\n',
                "todo-app-config\n",
            ),
        ),
        r"ConfigMap.*todo-app-config|`?todo-app-config`?.*release",
    ),
    Mutant(
        "chart-autoscaler-aims-wrong",
        "The autoscaler scales a Deployment that does not exist.",
        (
            Replace(
                _COMPONENT,
                "    kind: Deployment\n    name: {{ $fullname }}\n",
                "    kind: Deployment\n    name: {{ .component }}\n",
            ),
        ),
        r"Deployment (backend|frontend), for",
    ),
    Mutant(
        "chart-budget-selects-nobody",
        "The disruption budget protects pods that do not exist.",
        (
            Replace(
                _COMPONENT,
                "  maxUnavailable: {{ $values.podDisruptionBudget.maxUnavailable }}\n"
                "  selector:\n"
                '    matchLabels: {{- include "todo-app.selector" $labels | nindent 6 }}\n',
                "  maxUnavailable: {{ $values.podDisruptionBudget.maxUnavailable }}\n"
                "  selector:\n"
                "    matchLabels: {app: {{ .component }}}\n",
            ),
        ),
        r"PodDisruptionBudget \S+",
    ),
    Mutant(
        "chart-spread-counts-nobody",
        "The pods are to keep to different nodes, counted against pods that do not exist.",
        (
            Replace(
                _COMPONENT,
                "            matchLabels:"
                ' {{- include "todo-app.selector" $labels | nindent 14 }}\n',
                "            matchLabels: {app: todo}\n",
            ),
        ),
        r"the pods of Deployment \S+, for the spread",
    ),
    Mutant(
        "chart-ingress-rewrite",
        "The ingress rewrites every path to `/`.",
        (
            Replace(
                f"{_CHART}/templates/ingress.yaml",
                "  {{- with .Values.ingress.annotations }}\n"
                "  annotations: {{- toYaml . | nindent 4 }}\n"
                "  {{- end }}\n",
                "  annotations:\n    nginx.ingress.kubernetes.io/rewrite-target: /\n",
            ),
        ),
        r"every path becomes /",
    ),
    Mutant(
        "chart-ingress-one-path",
        "The ingress leads only some of the app's paths to it.",
        (
            Replace(
                f"{_CHART}/templates/ingress.yaml",
                "          - path: /\n            pathType: Prefix\n",
                "          - path: /\n            pathType: Exact\n",
            ),
        ),
        r"pathType: Exact",
    ),
    Mutant(
        "chart-ingress-to-nobody",
        "The ingress leads to a Service that does not exist.",
        (
            Replace(
                f"{_CHART}/templates/ingress.yaml",
                "                name: {{ $service }}\n",
                "                name: frontend\n",
            ),
        ),
        r"Service frontend, for a backend of Ingress",
    ),
)
