"""The rights that the document asks for are those that the harness asks about."""

import re
from pathlib import Path
from typing import Any

import yaml

from harness.clusters.existing.options import OWN
from harness.clusters.existing.rights import RIGHTS, Right
from harness.options import OPTIONS

DOCUMENT = Path(__file__).parents[1] / "docs" / "existing-clusters.md"


def rules() -> list[dict[str, Any]]:
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.S)
    found: list[dict[str, Any]] = yaml.safe_load(block)["rules"]
    return found


def granted(right: Right) -> bool:
    what = "/".join(filter(None, (right.resource, right.subresource)))
    return any(
        right.group in rule["apiGroups"]
        and what in rule["resources"]
        and right.verb in rule["verbs"]
        for rule in rules()
    )


def test_every_right_is_in_the_document() -> None:
    assert [right.describe("x") for right in RIGHTS if not granted(right)] == []


def test_every_option_is_in_the_document() -> None:
    text, known = DOCUMENT.read_text(), {option.name: option.flag for option in OPTIONS}
    assert [name for name in OWN if known[name] not in text] == []
