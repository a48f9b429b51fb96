"""Defects of the Services, and of the addresses by which they are called (EC-2)."""

from __future__ import annotations

from mutants.change import Replace
from mutants.mutant import Mutant, Needs

_CHART = "helm/todo-app"
_COMPONENT = f"{_CHART}/templates/_component.tpl"
_SETTINGS = f"{_CHART}/templates/_settings.tpl"
_VALUES = f"{_CHART}/values.yaml"
_SELECTOR = '  selector: {{- include "todo-app.selector" $labels | nindent 4 }}\n'
_NO_POD = (Replace(_COMPONENT, _SELECTOR, "  selector: {app: {{ .component }}}\n"),)
_BOTH = (
    Replace(
        _COMPONENT,
        _SELECTOR,
        "  selector:\n    app.kubernetes.io/instance: {{ $root.Release.Name }}\n",
    ),
)
_NODE_PORT = (Replace(_COMPONENT, "  type: {{ $values.service.type }}\n", "  type: NodePort\n"),)
_WRONG_PORT = (
    Replace(
        _COMPONENT,
        "      port: {{ $values.service.port }}\n      targetPort: http\n",
        "      port: {{ $values.service.port }}\n      targetPort: 9999\n",
    ),
)
_NO_SUCH_SERVICE = (
    Replace(
        _SETTINGS,
        'printf "http://%s:%v" $service .Values.backend.service.port',
        'printf "http://backend-service:%v" .Values.backend.service.port',
    ),
)
_OTHER_PORT = (
    Replace(
        _SETTINGS,
        'printf "http://%s:%v" $service .Values.backend.service.port',
        'printf "http://%s:%v" $service 8080',
    ),
)

