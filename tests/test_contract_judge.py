"""All checks together: nothing wrong in what is right, nothing passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from chart_support import helm
from contract_support import SHOP, Shop, shop

from harness.contract import (
    CHECKS,
    Contract,
    ContractBrokenError,
    Finding,
    NothingExaminedError,
    Place,
    judge,
)
from harness.contract.usage import Usage
from harness.project import Project

__all__ = ["shop"]

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("root", [SHOP, ROOT], ids=["shop", "this repository"])
def test_nothing_is_wrong_where_nothing_is(root: Path) -> None:
    assert [finding.headline for finding in judge(Project.load(root), helm())] == []


@pytest.mark.parametrize("root", [SHOP, ROOT], ids=["shop", "this repository"])
def test_every_check_has_something_to_look_at(root: Path) -> None:
    contract = Contract(Project.load(root), helm())
    assert [check for check in CHECKS if not contract.examine(check).examined] == []


def test_a_chart_that_does_not_render_hides_nothing_else(shop: Shop) -> None:
    shop.edit(
        ("chart/templates/web.yaml", "containerPort: 3000", "containerPort: {{ .Values.a.b }}"),
        ("api/Dockerfile", "USER 1001\n", ""),
    )
    found = judge(Project.load(shop.root), helm())
    assert {finding.check for finding in found} == {"renders", "dockerfile user"}
    assert {str(f.place) for f in found if f.check == "renders"} == {"chart/templates/web.yaml:24"}


def test_a_check_without_anything_to_look_at_is_a_finding(shop: Shop) -> None:
    for file in ("api.yaml", "web.yaml"):
        (shop.root / "chart/templates" / file).write_text("")
    judgement = shop.judged("probes")
    assert judgement.nothing
    with pytest.raises(NothingExaminedError, match="probes"):
        judgement.require()
    found = judge(Project.load(shop.root), helm(), ["probes", "ingress"])
    assert [(f.check, f.seen) for f in found if f.check == "probes"] == [("probes", "none at all")]


def test_only_some_checks(shop: Shop) -> None:
    shop.edit(("api/Dockerfile", "USER 1001\n", ""))
    assert judge(Project.load(shop.root), helm(), ["dockerfile bases"]) == []


def test_a_mistake_in_every_rendering_is_told_once(shop: Shop) -> None:
    shop.edit(("chart/templates/web.yaml", "targetPort: http", "targetPort: web"))
    assert len(shop.judged("services").findings) == 1


def test_what_is_seen_holds_no_secret(shop: Shop) -> None:
    secret = "s3cr3t-w0rd-of-the-shop"
    shop.edit(
        (
            "chart/values.yaml",
            'databaseUrl: ""',
            f"databaseUrl: postgresql://shop:{secret}@db/shop",
        ),
        ("api/main.py", 'os.environ["SHOP_SECRET"]', f'os.getenv("SHOP_SECRET", "{secret}")'),
    )
    found = judge(Project.load(shop.root), helm(), ["credentials", "secrets honoured"])
    assert len(found) >= 2
    assert secret not in "".join(map(str, found))


def test_a_finding_reads_as_every_error_does() -> None:
    finding = Finding("probes", "a probe", "none", Place("a.yaml", 3), "add one")
    assert str(finding) == ("needed: a probe\nseen:   none\nlooked: a.yaml:3\nfix:    add one")
    error = ContractBrokenError([finding, Finding("probes", "b", "c", Place("b.yaml"), "add one")])
    assert error.seen == "a.yaml:3: none\nb.yaml: c"
    assert error.fix == "add one"


TEMPLATES = {
    "templates/a.yaml": '{{- $db := .Values.database }}\nkind: A\n{{ include "part" (dict "own" '
    '.Values.server "root" $) }}\n{{ $db.name }}\n{{ toYaml .Values.whole }}\n',
    "templates/_b.tpl": '{{ define "part" }}{{ .own.image.tag }} {{ .root.Values.top }}{{ end }}'
    '{{ define "unused" }}{{ .Values.lost }}{{ end }}',
    "templates/check.yaml": '{{ if .Values.checked }}{{ fail "no" }}{{ end }}',
    "templates/NOTES.txt": "{{ .Values.told }}",
}


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("database.name", True),
        ("database.size", False),
        ("server.image.tag", True),
        ("server.image.name", False),
        ("top", True),
        ("whole.of.it", True),
        ("lost", False),
        ("checked", False),
        ("told", False),
    ],
)
def test_which_values_are_read(path: str, *, read: bool) -> None:
    assert Usage.of(TEMPLATES).reads(tuple(path.split("."))) is read
