"""Values that would crash or do nothing are refused with a cause and a way out."""

from __future__ import annotations

from typing import Any

import pytest
from chart_support import EXISTING, INSIDE, SECRETS, render

from harness.helm import ValuesRefusedError


def without(*names: str) -> dict[str, Any]:
    return {path: value for path, value in SECRETS.items() if path.split(".")[1] not in names}


@pytest.mark.parametrize("name", ["databaseUrl", "cohereApiKey", "betterAuthSecret"])
def test_a_missing_secret_is_named_with_the_ways_to_give_it(name: str) -> None:
    with pytest.raises(ValuesRefusedError) as caught:
        render(without(name))
    assert len(caught.value.seen.splitlines()) == 1
    assert caught.value.seen.startswith(f"secrets.{name} must be set: ")
    assert "values file" in caught.value.seen
    assert "secrets.existingSecret" in caught.value.seen
    others = {"databaseUrl", "cohereApiKey", "betterAuthSecret"} - {name}
    assert not [other for other in others if other in caught.value.seen]


def test_all_missing_secrets_are_named_at_once() -> None:
    with pytest.raises(ValuesRefusedError) as caught:
        render({})
    assert caught.value.seen.startswith(
        "secrets.databaseUrl, secrets.cohereApiKey, secrets.betterAuthSecret must be set: "
    )


def test_blanks_are_no_secret() -> None:
    with pytest.raises(ValuesRefusedError, match=r"secrets\.cohereApiKey must be set"):
        render(SECRETS | {"secrets.cohereApiKey": "  "})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {**SECRETS, "secrets.betterAuthSecret": "thirty-one-characters-are-short"},
            "secrets.betterAuthSecret has 31 characters, at least 32 are needed",
        ),
        (
            {**SECRETS, **EXISTING},
            "would be ignored, because secrets.existingSecret is set",
        ),
        (
            {**SECRETS, **INSIDE},
            "secrets.databaseUrl would be ignored, because postgresql.enabled",
        ),
        (
            {k: v for k, v in INSIDE.items() if k != "secrets.postgresPassword"},
            "secrets.postgresPassword must be set",
        ),
        (
            {**SECRETS, "secrets.postgresPassword": "pa55-of-postgres"},
            "secrets.postgresPassword is for the database in the cluster",
        ),
        (
            {**SECRETS, "frontend.service.name": "backend-svc"},
            'backend.service.name and frontend.service.name are both "backend-svc"',
        ),
        (
            {**SECRETS, "frontend.image.tag": "latest"},
            'frontend.image.tag is "latest", which names no version',
        ),
        (
            {**SECRETS, "frontend.service.type": "ClusterIP", "frontend.service.nodePort": 30080},
            "frontend.service.nodePort would be ignored",
        ),
        (
            {**SECRETS, "backend.env": {"DATABASE_URL": "postgresql://plain:text@db/x"}},
            "backend.env.DATABASE_URL would collide",
        ),
        (
            {**SECRETS, "backend.preStopSleepSeconds": 25},
            "backend.terminationGracePeriodSeconds is 30, but 35 are needed",
        ),
        (
            {
                **SECRETS,
                "frontend.autoscaling": {"enabled": True, "minReplicas": 4, "maxReplicas": 2},
            },
            "frontend.autoscaling.minReplicas is above maxReplicas",
        ),
        (
            {
                **SECRETS,
                "ingress.annotations": {"nginx.ingress.kubernetes.io/rewrite-target": "/"},
            },
            "rewrite-target, but the app lives at /",
        ),
    ],
    ids=lambda value: value.split(" ")[0] if isinstance(value, str) else "",
)
def test_a_value_that_cannot_work_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValuesRefusedError) as caught:
        render(values)
    assert sentence in caught.value.seen
    assert "templates/validate.yaml" in caught.value.looked
    for secret in ("pa55", "plain:text", SECRETS["secrets.cohereApiKey"]):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a:b@db.internal/todo",
        "db.internal/todo",
        "postgresql://db.internal",
        "postgresql:///todo",
        "postgresql://a:b@/todo",
        "sqlite:///todo.db",
    ],
)
def test_only_the_url_of_a_postgresql_database_is_taken(url: str) -> None:
    with pytest.raises(ValuesRefusedError, match=r"secrets\.databaseUrl is not the URL"):
        render(SECRETS | {"secrets.databaseUrl": url})