MUTANTS = (
    Mutant(
        "services-select-nobody",
        "The Services select labels that no pod has.",
        _NO_POD,
        r"its selector app=(backend|frontend) matches none",
    ),
    Mutant(
        "services-select-nobody-deployed",
        "The Services select labels that no pod has: they lead nowhere.",
        _NO_POD,
        r"(?s)pods behind service (backend|frontend)-svc.*no pod carries these labels",
        Needs.CLUSTER,
        "one_installation",
    ),
    Mutant(
        "services-select-both",
        "Each Service selects the pods of both Deployments.",
        _BOTH,
        r"its selector \S+ matches Deployment \S+-backend, Deployment \S+-frontend",
    ),
    Mutant(
        "services-select-both-deployed",
        "Each Service selects the pods of both Deployments: half of the requests go astray.",
        _BOTH,
        r"(?s)one Service that leads to the pods of .*2: backend-svc, frontend-svc",
        Needs.CLUSTER,
        "is_offered_by_a_Service",
    ),
    Mutant(
        "services-deployments-overlap",
        "Both Deployments select the pods of both.",
        (
            Replace(
                f"{_CHART}/templates/_names.tpl",
                "app.kubernetes.io/component: {{ .component }}\n{{- end -}}",
                "app.kubernetes.io/component: server\n{{- end -}}",
            ),
        ),
        r"(?s)the selector of Deployment \S+ to match its own pods only",
    ),
    Mutant(
        "services-version-in-selector",
        "The Deployments' selector holds the version: no upgrade is possible.",
        (
            Replace(
                f"{_CHART}/templates/_names.tpl",
                "app.kubernetes.io/component: {{ .component }}\n{{- end -}}",
                "app.kubernetes.io/component: {{ .component }}\n"
                'helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}\n'
                "{{- end -}}",
            ),
            Replace(
                f"{_CHART}/templates/_names.tpl",
                'helm.sh/chart: {{ include "todo-app.label"'
                ' (printf "%s-%s" .root.Chart.Name .root.Chart.Version) }}\n',
                "",
            ),
        ),
        r"(?i)selector",
    ),
    Mutant(
        "services-test-pod-selected",
        "The pod of `helm test` gets requests that are meant for the backend.",
        (
            Replace(
                f"{_CHART}/templates/tests/services.yaml",
                '"component" "test")',
                '"component" "backend")',
            ),
        ),
        r"(?i)select|test",
    ),
    Mutant(
        "services-backend-exposed",
        "The backend is open to the outside by a port of the node.",
        _NODE_PORT,
        r"Service backend-svc is of type NodePort",
    ),
    Mutant(
        "services-backend-exposed-deployed",
        "The backend is open to the outside by a port of the node: seen on the cluster.",
        _NODE_PORT,
        r"backend-svc is of type NodePort|open as well: backend-svc",
        Needs.CLUSTER,
        "only_the_frontend_is_open or (is_offered_by_a_Service and backend)",
    ),
    Mutant(
        "services-frontend-closed",
        "The frontend cannot be reached from outside.",
        (
            Replace(
                _VALUES,
                "    type: NodePort\n    # -- Port of the Service.\n    port: 80\n",
                "    type: ClusterIP\n    # -- Port of the Service.\n    port: 80\n",
            ),
        ),
        r"frontend\.service\.type is ClusterIP|Service frontend-svc is of type ClusterIP",
    ),
    Mutant(
        "services-frontend-other-port",
        "The frontend's Service has another port than the plan says.",
        (
            Replace(
                _VALUES,
                "    # -- Port of the Service.\n    port: 80\n",
                "    # -- Port of the Service.\n    port: 3000\n",
            ),
        ),
        r"port 80 of the Service of the frontend",
    ),
    Mutant(
        "services-target-port",
        "The Services lead to a port on which nothing listens.",
        _WRONG_PORT,
        r"targetPort 9999 is none of them",
    ),
    Mutant(
        "services-target-port-deployed",
        "The Services lead to a port on which nothing listens: connections are refused.",
        _WRONG_PORT,
        r"(?i)refused",
        Needs.CLUSTER,
        "answers_when_it_is_called_by_its_name",
    ),
    Mutant(
        "services-named-port",
        "The Services lead to a named port that no container has.",
        (
            Replace(
                _COMPONENT,
                "      port: {{ $values.service.port }}\n      targetPort: http\n",
                "      port: {{ $values.service.port }}\n      targetPort: web\n",
            ),
        ),
        r"targetPort web is none of them",
    ),
    Mutant(
        "services-port-not-told",
        "The program is not told on which port to listen.",
        (
            Replace(
                _COMPONENT,
                "            - name: PORT\n"
                "              value: {{ $values.containerPort | quote }}\n",
                "",
            ),
        ),
        r"\bPORT\b|containerPort",
    ),
    Mutant(
        "services-wrong-name",
        "The frontend is told a Service for the backend that does not exist.",
        _NO_SUCH_SERVICE,
        r"there is no Service `backend-service`",
    ),
    Mutant(
        "services-wrong-name-deployed",
        "The frontend is told a Service for the backend that does not exist: no todo is made.",
        _NO_SUCH_SERVICE,
        r"backend-service does not resolve \(ENOTFOUND\)|backend-service.*EAI_AGAIN",
        Needs.CLUSTER,
        "frontend_hands_each_request",
    ),
    Mutant(
        "services-wrong-port",
        "The frontend is told a port of the backend that its Service does not offer.",
        _OTHER_PORT,
        r"Service backend-svc has no port 8080",
    ),
    Mutant(
        "services-wrong-port-deployed",
        "The frontend is told a port that the backend's Service does not offer.",
        _OTHER_PORT,
        r"8080.*(refuses connections|within)",
        Needs.CLUSTER,
        "frontend_hands_each_request",
    ),
    Mutant(
        "services-one-release-only",
        "The frontend's address of the backend is right for one release's name only.",
        (
            Replace(
                _SETTINGS,
                'printf "http://%s:%v" $service .Values.backend.service.port',
                'printf "http://todo-app-backend:%v" .Values.backend.service.port',
            ),
        ),
        r"there is no Service `todo-app-backend`",
    ),
    Mutant(
        "services-localhost",
        "The frontend looks for the backend on localhost.",
        (Replace(_VALUES, '  apiUrl: ""\n', '  apiUrl: "http://localhost:8000"\n'),),
        r"`localhost` is the pod itself",
    ),
    Mutant(
        "services-api-address-dead",
        "The backend's address that can be configured changes nothing.",
        (
            Replace(
                _SETTINGS,
                "NEXT_PUBLIC_API_URL: {{ .Values.config.apiUrl | default $url | quote }}",
                "NEXT_PUBLIC_API_URL: {{ $url | quote }}",
            ),
        ),
        r"the value config\.apiUrl to change something",
    ),
)
