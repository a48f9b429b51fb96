"""What is looked at while a description is inferred, and what is known so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from harness.contract.code import Code
from harness.contract.finding import Place
from harness.inference import charts, compose
from harness.inference.facts import Facts
from harness.inference.folder import Folder, shown
from harness.inference.images import Dockerized
from harness.inference.probing import Probed
from harness.inference.running import Image

#: A URL with a password, which no description may repeat.
CREDENTIALS = re.compile(r"://[^\s:/@]*:[^\s/@]+@")


@dataclass
class Known:
    """What is looked at while a description is inferred, and what is known so far."""

    folder: Folder
    files: list[str]
    built: list[Dockerized]
    composed: list[compose.Composed]
    chart: charts.Choice
    facts: Facts = field(default_factory=Facts)
    probed: Probed | None = None
    images: list[Image] = field(default_factory=list)
    #: by the image's name in the description
    pairs: dict[str, tuple[Image | None, Dockerized | None]] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)

    def place(self, probed: Probed, path: str) -> Place | None:
        """Return the line of a value."""
        for each in probed.probes:
            if each.path == path:
                return probed.chart.place(each.leaf.file, each.leaf.line)
        return None


def listed(names: Any) -> str:
    """Return a few names in one line, safe to show, and how many more there are."""
    names = [shown(str(name)) for name in names]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
