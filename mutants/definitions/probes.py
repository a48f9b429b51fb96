"""Defects of the probes."""

from __future__ import annotations

from mutants.change import Replace
from mutants.mutant import Mutant, Needs

_VALUES = "helm/todo-app/values.yaml"
_COMPONENT = "helm/todo-app/templates/_component.tpl"
_BACKEND_LIVENESS = (
    "      path: /health\n"
    "      periodSeconds: 5\n"
    "      timeoutSeconds: 4\n"
    "      failureThreshold: 3\n"
    "    # -- Takes a pod out of the Service; depends on the database.\n"
    "    readiness:\n"
    "      path: /ready\n"
)
_FRONTEND_LIVENESS = (
    "      path: /api/health\n      periodSeconds: 5\n"
    "      timeoutSeconds: 4\n      failureThreshold: 3\n"
)
_ONE = "one_installation"
_NO_READINESS = (
    Replace(_VALUES, _BACKEND_LIVENESS, _BACKEND_LIVENESS.replace("/ready", "/readyz")),
)
_READINESS = (
    '          readinessProbe: {{- include "todo-app.probe" $values.probes.readiness'
    " | nindent 12 }}\n"
)

MUTANTS = (
    Mutant(
        "probes-path-not-there",
        "The backend's readiness asks for a path that it does not serve.",
        _NO_READINESS,
        r"nothing in images/backend answers /readyz",
    ),
    Mutant(
        "probes-path-not-there-deployed",
        "The backend's readiness asks for a path that it does not serve: it is never ready.",
        _NO_READINESS,
        r"(?s)readiness probe of container backend.*404",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "probes-startup-path-not-there",
        "The frontend's startup asks for a path that it does not serve: it is killed.",
        (
            Replace(
                _VALUES,
                "    startup:\n      path: /api/health\n",
                "    startup:\n      path: /api/healthz\n",
            ),
        ),
        r"(?s)startup probe of container frontend.*404",
        Needs.CLUSTER,
        _ONE,
    ),
    Mutant(
        "probes-liveness-on-database",
        "The backend is restarted when the database is away: its liveness asks /ready.",
        (Replace(_VALUES, _BACKEND_LIVENESS, _BACKEND_LIVENESS.replace("/health", "/ready", 1)),),
        r"the livenessProbe of Deployment \S+-backend \(backend\) not to depend on the database",
    ),
    Mutant(
        "probes-frontend-liveness-on-database",
        "The frontend is restarted when the database is away: its liveness asks /api/ready.",
        (
            Replace(
                _VALUES, _FRONTEND_LIVENESS, _FRONTEND_LIVENESS.replace("/api/health", "/api/ready")
            ),
        ),
        r"the livenessProbe of Deployment \S+-frontend \(frontend\) not to depend on the database",
    ),
    Mutant(
        "probes-readiness-blind",
        "The backend is ready though the database is away: its readiness asks /health.",
        (Replace(_VALUES, _BACKEND_LIVENESS, _BACKEND_LIVENESS.replace("/ready", "/health")),),
        r"the readinessProbe of Deployment \S+-backend \(backend\) to depend on the database",
    ),
    Mutant(
        "probes-no-readiness",
        "No pod is asked whether it is ready.",
        (Replace(_COMPONENT, _READINESS, ""),),
        r"a readinessProbe of Deployment",
    ),
    Mutant(
        "probes-no-startup",
        "Liveness does not wait for a slow start.",
        (
            Replace(
                _COMPONENT,
                '          startupProbe: {{- include "todo-app.probe" $values.probes.startup'
                " | nindent 12 }}\n",
                "",
            ),
        ),
        r"no startup probe waits",
    ),
    Mutant(
        "probes-other-port",
        "The probes ask a port that the container does not name.",
        (
            Replace(
                "helm/todo-app/templates/_pod.tpl",
                "  path: {{ .path }}\n  port: http\n",
                "  path: {{ .path }}\n  port: web\n",
            ),
        ),
        r"it asks web; ports:",
    ),
    Mutant(
        "probes-failing-liveness-deployed",
        "The backend's liveness asks for a path that it does not serve: it is killed.",
        (
            Replace(
                _VALUES,
                _BACKEND_LIVENESS,
                _BACKEND_LIVENESS.replace("/health", "/alive", 1).replace("s: 5", "s: 1"),
            ),
        ),
        r"(?s)liveness probe of container backend.*404|Container backend failed liveness probe",
        Needs.CLUSTER,
        "what_is_well_stays_well",
    ),
    Mutant(
        "probes-path-dead",
        "The probes' path that is documented is fixed in the template.",
        (
            Replace(
                _COMPONENT,
                _READINESS,
                "          readinessProbe:\n"
                "            httpGet:\n"
                '              path: {{ ternary "/ready" "/api/ready"'
                ' (eq .component "backend") }}\n'
                "              port: http\n"
                "            periodSeconds: 2\n"
                "            timeoutSeconds: 3\n"
                "            failureThreshold: 2\n",
            ),
        ),
        r"the value \w+\.probes\.readiness\.path to change something",
    ),
)
