"""What a check has looked at, and what it found to be wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import DeployError, Fault


@dataclass(frozen=True)
class Place:
    """A file, relative to the project's folder, and the line (from 1) where there is one."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """Two parts of a project that do not fit together, or one that cannot work.

    Args:
        check: the check that found it.
        needed: what has to be true.
        seen: what is there instead. Never a secret.
        place: where to look.
        fix: what to do about it.

    """

    check: str
    needed: str
    seen: str
    place: Place
    fix: str

    @property
    def headline(self) -> str:
        """One line: the place and the cause."""
        return f"{self.place}: {self.needed}: {self.seen.splitlines()[0] if self.seen else '-'}"

    def __str__(self) -> str:
        return str(ContractBrokenError([self]))


class ContractBrokenError(DeployError):
    """Chart, images and code do not fit together; says everything that one check found."""

    fault = Fault.PROJECT

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        one = len(findings) == 1
        super().__init__(
            needed=findings[0].needed if one else _lines(f.needed for f in findings),
            seen=findings[0].seen if one else _lines(f"{f.place}: {f.seen}" for f in findings),
            looked=_lines(str(f.place) for f in findings),
            fix=_lines(f.fix for f in findings),
        )


class NothingExaminedError(DeployError):
    """A check found nothing that it could have judged, so its silence proves nothing."""

    def __init__(self, check: str, things: str, looked: str) -> None:
        super().__init__(
            needed=f"{things}, so that the check `{check}` has something to judge",
            seen="none at all",
            looked=looked,
            fix="see whether the chart renders them and deploy.toml names what they belong to",
        )


def _lines(texts: Sequence[str] | object) -> str:
    assert not isinstance(texts, str)
    return "\n".join(dict.fromkeys(texts))  # type: ignore[call-overload]


@dataclass
class Notes:
    """What one check writes down.

    The same mistake shows in each rendering of a chart; it is written down once.
    `aliases` leads from names in one rendering to those of the same things in another.
    """

    check: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    examined: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _known: set[tuple[str, ...]] = field(default_factory=set)

    def saw(self, thing: str) -> None:
        """Say what was looked at, whether or not something is wrong with it."""
        self.examined.append(thing)

    def found(self, place: Place, *, needed: str, seen: str, fix: str) -> None:
        """Write down what is wrong, unless it has been already."""
        key = tuple(self._anywhere(text) for text in (str(place), needed, seen))
        if key not in self._known:
            self._known.add(key)
            self.findings.append(Finding(self.check, needed, seen, place, fix))

    def _anywhere(self, text: str) -> str:
        for name in sorted(self.aliases, key=len, reverse=True):
            text = text.replace(name, self.aliases[name])
        return text
