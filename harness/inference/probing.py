"""What each value of a chart does, found by rendering it with texts that can be found again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contract.chart import ChartFiles, Leaf
from harness.contract.code import sounds_secret
from harness.contract.rendering import Installation, Rendering, render
from harness.errors import DeployError
from harness.helm import HelmError, values_from_paths

if TYPE_CHECKING:
    from harness.helm.rendering import Renderer

REPOSITORY, TAG, IMAGE, NODE_PORT, SECRET, DATABASE = (
    *("repository", "tag", "image", "node port", "secret", "database"),
)
_ATTEMPTS = 8
_MOST_LEAVES = 4000
_DATABASE = re.compile(
    r"(database|postgres(ql)?|^db|pg|sql)[_-]?(url|uri|dsn)|connection_?string|^dsn$", re.IGNORECASE
)
#: A key that names a secret, or says how one is kept; it holds none.
_NAMES_ONE = re.compile(
    r"existing|^(create|enabled|annotations|labels|type|mount\w*)$|name$|ref$|key$(?<!apikey)"
    r"|(tls|pull)[_-]?secrets?$|path$|file$|length|expir|algorithm|ttl|issuer|audience",
    re.IGNORECASE,
)
_API_KEY = re.compile(r"(api|access|private|signing|encryption|jwt|auth|secret)[_-]?key$", re.I)
_HOLDS_SECRETS = re.compile(r"^(secrets?|credentials?)$|Secrets?$")


@dataclass(frozen=True)
class Probe:
    """A value that is replaced by a text like no other; `kind` says what it seems to be."""

    leaf: Leaf
    kind: str
    text: str | int

    @property
    def path(self) -> str:
        """Return the path as Helm writes it."""
        return dotted(self.leaf.path)


@dataclass
class Probed:
    """A chart, rendered with its values replaced.

    Attributes:
        rendering: None when no attempt rendered; `error` says why then.
        probes: those that the rendering was made with.
        filled: values that it does not render without, though they are no probes.
        dropped: probes that the chart refused, with its words.

    """

    chart: ChartFiles
    rendering: Rendering | None = None
    error: DeployError | None = None
    probes: list[Probe] = field(default_factory=list)
    filled: dict[str, Any] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)

    def of(self, *kinds: str) -> Iterator[Probe]:
        """Yield the probes of some kinds."""
        yield from (probe for probe in self.probes if probe.kind in kinds)

    def inside(self, text: str, *kinds: str) -> list[Probe]:
        """Return the probes whose texts a rendered text holds."""
        return [p for p in self.of(*kinds) if isinstance(p.text, str) and p.text in text]

    @property
    def values(self) -> dict[str, Any]:
        """Return the values of the rendering by path."""
        return self.filled | {probe.path: probe.text for probe in self.probes}


def probe(helm: Renderer, chart: ChartFiles, release: str, namespace: str) -> Probed:
    """Render a chart with all values replaced that could be given by a run.

    What it refuses is left as it is, what it asks for is made up; a few attempts are made.
    """
    probed = untried(chart)
    leaves = {dotted(leaf.path): leaf for leaf in _leaves(chart)}
    for _ in range(_ATTEMPTS):
        one = attempt(helm, chart.folder, release, namespace, probed.values)
        if isinstance(one, Rendering):
            probed.rendering, probed.error = one, None
            return probed
        probed.error = probed.error or one
        if not isinstance(one, HelmError):
            return probed  # it took too long, or too much: other values would not help
        if not _mended(probed, leaves, one.seen):
            break
    for probes in ([p for p in probed.probes if p.kind in (SECRET, DATABASE)], []):
        probed.probes, probed.filled = probes, {}
        one = attempt(helm, chart.folder, release, namespace, probed.values)
        if isinstance(one, Rendering):
            probed.rendering, probed.error = one, None
            return probed
    return probed


def untried(chart: ChartFiles) -> Probed:
    """Return what a chart's values seem to be, by their names alone."""
    return Probed(chart, probes=list(_probes(_leaves(chart))))


