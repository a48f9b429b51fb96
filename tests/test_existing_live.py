"""A cluster that exists, for real: what is asked, made, reached and removed."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from test_existing_document import rules

from benchmarks.shared import Shared, shared
from harness.cache import Cache
from harness.clusters.existing import errors
from harness.clusters.existing.leftovers import sweep
from harness.clusters.existing.options import Existing
from harness.clusters.existing.provider import ExistingProvider
from harness.images.build import Builder
from harness.images.spec import ImageSpec
from harness.kube.client import Kube
from harness.kube.inventory import Inventory, take_inventory
from harness.kube.namespaces import ForeignNamespaceError
from harness.kube.replace import replace_pods
from harness.kube.resources import NAMESPACE, POD, SERVICE_ACCOUNT, Resource
from harness.labels import ROLE
from harness.probes.image import ensure_probe_image
from harness.probes.outside import wait_until_answers
from harness.progress import Progress
from harness.registries.login import Login
from harness.registries.registry import Registry
from harness.standins import StandIn
from harness.standins_inside import InsideStandIns
from harness.supply.bases import Bases
from harness.tunnels.relay import Relay
from harness.tunnels.tunnel import Tunnel

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[1]
COHERE = ROOT / "supply" / "cohere"
BASE = "python:3.12-slim"
CLUSTER_ROLE = Resource(
    "ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles", namespaced=False
)
CLUSTER_ROLE_BINDING = Resource(
    "ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "clusterrolebindings", namespaced=False
)


def quiet() -> Progress:
    return Progress(stream=io.StringIO())


@pytest.fixture(scope="module")
def place() -> Iterator[Shared]:
    with shared("deploy-test-existing") as place:
        yield place


@pytest.fixture(scope="module")
def admin(place: Shared) -> Kube:
    return Kube(place.kubeconfig, place.context)


def options(place: Shared, **changes: Any) -> Existing:
    pull, push = f"{place.registry.inside}/tests", f"{place.registry.outside}/tests"
    given = {
        "kubeconfig": place.kubeconfig,
        "context": place.context,
        "registry": pull,
        "registry_push": push,
        "registry_config": None,
        "host_address": "",
        "url": "",
        "disruptive": False,
    }
    return Existing(**(given | changes))


def provider(place: Shared, run: str, cache: Cache, **changes: Any) -> ExistingProvider:
    told = options(place, **changes)
    [name, password] = place.environ.values()
    registry = Registry(place.engine, told.registry, told.registry_push, Login(name, password))

    def image() -> str:
        probe = ensure_probe_image(place.engine, Cache.default(os.environ), quiet(), os.environ)
        return registry.adopt(probe.ref)

    kubectl, namespace = place.tools.kubectl, f"guest-{run}"
    return ExistingProvider(told, run, namespace, registry, "check", cache, quiet(), kubectl, image)


@pytest.fixture(scope="module")
def before(admin: Kube) -> Inventory:
    """What the cluster holds by itself: a new one goes on making its own for some seconds."""
    deadline, last = time.monotonic() + 120, take_inventory(admin)
    while True:
        time.sleep(3)
        now = take_inventory(admin)
        changes = _differences(last, now)
        heartbeats = [i for i in now.of("kube-node-lease").values() if i.kind == "Lease"]
        if heartbeats and not changes:
            return now
        assert time.monotonic() < deadline, "\n".join(changes) or "no node has its Lease yet"
        last = now


@pytest.fixture
def guest(place: Shared, before: Inventory, tmp_path: Path) -> Iterator[ExistingProvider]:
    made = provider(place, "one", Cache(tmp_path))
    made.check()
    yield made
    made.delete()


@pytest.fixture(autouse=True)
def untouched(admin: Kube, before: Inventory) -> Iterator[None]:
    """Whatever a test does, in the end the cluster holds what it held."""
    yield
    deadline = time.monotonic() + 60
    while strangers := _differences(before, take_inventory(admin)):
        assert time.monotonic() < deadline, "\n".join(strangers)
        time.sleep(1)


def _differences(before: Inventory, now: Inventory) -> list[str]:
    gone = [f"gone: {before.items[uid]}" for uid in before.items.keys() - now.items.keys()]
    new = [f"new: {now.items[uid]}" for uid in now.items.keys() - before.items.keys()]
    return sorted(gone + new)


# Who may what


@pytest.fixture
def account(place: Shared, admin: Kube, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Make a kubeconfig of an account that has these rules, and no other rights."""
    with contextlib.ExitStack() as stack:

        def make(granted: list[dict[str, Any]]) -> Path:
            name = "deploy-test-somebody"
            subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
            group = "rbac.authorization.k8s.io"
            reference = {"apiGroup": group, "kind": "ClusterRole", "name": name}
            for resource, namespace, content in (
                (SERVICE_ACCOUNT, "default", {}),
                (CLUSTER_ROLE, None, {"rules": granted}),
                (CLUSTER_ROLE_BINDING, None, {"roleRef": reference, "subjects": [subject]}),
            ):
                head = {"apiVersion": resource.api, "kind": resource.kind}
                admin.create(resource, head | {"metadata": {"name": name}} | content, namespace)
                stack.callback(admin.delete, resource, name, namespace)
            path = SERVICE_ACCOUNT.path("default", name, "token")
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
            token = admin.json("POST", path, body=body)["status"]["token"]
            return _kubeconfig(place, tmp_path, token)

        yield make


