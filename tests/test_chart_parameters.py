"""values.yaml, its schema and the README agree, and every parameter does something."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from chart_support import CHART, EXISTING, INSIDE, SECRETS, leaves, parameters, render, value_at

Paths = dict[str, Any]
DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())

TOLERATION = [{"key": "dedicated", "operator": "Exists"}]
AFFINITY = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}
INGRESS = SECRETS | {"ingress.enabled": True}


def _component(name: str) -> dict[str, tuple[Any, Paths]]:
    scaled = SECRETS | {f"{name}.autoscaling.enabled": True}
    budget = SECRETS | {f"{name}.podDisruptionBudget.enabled": True}
    below: dict[str, tuple[Any, Paths]] = {
        "image.repository": ("other", SECRETS),
        "image.tag": ("v2", SECRETS),
        "image.pullPolicy": ("Always", SECRETS),
        "replicaCount": (2, SECRETS),
        "service.name": ("other", SECRETS),
        "service.port": (8888, SECRETS),
        "containerPort": (8889, SECRETS),
        "preStopSleepSeconds": (0, SECRETS),
        "terminationGracePeriodSeconds": (60, SECRETS),
        "env": ({"EXTRA": "1"}, SECRETS),
        "podAnnotations": ({"a": "b"}, SECRETS),
        "nodeSelector": ({"disk": "ssd"}, SECRETS),
        "tolerations": (TOLERATION, SECRETS),
        "affinity": (AFFINITY, SECRETS),
        "spreadOverNodes": ("DoNotSchedule", SECRETS),
        "autoscaling.enabled": (True, SECRETS),
        "autoscaling.minReplicas": (2, scaled),
        "autoscaling.maxReplicas": (9, scaled),
        "autoscaling.targetCPUUtilizationPercentage": (50, scaled),
        "podDisruptionBudget.enabled": (True, SECRETS),
        "podDisruptionBudget.maxUnavailable": ("25%", budget),
    }
    for amounts in ("requests", "limits"):
        below |= {
            f"resources.{amounts}.cpu": ("150m", SECRETS),
            f"resources.{amounts}.memory": ("200Mi", SECRETS),
        }
    for probe in ("startup", "liveness", "readiness"):
        below[f"probes.{probe}.path"] = ("/other", SECRETS)
        for number in ("periodSeconds", "timeoutSeconds", "failureThreshold"):
            below[f"probes.{probe}.{number}"] = (7, SECRETS)
    return {f"{name}.{path}": change for path, change in below.items()}


#: For each value another one, and the values beside it that make it count.
CHANGES: dict[str, tuple[Any, Paths]] = {
    "nameOverride": ("other", SECRETS),
    "fullnameOverride": ("other", SECRETS),
    "imagePullSecrets": (["pull"], SECRETS),
    "serviceAccount.create": (False, SECRETS),
    "serviceAccount.name": ("other", SECRETS),
    "serviceAccount.annotations": ({"a": "b"}, SECRETS),
    **_component("backend"),
    **_component("frontend"),
    "frontend.service.type": ("LoadBalancer", SECRETS),
    "frontend.service.nodePort": (30080, SECRETS),
    "config.apiUrl": ("http://other:1", SECRETS),
    "config.cohereBaseUrl": ("http://other:1", SECRETS),
    "config.cohereModel": ("other", SECRETS),
    "config.logLevel": ("debug", SECRETS),
    "config.betterAuthUrl": ("http://other:1", SECRETS),
    "secrets.existingSecret": ("other", EXISTING),
    "secrets.databaseUrl": ("postgresql://other/db", SECRETS),
    "secrets.cohereApiKey": ("another-key", SECRETS),
    "secrets.betterAuthSecret": ("another-signing-key-0123456789-ab", SECRETS),
    "secrets.postgresPassword": ("another-password", INSIDE),
    "postgresql.enabled": (True, {k: v for k, v in SECRETS.items() if "Url" not in k}),
    "postgresql.image.repository": ("other", INSIDE),
    "postgresql.image.tag": ("18", INSIDE),
    "postgresql.image.pullPolicy": ("Never", INSIDE),
    "postgresql.service.name": ("other", INSIDE),
    "postgresql.service.port": (5433, INSIDE),
    "postgresql.username": ("other", INSIDE),
    "postgresql.database": ("other", INSIDE),
    "postgresql.runAsUser": (70, INSIDE),
    "postgresql.resources.requests.cpu": ("150m", INSIDE),
    "postgresql.resources.requests.memory": ("200Mi", INSIDE),
    "postgresql.resources.limits.cpu": ("150m", INSIDE),
    "postgresql.resources.limits.memory": ("200Mi", INSIDE),
    "postgresql.persistence.enabled": (False, INSIDE),
    "postgresql.persistence.size": ("2Gi", INSIDE),
    "postgresql.persistence.storageClass": ("fast", INSIDE),
    "postgresql.persistence.existingClaim": ("mine", INSIDE),
    "postgresql.persistence.changeOwner": (True, INSIDE),
    "ingress.enabled": (True, SECRETS),
    "ingress.className": ("nginx", INGRESS),
    "ingress.annotations": ({"a": "b"}, INGRESS),
    "ingress.hosts": (["a.internal"], INGRESS),
    "ingress.tls": ([{"secretName": "t", "hosts": ["a.internal"]}], INGRESS),
    "tests.enabled": (False, SECRETS),
}
#: The schema allows one value alone; it stands there to be read.
FIXED = {"backend.service.type"}


def test_every_value_is_tried() -> None:
    assert set(CHANGES) | FIXED == set(leaves(DEFAULTS))


@pytest.mark.parametrize("path", CHANGES)
def test_every_value_changes_what_is_rendered(path: str) -> None:
    value, beside = CHANGES[path]
    if path == "postgresql.enabled":
        with_password = {"secrets.postgresPassword": "pa55-of-postgres"}
        before, after = render(SECRETS), render(beside | with_password | {path: value})
    else:
        before, after = render(beside), render(beside | {path: value})
    assert before.text != after.text


def test_every_value_is_described() -> None:
    described = [path for path, _, _ in parameters()]
    for leaf in leaves(DEFAULTS):
        covering = [path for path in described if f"{leaf}.".startswith(f"{path}.")]
        assert len(covering) == 1, f"{leaf} is described by {covering}"


def test_the_readme_says_what_values_yaml_says() -> None:
    readme = (CHART / "README.md").read_text().partition("## Parameters")[2]
    rows = re.findall(r"^\| `([^`]+)` \| `(.*?)` \| (.+) \|$", readme, re.MULTILINE)
    assert rows == parameters()


def test_the_schema_knows_the_same_names() -> None:
    assert set(leaves(DEFAULTS)) == {path for path in _known(SCHEMA) if path != "global"}


def test_the_schema_is_closed_everywhere() -> None:
    open_ones = [
        path
        for path, part in _parts(SCHEMA)
        if "properties" in part and part.get("additionalProperties") is not False
    ]
    assert not open_ones


def test_no_credential_has_a_default() -> None:
    assert set(DEFAULTS["secrets"].values()) == {""}


def _known(part: dict[str, Any], path: str = "") -> set[str]:
    """Return the paths of the schema that are no mapping with names of its own."""
    if reference := part.get("$ref"):
        part = SCHEMA["definitions"][reference.rpartition("/")[2]]
    if "properties" not in part or _default(path) == {}:
        return {path}
    below = {
        found
        for name, inner in part["properties"].items()
        for found in _known(inner, f"{path}.{name}" if path else name)
    }
    return {each for each in below if not each.endswith(".ephemeral-storage")}


def _default(path: str) -> Any:
    try:
        return value_at(DEFAULTS, path) if path else DEFAULTS
    except KeyError:
        return None


def _parts(part: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(part, dict):
        return []
    inner = [found for key, below in part.items() for found in _parts(below, f"{path}/{key}")]
    return [(path, part), *inner]
