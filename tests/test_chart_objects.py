"""What every rendering of the chart has to keep, whatever the values are."""

from __future__ import annotations

import itertools
from urllib.parse import urlsplit

import pytest
from chart_support import CHART as CHART_DIR
from chart_support import VARIANTS, Manifest, env, helm, render, selects

from harness.helm import values_from_paths

HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.fixture(params=VARIANTS.items(), ids=lambda variant: variant[0].replace(" ", "-"))
def manifest(request: pytest.FixtureRequest) -> Manifest:
    return render(request.param[1])


def test_every_name_is_taken_once(manifest: Manifest) -> None:
    names = [(item.kind, item.name) for item in manifest.objects]
    assert sorted(set(names)) == sorted(names)
    assert {item.namespace for item in manifest.objects} == {None}  # that of the release


def test_every_object_carries_the_standard_labels(manifest: Manifest) -> None:
    for item in manifest.objects:
        labels = item.body["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "rel"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["helm.sh/chart"].startswith("todo-app-")
        for key in ("name", "component", "version", "part-of"):
            assert labels[f"app.kubernetes.io/{key}"], item
        for value in labels.values():
            assert isinstance(value, str)
            assert len(value) <= 63


def test_every_selector_finds_the_pods_of_one_workload(manifest: Manifest) -> None:
    pods = {name: meta["labels"] for name, meta, _ in manifest.pods()}
    selectors = {
        f"{item.kind} {item.name}": item.body["spec"]["selector"]
        for item in manifest.objects
        if "selector" in item.body.get("spec", {})
    }
    assert len(selectors) >= 4
    for owner, selector in selectors.items():
        found = [name for name, labels in pods.items() if selects(_labels(selector), labels)]
        assert len(found) == 1, f"{owner} selects {found}"
        if not owner.startswith("Service"):
            assert owner.split(" ")[1] == found[0]


def _labels(selector: dict[str, dict[str, str]]) -> dict[str, str]:
    return selector.get("matchLabels", selector)  # type: ignore[return-value]


def test_every_reference_leads_to_a_key_that_is_there(manifest: Manifest) -> None:
    known = {"configMapKeyRef": manifest.data("ConfigMap"), "secretKeyRef": manifest.data("Secret")}
    known["secretKeyRef"].setdefault(
        "my-secret", dict.fromkeys(("DATABASE_URL", "COHERE_API_KEY", "BETTER_AUTH_SECRET"), "")
    )
    seen = 0
    for where, container in manifest.containers():
        assert "envFrom" not in container
        for name, entry in env(container).items():
            for kind, reference in entry.get("valueFrom", {}).items():
                assert reference["key"] in known[kind][reference["name"]], f"{where}: {name}"
                seen += 1
    assert seen >= 8


def test_every_target_port_is_a_port_of_the_selected_pods(manifest: Manifest) -> None:
    for name, service in manifest.of("Service").items():
        selector = service["spec"]["selector"]
        spec = next(s for _, meta, s in manifest.pods() if selects(selector, meta["labels"]))
        ports = {port["name"] for c in spec["containers"] for port in c["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, name


def test_every_address_leads_to_a_service_and_port_of_the_release(manifest: Manifest) -> None:
    services = {
        name: {port["port"] for port in service["spec"]["ports"]}
        for name, service in manifest.of("Service").items()
    }
    test_env = env(manifest.container("/ask"))
    urls = [
        manifest.one("ConfigMap")["data"]["NEXT_PUBLIC_API_URL"],
        test_env["BACKEND"]["value"],
        test_env["FRONTEND"]["value"],
    ]
    for url in urls:
        parts = urlsplit(url)
        assert parts.scheme == "http"
        assert parts.port in services[parts.hostname or ""], url


def test_every_pod_is_confined(manifest: Manifest) -> None:
    for name, _, spec in manifest.pods():
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        if not name.endswith("-postgres"):
            assert spec["securityContext"]["runAsUser"] == 10001, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert not [v for v in spec.get("volumes", ()) if "hostPath" in v]
    for where, container in manifest.containers():
        if where.endswith("/change-owner"):  # asked for in the variant, and explained there
            continue
        assert container["securityContext"] == HARDENED, where


def test_every_container_has_requests_limits_and_a_version(manifest: Manifest) -> None:
    for where, container in manifest.containers():
        for amounts in ("requests", "limits"):
            assert container["resources"][amounts].keys() >= {"cpu", "memory"}, where
        assert container["imagePullPolicy"] == "IfNotPresent", where
        name, _, tag = container["image"].rpartition(":")
        assert name
        assert tag not in ("", "latest"), where


def test_every_mount_has_a_volume(manifest: Manifest) -> None:
    for name, _, spec in manifest.pods():
        volumes = {volume["name"] for volume in spec.get("volumes", ())}
        used = {
            mount["name"]
            for container in (*spec.get("initContainers", ()), *spec["containers"])
            for mount in container.get("volumeMounts", ())
        }
        assert volumes == used, name


def test_liveness_does_not_ask_what_readiness_asks(manifest: Manifest) -> None:
    for component in ("backend", "frontend"):
        container = manifest.container(f"-{component}/{component}")
        paths = {
            kind: container[f"{kind}Probe"]["httpGet"]["path"]
            for kind in ("startup", "liveness", "readiness")
        }
        assert paths["startup"] == paths["liveness"] != paths["readiness"]
        assert container["startupProbe"]["periodSeconds"] == 1
        assert container["readinessProbe"]["periodSeconds"] <= 2
        for kind in paths:
            probe = container[f"{kind}Probe"]
            assert probe["timeoutSeconds"] >= 2
            assert probe["httpGet"]["port"] == "http"


def test_no_secret_stands_outside_of_a_secret(manifest: Manifest) -> None:
    values = [
        "pa55-of-app",
        "pa55-of-postgres",
        "cohere-key-of-a-test",
        "signing-key-of-a-test-0123456789",
    ]
    open_text = "".join(str(item.body) for item in manifest.objects if item.kind != "Secret")
    assert not [value for value in values if value in open_text]


def test_nothing_is_made_that_uninstalling_would_leave(manifest: Manifest) -> None:
    for item in manifest.objects:
        annotations = item.body["metadata"].get("annotations") or {}
        assert "helm.sh/resource-policy" not in annotations
        assert "volumeClaimTemplates" not in item.body.get("spec", {})
        assert item.kind not in ("Namespace", "Job", "CustomResourceDefinition")
        if item.hook:
            deleted = set(annotations["helm.sh/hook-delete-policy"].split(","))
            assert deleted >= {"hook-succeeded", "hook-failed"}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=[n.replace(" ", "-") for n in VARIANTS])
def test_lint_finds_nothing(variant: dict[str, object]) -> None:
    assert "0 chart(s) failed" in helm().lint(CHART_DIR, values_from_paths(variant))


@pytest.mark.parametrize(
    ("release", "overrides"),
    [
        ("todo-app", {}),
        ("a", {}),
        ("x" * 53, {}),
        ("rel", {"fullnameOverride": "f" * 48}),
        ("rel", {"nameOverride": "n" * 63}),
    ],
)
@pytest.mark.parametrize("named", [True, False], ids=["fixed-names", "own-names"])
def test_names_hold_for_any_release(
    release: str,
    overrides: dict[str, str],
    named: bool,  # noqa: FBT001
) -> None:
    names = {} if named else {"backend.service.name": "", "frontend.service.name": ""}
    manifest = render(VARIANTS["database inside"] | names | overrides, release=release)
    for item in manifest.objects:
        assert len(item.name) <= 63
        assert item.name == item.name.strip("-")
    test_every_address_leads_to_a_service_and_port_of_the_release(manifest)
    test_every_reference_leads_to_a_key_that_is_there(manifest)
    test_every_selector_finds_the_pods_of_one_workload(manifest)


def test_two_releases_in_one_namespace_share_nothing() -> None:
    names = {"backend.service.name": "", "frontend.service.name": "", "postgresql.service.name": ""}
    one, other = (render(VARIANTS["database inside"] | names, release=n) for n in ("one", "other"))
    assert not {(i.kind, i.name) for i in one.objects} & {(i.kind, i.name) for i in other.objects}
    for mine, theirs in itertools.permutations((one, other)):
        labels = [meta["labels"] for _, meta, _ in theirs.pods()]
        for service in mine.of("Service").values():
            assert not [each for each in labels if selects(service["spec"]["selector"], each)]