def _kubeconfig(place: Shared, folder: Path, token: str) -> Path:
    whole = yaml.safe_load(place.kubeconfig.read_text())
    whole["users"] = [{"name": user["name"], "user": {"token": token}} for user in whole["users"]]
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(whole))
    return file


def test_the_rights_of_the_document_are_enough(
    place: Shared, account: Callable[..., Path], tmp_path: Path
) -> None:
    made = provider(place, "rights", Cache(tmp_path), kubeconfig=account(rules()))
    made.check()
    try:
        made.ensure()
        relay = made.way_in.relay()
        relay.connect("kubernetes.default.svc", 443).close()
    finally:
        assert sorted(made.delete()) == ["guest-rights-tools"]


def test_rights_that_are_missing_are_named_before_anything_is_made(
    place: Shared, account: Callable[..., Path], tmp_path: Path
) -> None:
    lesser = [rule for rule in rules() if "namespaces" not in rule["resources"]]
    made = provider(place, "lesser", Cache(tmp_path), kubeconfig=account(lesser))
    with pytest.raises(errors.RightsMissingError) as caught:
        made.check()
    assert "may not create namespaces in the whole cluster" in caught.value.seen
    assert "deploy-test-somebody" in caught.value.needed
    assert made.delete() == []


def test_credentials_that_nobody_knows(place: Shared, tmp_path: Path) -> None:
    made = provider(place, "x", Cache(tmp_path), kubeconfig=_kubeconfig(place, tmp_path, "wrong"))
    with pytest.raises(errors.LoginRefusedError):
        made.check()


def test_a_namespace_of_somebody_else(place: Shared, admin: Kube, tmp_path: Path) -> None:
    name = "guest-theirs"
    admin.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        with pytest.raises(ForeignNamespaceError, match=name):
            provider(place, "theirs", Cache(tmp_path)).check()
        assert admin.get(NAMESPACE, name)["status"]["phase"] == "Active"
    finally:
        admin.delete(NAMESPACE, name)


# The way in


@pytest.fixture
def cohere(place: Shared, guest: ExistingProvider) -> tuple[str, int]:
    """A program in the cluster that answers, by name and port."""
    cache = Cache.default(os.environ)
    bases = Bases(place.engine, cache, quiet(), os.environ)
    spec = ImageSpec("cohere", COHERE, "deploy-cohere", bases={"PYTHON_IMAGE": BASE})
    image = Builder(place.engine, bases, cache, quiet(), os.environ).build(spec)
    name = guest.registry.adopt(image.ref)
    guest.registry.put([name])
    inside = InsideStandIns(guest.ensure().client(), guest.tools)
    running = inside.ensure(StandIn("cohere", spec, 8080), name, "a-key-for-tests")
    return running.host, running.port


