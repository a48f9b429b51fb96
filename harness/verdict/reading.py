"""A verdict as it was written as a document, read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.contract import Finding, Place
from harness.inference.facts import Fact
from harness.report.causes import read as read_cause
from harness.verdict.model import Item, Struck, Trial, Verdict


def read(document: Mapping[str, Any]) -> Verdict:
    """Return the verdict that a document of `Verdict.document` tells.

    Raises:
        KeyError: it is another one.

    """
    project = document["project"]
    return Verdict(
        name=project["name"],
        folder=project["folder"],
        source=project["description"],
        facts=tuple(_fact(told) for told in project["inferred"]),
        remarks=tuple(project["remarks"]),
        unread=tuple(project["unread"]),
        checks=tuple(_check(told) for told in document["checks"]),
        requirements=tuple(_requirement(told) for told in document["requirements"]),
        stage=document["stage"],
        trials=tuple(_trial(told) for told in document.get("scenarios", ())),
        causes=tuple(
            Struck(read_cause(told), tuple(told["scenarios"]), tuple(told["hides"]))
            for told in document.get("causes", ())
        ),
        problems=tuple(document.get("problems", ())),
        seconds=document["seconds"],
    )


def _requirement(told: Mapping[str, Any]) -> Item:
    return Item(
        told["id"],
        told["text"],
        told["status"],
        told["why"],
        checks=tuple(told["checks"]),
        scenarios=tuple(told.get("scenarios", ())),
    )


def _check(told: Mapping[str, Any]) -> Item:
    findings = tuple(_finding(told["id"], one) for one in told["findings"])
    return Item(
        told["id"], told["text"], told["status"], told["why"], findings, advice=told["advice"]
    )


def _finding(check: str, told: Mapping[str, Any]) -> Finding:
    place = Place(told["file"], told["line"])
    return Finding(check, told["needed"], told["cause"], place, told["fix"])


def _fact(told: Mapping[str, Any]) -> Fact:
    place = Place(told["file"], told["line"]) if told["file"] is not None else None
    key = tuple(str(told["key"]).split("."))
    return Fact(key, told["value"], told["why"], place, sure=told["sure"])


def _trial(told: Mapping[str, Any]) -> Trial:
    cause = told["cause"]
    return Trial(
        told["id"],
        told["name"],
        told["status"],
        told["why"],
        Place(told["file"], told["line"]),
        told["step"],
        tuple(told["requirements"]),
        read_cause(cause) if cause else None,
    )