@pytest.mark.parametrize(
    "url",
    [
        "postgres://a:b@db/todo",
        "postgresql://a:b@ep-cool-1.eu.internal/todo?sslmode=require&channel_binding=require",
        "postgresql://a@[fd00::1]:5432/todo",
        "postgresql://db/todo",
    ],
)
def test_every_usual_url_is_taken(url: str) -> None:
    render(SECRETS | {"secrets.databaseUrl": url})


@pytest.mark.parametrize(
    "value",
    [
        *("changeme", "CHANGE-ME-please-change-me-please-1234", "your-api-key", "<api-key>"),
        *("${COHERE_API_KEY}", "xxxxxxxx", "replace_me", "place-holder", "todo", "..."),
    ],
)
def test_a_placeholder_is_no_secret(value: str) -> None:
    with pytest.raises(ValuesRefusedError, match="still holds a placeholder"):
        render(SECRETS | {"secrets.cohereApiKey": value})


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("bogus", 1, "additional properties 'bogus' not allowed"),
        ("frontend.servcie", {}, "additional properties 'servcie' not allowed"),
        ("frontend.service.nodePort", 8080, "minimum"),
        ("frontend.service.nodePort", 40000, "maximum"),
        ("frontend.service.nodePort", "30080", "got string"),
        ("frontend.service.type", "ExternalName", "value must be one of"),
        ("backend.service.type", "NodePort", "value must be 'ClusterIP'"),
        ("backend.service.port", 0, "minimum"),
        ("backend.service.name", "Backend_Svc", "does not match pattern"),
        ("backend.replicaCount", -1, "minimum"),
        ("backend.replicaCount", "two", "got string, want integer"),
        ("backend.image.repository", "todo backend", "does not match pattern"),
        ("backend.image.repository", "todo-backend:v1", "does not match pattern"),
        ("backend.image.tag", "v1 ", "does not match pattern"),
        ("backend.image.tag", 1.1, "got number, want string"),
        ("backend.image.pullPolicy", "Sometimes", "value must be one of"),
        ("backend.resources.limits.memory", "256 MB", "does not match pattern"),
        ("backend.resources.requests.cpu", "lots", "does not match pattern"),
        ("backend.resources.limits", None, "missing property 'limits'"),
        ("backend.probes.liveness.path", "health", "does not match pattern"),
        ("backend.probes.readiness.timeoutSeconds", 0, "minimum"),
        ("backend.containerPort", 80, "minimum"),
        ("backend.env", {"A": 1}, "got number, want string"),
        ("config.apiUrl", "backend-svc:8000", "does not match pattern"),
        ("config.apiUrl", "http://user:pw@host", "does not match pattern"),
        ("config.cohereBaseUrl", "http://:8080", "does not match pattern"),
        ("config.cohereBaseUrl", "https://host:port", "does not match pattern"),
        ("config.betterAuthUrl", "http://:3000", "does not match pattern"),
        ("config.logLevel", "loud", "value must be one of"),
        ("secrets.cohereApiKey", 12345678, "got number, want string"),
        ("postgresql.persistence.size", "big", "does not match pattern"),
        ("ingress.hosts", ["http://todo.internal/"], "does not match pattern"),
    ],
)
def test_the_schema_names_what_it_refuses(path: str, value: object, reason: str) -> None:
    with pytest.raises(ValuesRefusedError) as caught:
        render(SECRETS | {path: value})
    assert reason in caught.value.seen
    assert any(n.startswith(path) or path.startswith(n) for n in caught.value.paths)
    assert caught.value.looked.endswith("values.schema.json")


def test_a_refusal_by_the_schema_quotes_no_secret() -> None:
    with pytest.raises(ValuesRefusedError) as caught:
        render(SECRETS | {"backend.replicaCount": -1})
    for secret in SECRETS.values():
        assert secret not in str(caught.value)


def test_a_value_that_does_not_exist_is_named_in_full() -> None:
    with pytest.raises(ValuesRefusedError) as caught:
        render(SECRETS | {"backend.replicas": 2, "frontend.service.nodeport": 30080})
    assert "there is no backend.replicas)" in caught.value.seen
    assert "there is no frontend.service.nodeport)" in caught.value.seen


@pytest.mark.parametrize(
    "url", ["http://backend-svc:8000", "https://api.example.org/v1", "http://[fd00::1]:8000", ""]
)
def test_addresses_of_all_kinds_are_taken(url: str) -> None:
    render(SECRETS | {"config.apiUrl": url, "config.cohereBaseUrl": url})
