"""What the chart makes of the Todo app: names, wiring, rolling, the database by a switch."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from chart_support import CHART, EXISTING, INSIDE, SECRETS, Manifest, env, helm, render

from harness.helm import values_from_paths


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return render()


def test_it_is_what_the_plan_says(manifest: Manifest) -> None:
    deployments = manifest.of("Deployment")
    assert set(deployments) == {"rel-todo-app-backend", "rel-todo-app-frontend"}
    assert {d["spec"]["replicas"] for d in deployments.values()} == {1}
    services = manifest.of("Service")
    assert {
        name: (s["spec"]["type"], s["spec"]["ports"][0]["port"]) for name, s in services.items()
    } == {"backend-svc": ("ClusterIP", 8000), "frontend-svc": ("NodePort", 80)}
    assert "nodePort" not in services["frontend-svc"]["spec"]["ports"][0]
    assert manifest.container("/frontend")["ports"][0]["containerPort"] == 3000
    kinds = {item.kind for item in manifest.objects}
    assert kinds == {"ConfigMap", "Deployment", "Pod", "Secret", "Service", "ServiceAccount"}


@pytest.mark.parametrize(
    ("component", "memory"), [("backend", ("128Mi", "256Mi")), ("frontend", ("256Mi", "512Mi"))]
)
def test_requests_and_limits(manifest: Manifest, component: str, memory: tuple[str, str]) -> None:
    expected = {
        "requests": {"cpu": "100m", "memory": memory[0]},
        "limits": {"cpu": "200m", "memory": memory[1]},
    }
    assert manifest.container(f"-{component}/{component}")["resources"] == expected
    assert manifest.container(f"-{component}/migrate")["resources"] == expected


def test_probes_ask_the_paths_that_the_programs_serve(manifest: Manifest) -> None:
    paths = {
        component: [
            manifest.container(f"/{component}")[f"{kind}Probe"]["httpGet"]["path"]
            for kind in ("startup", "liveness", "readiness")
        ]
        for component in ("backend", "frontend")
    }
    assert paths["backend"] == ["/health", "/health", "/ready"]
    assert paths["frontend"] == ["/api/health", "/api/health", "/api/ready"]


def test_each_container_gets_the_variables_that_it_reads_and_no_others() -> None:
    manifest = render(
        SECRETS | {"config.cohereBaseUrl": "http://c:1", "config.betterAuthUrl": "http://t"}
    )
    given = {
        where.removeprefix("rel-todo-app-"): set(env(container))
        for where, container in manifest.containers()
    }
    assert given == {
        "backend/migrate": {"DATABASE_URL", "LOG_LEVEL"},
        "backend/backend": {
            *("PORT", "DATABASE_URL", "BETTER_AUTH_SECRET", "COHERE_API_KEY"),
            *("COHERE_BASE_URL", "COHERE_MODEL", "LOG_LEVEL"),
        },
        "frontend/migrate": {"DATABASE_URL"},
        "frontend/frontend": {
            *("PORT", "DATABASE_URL", "BETTER_AUTH_SECRET"),
            *("NEXT_PUBLIC_API_URL", "BETTER_AUTH_URL"),
        },
        "test/ask": {"BACKEND", "FRONTEND"},
    }


def test_migrations_run_before_the_programs(manifest: Manifest) -> None:
    backend = manifest.container("backend/migrate")
    assert (backend["args"], "command" in backend) == (["migrate"], False)
    assert manifest.container("frontend/migrate")["command"] == ["node", "migrate.mjs"]
    for component in ("backend", "frontend"):
        image = manifest.container(f"{component}/{component}")["image"]
        assert manifest.container(f"{component}/migrate")["image"] == image


def test_the_secret_holds_what_was_given(manifest: Manifest) -> None:
    secret = manifest.one("Secret")
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert secret["type"] == "Opaque"
    assert data == {
        "DATABASE_URL": SECRETS["secrets.databaseUrl"],
        "COHERE_API_KEY": SECRETS["secrets.cohereApiKey"],
        "BETTER_AUTH_SECRET": SECRETS["secrets.betterAuthSecret"],
    }


def test_an_existing_secret_is_used_and_none_is_made() -> None:
    manifest = render(EXISTING)
    assert not manifest.of("Secret")
    names = {
        entry["valueFrom"]["secretKeyRef"]["name"]
        for _, container in manifest.containers()
        for entry in env(container).values()
        if "secretKeyRef" in entry.get("valueFrom", {})
    }
    assert names == {"my-secret"}


@pytest.mark.parametrize(
    ("changed", "rolled"),
    [
        ({}, set()),
        ({"secrets.cohereApiKey": "another-cohere-key"}, {"backend"}),
        (
            {"secrets.betterAuthSecret": "another-signing-key-0123456789-ab"},
            {"backend", "frontend"},
        ),
        ({"secrets.databaseUrl": "postgresql://a:b@c/d"}, {"backend", "frontend"}),
        ({"config.apiUrl": "http://elsewhere:8000"}, {"frontend"}),
        ({"config.betterAuthUrl": "https://todo.internal"}, {"frontend"}),
        ({"config.cohereModel": "command-r7b"}, {"backend"}),
        ({"config.logLevel": "debug"}, {"backend"}),
        ({"backend.image.tag": "v2"}, {"backend"}),
        ({"frontend.image.tag": "v2"}, {"frontend"}),
        ({"backend.replicaCount": 2}, set()),
        ({"frontend.service.nodePort": 30080}, set()),
        ({"ingress.enabled": True}, set()),
    ],
    ids=lambda value: "-".join(sorted(value)) or "nothing",
)
def test_a_change_rolls_the_pods_that_it_concerns(
    manifest: Manifest, changed: dict[str, Any], rolled: set[str]
) -> None:
    before, after = manifest, render(SECRETS | changed)
    assert rolled == {
        component
        for component in ("backend", "frontend")
        if _template(before, component) != _template(after, component)
    }


def _template(manifest: Manifest, component: str) -> Any:
    return manifest.one("Deployment", component)["spec"]["template"]


def test_a_new_version_of_the_chart_alone_rolls_nothing(manifest: Manifest) -> None:
    for component in ("backend", "frontend"):
        assert "helm.sh/chart" not in _template(manifest, component)["metadata"]["labels"]


def test_no_request_is_lost_while_pods_are_replaced(manifest: Manifest) -> None:
    for deployment in manifest.of("Deployment").values():
        strategy = deployment["spec"]["strategy"]["rollingUpdate"]
        assert strategy == {"maxUnavailable": 0, "maxSurge": 1}
        pod = deployment["spec"]["template"]["spec"]
        serves_on = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["terminationGracePeriodSeconds"] >= serves_on + 10


def test_a_tag_of_its_own_wins_over_the_version_of_the_app() -> None:
    images = {
        where: container["image"]
        for where, container in render(SECRETS | {"backend.image.tag": "v2"}).containers()
    }
    assert images["rel-todo-app-backend/backend"] == "todo-backend:v2"
    assert images["rel-todo-app-frontend/frontend"] == "todo-frontend:1.0.0"


def test_the_database_inside_is_reached_by_its_service_and_password() -> None:
    password = "p@ss w+rd/1:%x?#ü"
    manifest = render(INSIDE | {"secrets.postgresPassword": password})
    data = manifest.one("Secret")["data"]
    url = urlsplit(base64.b64decode(data["DATABASE_URL"]).decode())
    service = manifest.of("Service")[url.hostname or ""]
    assert service["spec"]["ports"][0]["port"] == url.port
    assert unquote(url.password or "") == password
    assert base64.b64decode(data["POSTGRES_PASSWORD"]).decode() == password
    server = env(manifest.container("/postgres"))
    assert server["POSTGRES_USER"]["value"] == url.username
    assert server["POSTGRES_DB"]["value"] == url.path.strip("/")
    assert "DATABASE_URL" not in server


def test_the_data_of_the_database_inside_last_or_not_as_wished() -> None:
    def volume(**persistence: Any) -> dict[str, Any]:
        values = {f"postgresql.persistence.{key}": value for key, value in persistence.items()}
        pod = render(INSIDE | values).one("StatefulSet")["spec"]["template"]["spec"]
        return next(v for v in pod["volumes"] if v["name"] == "data")

    claim = render(INSIDE).one("PersistentVolumeClaim")
    assert volume()["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert volume(existingClaim="mine")["persistentVolumeClaim"]["claimName"] == "mine"
    assert "emptyDir" in volume(enabled=False)
    without = render(INSIDE | {"postgresql.persistence.existingClaim": "mine"})
    assert not without.of("PersistentVolumeClaim")


def test_the_ingress_leads_every_path_to_the_frontend_and_rewrites_none() -> None:
    hosts = ["a.internal", "*.b.internal"]
    manifest = render(SECRETS | {"ingress.enabled": True, "ingress.hosts": hosts})
    rules = manifest.one("Ingress")["spec"]["rules"]
    assert [rule["host"] for rule in rules] == hosts
    for rule in rules:
        assert [path["path"] for path in rule["http"]["paths"]] == ["/"]
        backend = rule["http"]["paths"][0]["backend"]["service"]
        assert backend["name"] in manifest.of("Service")
        assert backend["name"] == "frontend-svc"
    assert "annotations" not in manifest.one("Ingress")["metadata"]
    any_host = render(SECRETS | {"ingress.enabled": True}).one("Ingress")["spec"]["rules"]
    assert [rule.keys() for rule in any_host] == [{"http"}]


def test_autoscaling_leaves_the_number_of_pods_to_it() -> None:
    manifest = render(SECRETS | {"backend.autoscaling.enabled": True})
    assert "replicas" not in manifest.one("Deployment", "backend")["spec"]
    target = manifest.one("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] in manifest.of("Deployment")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (SECRETS, "jsonpath"),
        (SECRETS | {"frontend.service.nodePort": 30081}, "PORT=30081"),
        (
            SECRETS | {"ingress.enabled": True, "ingress.hosts": ["t.internal"]},
            "http://t.internal/",
        ),
        (SECRETS | {"frontend.service.type": "ClusterIP"}, "port-forward service/frontend-svc"),
        (EXISTING, "After a change of the Secret my-secret"),
        (INSIDE | {"postgresql.persistence.enabled": False}, "as its pod lives"),
    ],
)
def test_the_notes_say_how_to_reach_it(
    values: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    # `helm template` leaves the notes out, and Helm 3 prints them with a cluster at hand only.
    chart = Path(shutil.copytree(CHART, tmp_path / "todo-app"))
    notes = (chart / "templates" / "NOTES.txt").read_text()
    (chart / "templates" / "notes.yaml").write_text(
        '{{ define "notes" }}'
        + notes
        + '{{ end }}kind: Notes\ntext: {{ include "notes" . | toJson }}'
    )
    text = helm().template(chart, "rel", "shop", values_from_paths(values), kube_version="1.34.0")
    said = Manifest(text).one("Notes")["text"]
    assert expected in said
    assert "--namespace shop" in said
    for secret in SECRETS.values():
        assert secret not in said
