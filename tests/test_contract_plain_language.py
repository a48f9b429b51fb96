"""Operation in plain language, as far as a repository shows it."""

from __future__ import annotations

import pytest
from contract_support import Shop, shop

__all__ = ["shop"]
COMMANDS = "OPERATING.md"


def test_commands_are_found_in_what_people_read(shop: Shop) -> None:
    assert shop.judged("plain language").examined == (
        "scale the web to 2 replicas",
        "which pods are not running?",
        "show me the log of the api",
    )
    assert not shop.judged("plain language commands").findings


def test_the_same_request_twice_is_one(shop: Shop) -> None:
    shop.edit((COMMANDS, "which pods are not running?", "Scale  the web to 2 replicas"))
    shop.shows("plain language commands", f"{COMMANDS}: scale the web", "2: `scale the web")


def test_a_tool_that_is_only_spoken_of_shows_nothing(shop: Shop) -> None:
    (shop.root / COMMANDS).write_text("# Later\n\nWe use kubectl-ai or kagent.\n")
    shop.shows("plain language", f"{COMMANDS}: We use kubectl-ai", "no command of it is shown")
    assert shop.judged("plain language commands").nothing


@pytest.mark.parametrize("file", ["specs/001/spec.md", "node_modules/a/README.md", ".x/a.md"])
def test_what_demands_it_or_is_somebody_elses_shows_nothing(shop: Shop, file: str) -> None:
    (shop.root / file).parent.mkdir(parents=True)
    (shop.root / COMMANDS).rename(shop.root / file)
    assert shop.judged("plain language").nothing


def test_kagent_shows_too(shop: Shop) -> None:
    (shop.root / COMMANDS).write_text("    kagent invoke --agent k8s --task 'list all pods'\n")
    assert shop.judged("plain language").examined == ("list all pods",)