@pytest.fixture
def relay(guest: ExistingProvider) -> Relay:
    guest.ensure()
    return guest.way_in.relay()


@pytest.fixture
def tunnel(relay: Relay, cohere: tuple[str, int]) -> Iterator[Tunnel]:
    made = Tunnel(lambda: relay.connect(*cohere))
    # Nodes forward to a pod a moment after it is Ready.
    wait_until_answers(f"{made.url}/health")
    yield made
    made.close()


def ask(tunnel: Tunnel) -> int:
    return httpx.get(f"{tunnel.url}/health", timeout=20, trust_env=False).status_code


def test_many_connections_at_once(tunnel: Tunnel) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(tunnel), range(64)))
    assert answers == [200] * 64, list(tunnel.troubles)


def test_one_connection_serves_many_requests(tunnel: Tunnel) -> None:
    with httpx.Client(base_url=tunnel.url, trust_env=False) as client:
        assert [client.get("/health").status_code for _ in range(20)] == [200] * 20


def test_pods_may_be_replaced_behind_it(
    tunnel: Tunnel, guest: ExistingProvider, relay: Relay
) -> None:
    kube = guest.ensure().client()
    for role in ("standin-cohere", "relay"):
        replace_pods(kube, guest.tools, {ROLE: role})
        wait_until_answers(f"{tunnel.url}/health")


def test_what_is_not_there_is_told(relay: Relay) -> None:
    tunnel = Tunnel(lambda: relay.connect("nobody-has-this.default.svc", 80))
    with pytest.raises(httpx.TransportError):
        ask(tunnel)
    assert "dns: " in tunnel.troubles[0]
    tunnel.close()


def test_pods_that_do_not_reach_this_machine(guest: ExistingProvider, relay: Relay) -> None:
    with pytest.raises(errors.HostAddressError, match="--deploy-host-address"):
        guest.way_in.check_reached("192.0.2.1", 5432)


def test_nodes_are_off_limits_unless_it_is_allowed(
    place: Shared, guest: ExistingProvider, tmp_path: Path
) -> None:
    with pytest.raises(errors.NodesOffLimitsError, match="--deploy-disruptive=yes"):
        guest.on_node("true")
    bold = provider(place, "bold", Cache(tmp_path / "bold"), disruptive=True)
    bold.check()
    try:
        said = bold.on_node("crictl", "ps", "--output", "json").stdout
    finally:
        bold.delete()
    assert "containers" in said


# Runs that die

_RUN = """\
import sys, time, pickle, io
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
from test_existing_live import provider
from benchmarks.shared import up
from harness.cache import Cache
made = provider(up("deploy-test-existing"), "dying", Cache(Path({cache!r})))
made.check()
made.ensure()
print("alive", flush=True)
time.sleep(600)
"""


def test_what_a_killed_run_has_left_is_removed_by_the_next(
    place: Shared, admin: Kube, guest: ExistingProvider, tmp_path: Path
) -> None:
    tests = str(Path(__file__).parent)
    script = _RUN.format(root=str(ROOT), tests=tests, cache=str(tmp_path / "dying"))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"alive" in process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert admin.get(NAMESPACE, "guest-dying-tools")
    access = guest.ensure()
    with access.client() as kube:
        assert sweep(kube, _now(admin)) == [], "it may still be alive"
        deadline = time.monotonic() + 30
        while not (removed := sweep(kube, _now(admin), expires=3)):
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert removed == ["guest-dying-tools"]
    assert admin.list(POD, guest.tools) == []


def _now(client: Kube) -> Any:
    from harness.clusters.existing.lease import server_time

    return server_time(client)