def _leaves(chart: ChartFiles) -> list[Leaf]:
    return [*chart.leaves, *chart.inner][:_MOST_LEAVES]


def attempt(
    helm: Renderer, chart: Path, release: str, namespace: str, values: Mapping[str, Any]
) -> Rendering | DeployError:
    """Render once with values by path; an error takes the place of what it prevents."""
    try:
        nested = values_from_paths(values)
    except ValueError as error:
        return HelmError(needed="values", seen=str(error), looked=str(chart), fix="see them")
    (one,) = render(helm, chart, [Installation("to infer", release, namespace, nested)])
    return one


def dotted(path: Iterable[str]) -> str:
    """Return a path with the dots of its keys marked."""
    return ".".join(part.replace(".", "\\.") for part in path)


def _mended(probed: Probed, leaves: Mapping[str, Leaf], said: str) -> bool:
    """Leave out what the chart names in its refusal, or give it; say whether that is new."""
    named = [
        path for path in leaves if re.search(rf"(?<![\w.]){re.escape(path)}(?![\w.]*\w)", said)
    ]
    # By its last part too, where the words are a person's: `jwtSecret is required`.
    named = named or [
        path
        for path, leaf in leaves.items()
        if len(leaf.path[-1]) > 5 and re.search(rf"(?<![\w.-]){re.escape(leaf.path[-1])}\b", said)
    ]
    for path in named:
        given = next((one for one in probed.probes if one.path == path), None)
        if given is not None and path not in probed.filled:
            probed.probes.remove(given)
            probed.dropped[path] = said
            return True
        value = leaves[path].value
        if given is None and path not in probed.filled and path not in probed.dropped:
            if value in ("", None):
                probed.filled[path] = _made_up(leaves[path])
                return True
            if value is False and re.search("requir|must|enable", said):
                probed.filled[path] = True
                return True
    return False


def _made_up(leaf: Leaf) -> str:
    name = leaf.path[-1].lower()
    if "host" in name or "domain" in name:
        return "project.example.internal"
    if "url" in name or "origin" in name:
        return "http://project.example.internal"
    return "inferred"


def _probes(leaves: Iterable[Leaf]) -> Iterator[Probe]:
    for number, leaf in enumerate(leaves):
        if kind := _kind(leaf):
            yield Probe(leaf, kind, _text(kind, number))


def _kind(leaf: Leaf) -> str:
    last, lower = leaf.path[-1], leaf.path[-1].lower()
    above = leaf.path[-2] if len(leaf.path) > 1 else ""
    value, texts = leaf.value, leaf.value is None or isinstance(leaf.value, str)
    if "nodeport" in lower and not isinstance(value, dict | list | bool):
        return NODE_PORT
    if not texts and not (lower.endswith("tag") and isinstance(value, int | float)):
        return ""
    if lower.endswith("tag") or (lower == "version" and above.lower().endswith("image")):
        return TAG if lower != "version" or value else ""
    image = above.lower().endswith("image")
    if lower.endswith("repository") or (lower in ("name", "repo") and image):
        return REPOSITORY
    if lower.endswith("image") or lower == "imagename":
        return IMAGE if isinstance(value, str) and value else ""
    if _DATABASE.search(last) or (above and _DATABASE.fullmatch(f"{above}_{last}")):
        return DATABASE
    holds = any(_HOLDS_SECRETS.search(part) for part in leaf.path[:-1])
    if _NAMES_ONE.search(last) and not _API_KEY.search(last):
        return ""
    return SECRET if sounds_secret(last) or _API_KEY.search(last) or holds else ""


def _text(kind: str, number: int) -> str | int:
    if kind == NODE_PORT:
        return 30100 + number % 2600
    if kind == DATABASE:
        host = f"probe-{number}.outside.test"
        return f"postgresql://probe:{_random(number)[:20]}@{host}:5432/probe?sslmode=require"
    if kind == SECRET:
        return _random(number)
    return f"probe-{kind}-{number:04d}"


def _random(number: int) -> str:
    return "P1" + hashlib.sha512(f"probe {number}".encode()).hexdigest()[:46]
