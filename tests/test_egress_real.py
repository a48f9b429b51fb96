"""The rules of a node, taken by the nft of the node image."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network

import pytest
from images_support import real_engine

from harness.cache import Cache
from harness.command import Completed
from harness.egress import table
from harness.egress.destination import Destination
from harness.errors import DeployError
from harness.labels import MANAGED
from harness.progress import Progress
from harness.supply.nodes import find_node_image

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]
INSIDE = table.Inside(IPv4Network("10.244.0.0/16"), IPv4Network("10.96.0.0/16"), ("172.18.0.2",))
Nft = Callable[..., Completed]


@pytest.fixture(scope="module")
def nft() -> Iterator[Nft]:
    """A node's nft in a network of its own."""
    engine = real_engine()
    try:
        cache = Cache.default(os.environ)
        image = find_node_image(engine, cache, Progress(quiet=True), os.environ).ref
    except DeployError as error:
        pytest.skip(error.headline)
    name = f"deploy-test-{uuid.uuid4().hex[:8]}"
    words = ("--network=none", "--cap-drop=ALL", "--cap-add=NET_ADMIN", "--entrypoint=sleep")
    labels = ("--label", f"{MANAGED}=true", "--name", name)
    engine.run("run", "--detach", *words, *labels, image, "300", timeout=60)

    def run(*argv: str, check: bool = True) -> Completed:
        return engine.run("exec", name, "nft", *argv, timeout=20, check=check)

    yield run
    engine.run("rm", "--force", "--volumes", name, timeout=30)


def test_a_node_is_closed_by_whoever_comes_and_keeps_what_others_have_added(nft: Nft) -> None:
    nft(table.closing(INSIDE))
    nft(table.allowing([Destination("172.18.0.9", "tcp", 5432)]))
    nft(table.closing(INSIDE))
    nft(table.allowing([Destination("172.18.0.9", "tcp", 5432), Destination("9.9.9.9", "udp", 53)]))
    held = nft(*table.listing(table.ALLOWED)[1:]).stdout
    assert '["172.18.0.9", "tcp", 5432]' in held
    assert '["9.9.9.9", "udp", 53]' in held
    assert nft("list", "chain", *table.TABLE, "way_out").stdout.count("update @tried") == 2


def test_what_was_tried_is_read_from_it(nft: Nft) -> None:
    nft(table.closing(INSIDE))
    nft(f"add element {' '.join(table.TABLE)} tried {{ 10.244.0.4 . 192.0.2.1 . tcp . 443 }}")
    (one,) = table.read_tried(nft(*table.listing(table.TRIED)[1:]).stdout, datetime.now(UTC))
    assert (one.source, one.destination) == ("10.244.0.4", Destination("192.0.2.1", "tcp", 443))
    assert abs((datetime.now(UTC) - one.at).total_seconds()) < 60


def test_a_node_is_opened_whether_it_is_closed_or_not(nft: Nft) -> None:
    nft(table.closing(INSIDE))
    nft(table.opening())
    nft(table.opening())
    assert nft(*table.listing(table.TRIED)[1:], check=False).returncode != 0
