"""Whom pods try to reach outside: read from a node's rules and the DNS's log, and told."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from harness.egress import table
from harness.egress.attempt import Attempt, CalledOutsideError, Owner, attempts
from harness.egress.destination import Destination, Host, addresses
from harness.egress.making import why_open
from harness.egress.names import Asked, logging, read_asked
from harness.egress.table import Tried
from harness.kube.hosting import shared_with_node
from harness.project import Project, ProjectFileInvalidError
from harness.settings import Settings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
POD = "10.244.0.4"
OWNER = Owner("todo", "todo-app-frontend-1", POD, NOW - timedelta(minutes=5))
SITE = Destination("93.184.216.34", "tcp", 443)
INSIDE = table.Inside(
    IPv4Network("10.244.0.0/16"), IPv4Network("10.96.0.0/16"), ("172.18.0.2", "172.18.0.3")
)
COREFILE = """.:53 {
    errors
    health {
       lameduck 5s
    }
    forward . /etc/resolv.conf
}
"""


def shown(*elements: tuple[str, str, str, int, int]) -> str:
    """Return a set as nft 1.0.6 shows it: concatenation, and seconds until it expires."""
    held = [{"elem": {"val": {"concat": [*one]}, "expires": left}} for *one, left in elements]
    described: dict[str, Any] = {"family": "inet", "name": "tried", "flags": ["timeout"]}
    if held:
        described["elem"] = held
    return json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, {"set": described}]})


def found(
    tried: list[Tried] | None = None,
    asked: list[Asked] | None = None,
    *,
    owners: tuple[Owner, ...] = (OWNER,),
    leads: dict[str, list[str]] | None = None,
    allowed: tuple[Destination, ...] = (),
    known: tuple[str, ...] = (),
) -> list[str]:
    told = attempts(
        tried or [],
        asked or [],
        owners,
        resolve=lambda name: (leads or {}).get(name, []),
        allowed=allowed,
        known=known,
    )
    return [attempt.describe() for attempt in told]


def test_what_was_tried_is_read_with_its_time() -> None:
    month = 30 * 24 * 3600
    text = shown((POD, SITE.address, "tcp", 443, month - 60), (POD, "8.8.8.8", "udp", 53, month))
    assert table.read_tried(text, NOW) == [
        Tried(POD, SITE, NOW - timedelta(seconds=60)),
        Tried(POD, Destination("8.8.8.8", "udp", 53), NOW),
    ]
    assert table.read_tried(shown(), NOW) == []


def test_rules_name_what_belongs_to_the_cluster() -> None:
    rules = table.closing(INSIDE)
    assert "ip saddr != 10.244.0.0/16 accept" in rules
    assert "ip daddr { 10.244.0.0/16, 10.96.0.0/16, 172.18.0.2, 172.18.0.3 } accept" in rules
    # Where its set is full the rest of a rule is not executed: refusing is a rule of its own.
    assert not [line for line in rules.splitlines() if "update" in line and "reject" in line]


def test_a_call_is_told_with_name_and_address() -> None:
    tried = [Tried(POD, SITE, NOW)]
    asked = [Asked(POD, "telemetry.example.com", NOW)]
    told = found(tried, asked, leads={"telemetry.example.com": [SITE.address]})
    assert told == [
        "todo-app-frontend-1 tried to reach telemetry.example.com (93.184.216.34:443/tcp)"
    ]


def test_a_name_or_an_address_alone_is_told_too() -> None:
    tried = [Tried(POD, Destination("8.8.8.8", "udp", 53), NOW)]
    asked = [Asked(POD, "telemetry.example.com", NOW)] * 2
    assert found(tried, asked) == [
        "todo-app-frontend-1 asked for the address of telemetry.example.com",
        "todo-app-frontend-1 tried to reach 8.8.8.8:53/udp",
    ]


def test_who_is_allowed_is_no_attempt() -> None:
    # A container that was started again is refused until its new address is known.
    tried, asked = [Tried(POD, SITE, NOW)], [Asked(POD, "database.mine.internal", NOW)]
    assert found(tried, asked, allowed=(SITE,), known=("database.mine.internal",)) == []
    # Another name of the same.
    assert found([], asked, allowed=(SITE,), leads={"database.mine.internal": [SITE.address]}) == []
    # The same address at another port is one.
    other = Destination(SITE.address, "tcp", 22)
    assert found([Tried(POD, other, NOW)], [], allowed=(SITE,)) == [
        "todo-app-frontend-1 tried to reach 93.184.216.34:22/tcp"
    ]


def test_an_address_counts_for_whose_it_was() -> None:
    later = Owner("todo", "todo-app-frontend-2", POD, NOW)
    at_first, then = NOW - timedelta(minutes=1), NOW + timedelta(minutes=1)
    both = (OWNER, later)
    assert found([Tried(POD, SITE, at_first)], owners=both)[0].startswith("todo-app-frontend-1")
    assert found([Tried(POD, SITE, then)], owners=both)[0].startswith("todo-app-frontend-2")
    before = OWNER.since - timedelta(minutes=1)
    assert found([Tried(POD, SITE, before)], owners=both) == []
    assert found([Tried("10.244.0.99", SITE, NOW)], owners=both) == []


LOG = """\
2026-01-02T03:04:05.605530622Z [INFO] 10.244.0.4:39971 - 331 "A IN t.example.com.todo.svc.cluster.local. udp 61 false 512" NXDOMAIN qr,aa,rd 154 0.00018s
2026-01-02T03:04:05.606Z [INFO] 10.244.0.4:39971 - 332 "AAAA IN T.example.com. udp 61 false 512" NXDOMAIN qr,aa,rd 154 0.00018s
2026-01-02T03:04:05.607Z [INFO] 10.244.0.4:3 - 333 "A IN t.example.com.corp.example. tcp 61 false 512" NXDOMAIN qr,aa,rd 154 0.00018s
2026-01-02T03:04:05.608Z [INFO] 10.244.0.4:3 - 334 "A IN backend-svc. udp 61 false 512" NXDOMAIN qr,aa,rd 154 0.00018s
2026-01-02T03:04:05.608Z [INFO] 10.244.0.4:3 - 334 "A IN backend-svc.todo.svc. udp 61 false 512" NXDOMAIN qr,aa,rd 154 0.00018s
2026-01-02T03:04:05.608Z [INFO] 10.244.0.4:3 - 335 "PTR IN 1.0.244.10.in-addr.arpa. udp 61 false 512" NXDOMAIN qr,aa,rd 154 0.00018s
2026-01-02T03:04:05.609Z [ERROR] plugin/errors: 2 t.example.com. A: read udp: i/o timeout
2026-01-02T03:04:05.609Z [INFO] plugin/reload: Running configuration SHA512 = 70
"""  # noqa: E501 - lines of a log


def test_names_are_read_that_were_meant() -> None:
    at = NOW + timedelta(milliseconds=606)
    assert list(read_asked(LOG, ("cluster.local", "corp.example"))) == [
        Asked(POD, "t.example.com", at)
    ]


def test_the_dns_writes_down_who_asks_and_stays_as_it_is() -> None:
    wanted = logging(COREFILE)
    assert wanted == COREFILE.replace(".:53 {\n", ".:53 {\n    log\n")
    assert logging(wanted) == wanted


def test_the_error_names_pod_name_address_and_remedy() -> None:
    told = CalledOutsideError(
        [
            Attempt("todo", "web-1", "t.example.com", SITE),
            Attempt("todo", "web-1", "t.example.com", SITE),
            Attempt("todo", "web-1", "u.example.com"),
            Attempt("todo", "web-1", "", Destination("8.8.8.8", "udp", 53)),
            Attempt("todo", "web-1", "", Destination("192.0.2.9", "icmp", 0)),
        ],
        "two nodes",
    )
    assert told.seen.splitlines() == [
        "web-1 asked for the address of u.example.com",
        "web-1 tried to reach 192.0.2.9, icmp",
        "web-1 tried to reach 8.8.8.8:53/udp",
        "web-1 tried to reach t.example.com (93.184.216.34:443/tcp)",
    ]
    assert '["8.8.8.8:53/udp", "t.example.com:443", "u.example.com:443"]' in told.fix
    assert told.looked == "two nodes"
    assert str(pickle.loads(pickle.dumps(told))) == str(told)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("api.example.com:443", Host("api.example.com", 443)),
        ("API.example.com:53/udp", Host("api.example.com", 53, "udp")),
        ("192.0.2.7:8080", Host("192.0.2.7", 8080)),
    ],
)
def test_a_host_is_read(text: str, host: Host) -> None:
    assert Host.parse(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "api.example.com",
        "https://api.example.com:443",
        "a:0",
        "a:65536",
        "a b:1",
        "1.2.3:4",
        "-a:1",
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Host.parse(text)


def test_an_address_is_its_own_and_a_wrong_name_has_none() -> None:
    assert addresses("192.0.2.7") == ["192.0.2.7"]
    assert addresses("nobody.invalid") == []


def described(**more: Any) -> dict[str, Any]:
    image = {"context": ".", "repository": "web", "port": 80, "health": "/"}
    chart = {"path": "chart", "release": "web", "namespace": "web"}
    return {"name": "web", "chart": chart, "images": {"web": image}, **more}


def test_a_description_allows_hosts(tmp_path: Path) -> None:
    standin = {
        **{"context": ".", "repository": "ai", "unless": "AI_KEY", "port": 8080, "health": "/"},
        "real": "api.example.com:443",
    }
    data = described(egress={"allow": ["mail.example.com:25"]}, standins={"ai": standin})
    project = Project.checked(tmp_path, data, chart=False)
    assert project.egress.allow == [Host("mail.example.com", 25)]
    assert project.standins["ai"].real == Host("api.example.com", 443)
    with pytest.raises(ProjectFileInvalidError) as caught:
        Project.checked(tmp_path, described(egress={"allow": ["example.com"]}), chart=False)
    assert "egress.allow.0" in caught.value.seen
    assert "HOST:PORT" in caught.value.seen


def test_settings_say_whether_it_is_closed(project_dir: Path) -> None:
    assert why_open(Settings.load({}, {}, project_dir)) is None
    error = why_open(Settings.load({"egress": "open"}, {}, project_dir))
    assert error is not None
    assert "--deploy-egress=open" in error.seen
    assert "closed" in error.fix


def test_what_a_pod_shares_with_its_node_is_named() -> None:
    web: dict[str, Any] = {"name": "web", "securityContext": {"allowPrivilegeEscalation": False}}
    spec: dict[str, Any] = {"containers": [web], "volumes": [{"name": "tmp", "emptyDir": {}}]}
    assert list(shared_with_node({"spec": spec})) == []
    spec["volumes"].append({"name": "engine", "hostPath": {"path": "/run/engine.sock"}})
    spec["hostNetwork"] = True
    web["securityContext"]["privileged"] = True
    web["ports"] = [{"containerPort": 80, "hostPort": 8080}]
    assert list(shared_with_node({"spec": spec})) == [
        "it shares its node's Network (hostNetwork)",
        "it can reach /run/engine.sock of its node (hostPath)",
        "web is privileged",
        "web takes its node's port 8080 (hostPort)",
    ]
