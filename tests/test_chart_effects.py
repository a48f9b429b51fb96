"""Each parameter of the chart changes what its description says, there and nowhere else."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from chart_support import RELEASE, SECRETS, Manifest, render
from test_chart_parameters import CHANGES, Paths

_MISSING = object()
_ROLLS = "Deployment/-{c}:spec.template.metadata.annotations.checksum/{of}"
_BOTH = ("backend", "frontend")


def _component(c: str) -> dict[str, list[str]]:
    deployment, pod = f"Deployment/-{c}:", f"Deployment/-{c}:spec.template.spec."
    main, service = f"{pod}containers[{c}].", f"Service/{c}-svc:"
    # The chart's test runs the backend's image, with its resources.
    test = "Pod/-test:spec.containers[ask]." if c == "backend" else ""
    version = "labels.app.kubernetes.io/version"

    def containers(field: str) -> list[str]:
        ask = [test + field] if test else []
        return [main + field, f"{pod}initContainers[migrate].{field}", *ask]

    scaler, budget = f"HorizontalPodAutoscaler/-{c}:", f"PodDisruptionBudget/-{c}:"
    asked = f"Pod/-test:spec.containers[ask].env[{c.upper()}].value"
    called = [asked]
    if c == "backend":
        called += ["ConfigMap/-config:data.NEXT_PUBLIC_API_URL"]
        called += [_ROLLS.format(c="frontend", of="config")]
    effects = {
        "image.repository": containers("image"),
        "image.tag": [
            *containers("image"),
            f"{deployment}metadata.{version}",
            f"{deployment}spec.template.metadata.{version}",
            f"{service}metadata.{version}",
        ],
        "image.pullPolicy": containers("imagePullPolicy"),
        "replicaCount": [f"{deployment}spec.replicas"],
        "service.name": ["Service/other:metadata.name", "Service/other:*", f"{service}*", *called],
        "service.port": [f"{service}spec.ports[http].port", *called],
        "containerPort": [f"{main}ports[http].containerPort", f"{main}env[PORT].value"],
        "preStopSleepSeconds": [f"{main}lifecycle.preStop.sleep.seconds"],
        "terminationGracePeriodSeconds": [f"{pod}terminationGracePeriodSeconds"],
        "env": [f"{main}env[EXTRA].value", f"{main}env[EXTRA].name"],
        "podAnnotations": [f"{deployment}spec.template.metadata.annotations.a"],
        "nodeSelector": [f"{pod}nodeSelector.disk"],
        "tolerations": [f"{pod}tolerations[0].key", f"{pod}tolerations[0].operator"],
        "affinity": [f"{pod}affinity.nodeAffinity.*"],
        "spreadOverNodes": [f"{pod}topologySpreadConstraints[0].whenUnsatisfiable"],
        "autoscaling.enabled": [f"{scaler}*", f"{deployment}spec.replicas"],
        "autoscaling.minReplicas": [f"{scaler}spec.minReplicas"],
        "autoscaling.maxReplicas": [f"{scaler}spec.maxReplicas"],
        "autoscaling.targetCPUUtilizationPercentage": [
            f"{scaler}spec.metrics[0].resource.target.averageUtilization"
        ],
        "podDisruptionBudget.enabled": [f"{budget}*"],
        "podDisruptionBudget.maxUnavailable": [f"{budget}spec.maxUnavailable"],
    }
    for amounts in ("requests", "limits"):
        for name in ("cpu", "memory"):
            effects[f"resources.{amounts}.{name}"] = containers(f"resources.{amounts}.{name}")
    for probe in ("startup", "liveness", "readiness"):
        effects[f"probes.{probe}.path"] = [f"{main}{probe}Probe.httpGet.path"]
        for number in ("periodSeconds", "timeoutSeconds", "failureThreshold"):
            effects[f"probes.{probe}.{number}"] = [f"{main}{probe}Probe.{number}"]
    return {f"{c}.{path}": places for path, places in effects.items()}


def _config(key: str, reader: str, *, new: bool = False) -> list[str]:
    named = f"Deployment/-{reader}:spec.template.spec.containers[{reader}].env[{key}].*"
    rolls = _ROLLS.format(c=reader, of="config")
    return [f"ConfigMap/-config:data.{key}", rolls, *([named] if new else [])]


def _secret(key: str, *readers: str) -> list[str]:
    return [f"Secret/-secrets:data.{key}", *(_ROLLS.format(c=c, of="secret") for c in readers)]


def _postgres() -> dict[str, list[str]]:
    pod = "StatefulSet/-postgres:spec.template.spec."
    main, claim = f"{pod}containers[postgres].", "PersistentVolumeClaim/-postgres:"
    url = _secret("DATABASE_URL", *_BOTH)
    probes = [
        f"{main}{probe}Probe.exec.command[*]" for probe in ("startup", "liveness", "readiness")
    ]
    volume = f"{pod}volumes[data]."
    effects = {
        "enabled": [
            "StatefulSet/-postgres:*",
            f"{claim}*",
            "Service/postgres-svc:*",
            "Secret/-secrets:data.POSTGRES_PASSWORD",
            *url,
        ],
        "image.repository": [f"{main}image"],
        "image.tag": [f"{main}image", "*app.kubernetes.io/version"],
        "image.pullPolicy": [f"{main}imagePullPolicy"],
        "service.name": [
            "Service/other:metadata.name",
            "Service/other:*",
            "Service/postgres-svc:*",
            "StatefulSet/-postgres:spec.serviceName",
            *url,
        ],
        "service.port": ["Service/postgres-svc:spec.ports[postgres].port", *url],
        "username": [f"{main}env[POSTGRES_USER].value", *probes, *url],
        "database": [f"{main}env[POSTGRES_DB].value", *probes, *url],
        "runAsUser": [
            f"{pod}securityContext.{who}" for who in ("runAsUser", "runAsGroup", "fsGroup")
        ],
        "persistence.enabled": [
            f"{volume}emptyDir",
            f"{volume}persistentVolumeClaim.*",
            f"{claim}*",
        ],
        "persistence.size": [f"{claim}spec.resources.requests.storage"],
        "persistence.storageClass": [f"{claim}spec.storageClassName"],
        "persistence.existingClaim": [f"{volume}persistentVolumeClaim.claimName", f"{claim}*"],
        "persistence.changeOwner": [f"{pod}initContainers[change-owner].*"],
    }
    for amounts in ("requests", "limits"):
        for name in ("cpu", "memory"):
            path = f"resources.{amounts}.{name}"
            effects[path] = [main + path]
    return {f"postgresql.{path}": places for path, places in effects.items()}


_ACCOUNTS = [
    *(f"Deployment/-{c}:spec.template.spec.serviceAccountName" for c in _BOTH),
    "Pod/-test:spec.serviceAccountName",
]
_KEYS = "spec.template.spec.*.env[*].valueFrom.secretKeyRef.name"
#: For each parameter the places that change: `*` stands for anything; each has to change, and
#: nothing else. Where it can be said, the first shows the new value.
EFFECTS: dict[str, list[str]] = {
    "imagePullSecrets": [
        *(f"Deployment/-{c}:spec.template.spec.imagePullSecrets[pull].name" for c in _BOTH),
        "Pod/-test:spec.imagePullSecrets[pull].name",
    ],
    "serviceAccount.create": [*_ACCOUNTS, "ServiceAccount/:*"],
    "serviceAccount.name": [*_ACCOUNTS, "ServiceAccount/:*", "ServiceAccount/other:*"],
    "serviceAccount.annotations": ["ServiceAccount/:metadata.annotations.a"],
    **_component("backend"),
    **_component("frontend"),
    "frontend.service.type": ["Service/frontend-svc:spec.type"],
    "frontend.service.nodePort": ["Service/frontend-svc:spec.ports[http].nodePort"],
    "config.apiUrl": _config("NEXT_PUBLIC_API_URL", "frontend"),
    "config.cohereBaseUrl": _config("COHERE_BASE_URL", "backend", new=True),
    "config.cohereModel": _config("COHERE_MODEL", "backend"),
    "config.logLevel": _config("LOG_LEVEL", "backend"),
    "config.betterAuthUrl": _config("BETTER_AUTH_URL", "frontend", new=True),
    "secrets.existingSecret": [f"Deployment/-{c}:{_KEYS}" for c in _BOTH],
    "secrets.databaseUrl": _secret("DATABASE_URL", *_BOTH),
    "secrets.cohereApiKey": _secret("COHERE_API_KEY", "backend"),
    "secrets.betterAuthSecret": _secret("BETTER_AUTH_SECRET", *_BOTH),
    "secrets.postgresPassword": [
        "Secret/-secrets:data.POSTGRES_PASSWORD",
        *_secret("DATABASE_URL", *_BOTH),
    ],
    **_postgres(),
    "ingress.enabled": ["Ingress/:*"],
    "ingress.className": ["Ingress/:spec.ingressClassName"],
    "ingress.annotations": ["Ingress/:metadata.annotations.a"],
    "ingress.hosts": ["Ingress/:spec.rules[0].host"],
    "ingress.tls": ["Ingress/:spec.tls[0].secretName", "Ingress/:spec.tls[0].hosts[0]"],
    "tests.enabled": ["Pod/-test:*"],
}
#: They change the names of all objects.
NAMES = {"nameOverride", "fullnameOverride"}


def test_every_parameter_has_its_effect() -> None:
    assert EFFECTS.keys() | NAMES == CHANGES.keys()


@pytest.mark.parametrize("path", EFFECTS)
def test_a_parameter_changes_what_it_says_and_nothing_else(path: str) -> None:
    value, beside = CHANGES[path]
    before, after = (_places(manifest) for manifest in _renderings(path, value, beside))
    changed = {
        place
        for place in before.keys() | after.keys()
        if before.get(place, _MISSING) != after.get(place, _MISSING)
    }
    patterns = [re.escape(glob).replace(r"\*", ".*") for glob in EFFECTS[path]]
    for pattern, glob in zip(patterns, EFFECTS[path], strict=True):
        assert any(re.fullmatch(pattern, place) for place in changed), f"{glob} has not changed"
    others = [place for place in changed if not any(re.fullmatch(p, place) for p in patterns)]
    assert not others, f"{path} changes {sorted(others)} as well"
    if isinstance(value, str | int) and not isinstance(value, bool) and value != 0:
        shown = [after[p] for p in changed if p in after and re.fullmatch(patterns[0], p)]
        assert all(str(value) in str(each) for each in shown), f"{shown} is not {value}"
        assert shown


@pytest.mark.parametrize("path", sorted(NAMES))
def test_a_name_is_in_the_names_of_all_objects(path: str) -> None:
    fixed = {"backend-svc", "frontend-svc"}  # the names that the frontend calls
    names = {item.name for item in render(SECRETS | {path: "another"}).objects} - fixed
    prefix = "another" if path == "fullnameOverride" else f"{RELEASE}-another"
    assert names
    assert all(name.startswith(prefix) for name in names), names


def _renderings(path: str, value: Any, beside: Paths) -> tuple[Manifest, Manifest]:
    if path != "postgresql.enabled":
        return render(beside), render(beside | {path: value})
    password = {"secrets.postgresPassword": "pa55-of-postgres"}
    return render(SECRETS), render(beside | password | {path: value})


def _places(manifest: Manifest) -> dict[str, Any]:
    """Return every plain value by its place; what a Secret holds is decoded."""
    found = {}
    for item in manifest.objects:
        where = f"{item.kind}/{item.name.removeprefix(f'{RELEASE}-todo-app')}"
        for place, value in _leaves(item.body):
            plain = item.kind == "Secret" and place.startswith("data.")
            found[f"{where}:{place}"] = base64.b64decode(value).decode() if plain else value
    return found


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            key = below.get("name", index) if isinstance(below, dict) else index
            yield from _leaves(below, f"{path}[{key}]")
    else:
        yield path, value
