"""Which images are built here: every Dockerfile, with its context and what it says."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from harness.contract.finding import Place
from harness.contract.stage import Stage, last_stage
from harness.images.dockerfile import Dockerfile
from harness.inference.compose import Composed
from harness.inference.folder import Folder, aside

_FILE = re.compile(
    r"(?:(?:Docker|Container)file(?:[.-](?P<after>[\w.-]+))?|(?P<before>[\w.-]+)\.[Dd]ockerfile)"
)
_PRODUCTION = ("prod", "production", "release")
_OTHER_USE = re.compile(r"dev|develop|development|test|tests|ci|debug|local|base|lint|e2e")
#: Folders that say where something lies, not what it is.
_GENERAL = frozenset(
    {
        *("docker", "dockerfiles", "build", "deploy", "deployment", "images", "containers", "."),
        *("apps", "services", "packages", "src", "app", "infra", "ops", "k8s", "helm", "chart"),
    }
)
_SCRATCH = "scratch"


@dataclass(frozen=True)
class Dockerized:
    """One image that can be built. Paths are from the top.

    Attributes:
        name: what it is called, a DNS label.
        names: all words by which a chart may call it.
        context, dockerfile: `dockerfile` is relative to the context.
        aside: whether it lies among tests or examples.
        why: why this context and this Dockerfile.

    """

    name: str
    names: tuple[str, ...]
    context: str
    dockerfile: str
    file: str
    parsed: Dockerfile
    stage: Stage | None
    aside: bool
    why: str
    composed: Composed | None = None
    sure: bool = True
    others: tuple[str, ...] = ()
    bases: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Return its Dockerfile."""
        return Place(self.file)


def find_dockerized(folder: Folder, files: list[str], composed: list[Composed]) -> list[Dockerized]:
    """Return what every Dockerfile builds; of several for one program that of production."""
    groups: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for file in files:
        match = _FILE.fullmatch(PurePosixPath(file).name)
        if match is None or PurePosixPath(file).name.endswith(".dockerignore"):
            continue
        suffix = (match["after"] or match["before"] or "").lower()
        use = 1 if suffix in ("", *_PRODUCTION) else 2
        use = 0 if suffix in _PRODUCTION else 3 if _OTHER_USE.fullmatch(suffix) else use
        # `api.Dockerfile` beside `web.Dockerfile` are two programs, `Dockerfile.prod` is none.
        program = suffix if use == 2 else ""
        groups.setdefault((posixpath.dirname(file), program), []).append((use, file))
    found = []
    for (here, program), choices in groups.items():
        choices.sort()
        file = choices[0][1]
        service = next((c for c in composed if c.dockerfile == file), None)
        context, why, sure = _context(folder, file, service)
        parsed = Dockerfile.read(folder.root / file)
        args = dict(service.args) if service else {}
        words = [program, _last_name(context), _last_name(here), service.name if service else ""]
        words += [service.image.rpartition("/")[2].partition(":")[0] if service else ""]
        words += [_package(folder, context)]
        names = [name for name in dict.fromkeys(map(slug, words)) if name]
        found.append(
            Dockerized(
                name=names[0] if names else "",
                names=tuple(names),
                context=context,
                dockerfile=posixpath.relpath(file, context),
                file=file,
                parsed=parsed,
                stage=last_stage(parsed, args),
                aside=aside(file),
                why=why,
                composed=service,
                sure=sure,
                others=tuple(other for _, other in choices[1:]),
                bases=_bases(parsed),
            )
        )
    return found


def slug(text: str) -> str:
    """Return a DNS label made of a text; "" when nothing of it can be one."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-0123456789")[:50].strip("-")


def _last_name(path: str) -> str:
    """Return the last part of a path that says what lies there."""
    parts = [part for part in PurePosixPath(path).parts if part.lower() not in _GENERAL]
    return parts[-1] if parts else ""


def _package(folder: Folder, context: str) -> str:
    try:
        told = json.loads(folder.text(posixpath.join(context, "package.json")) or "{}")
    except (ValueError, RecursionError):
        return ""
    name = told.get("name") if isinstance(told, dict) else ""
    return name.rpartition("/")[2] if isinstance(name, str) else ""


def _context(folder: Folder, file: str, service: Composed | None) -> tuple[str, str, bool]:
    """Return the folder that a build sees, why, and whether that is certain."""
    if service is not None:
        return service.context or ".", f"{service.place} builds it there", True
    here = posixpath.dirname(file) or "."
    parsed = Dockerfile.read(folder.root / file)
    wanted = [s for copy in parsed.copies() for s in copy.sources]
    wanted = [s.removeprefix("./").strip("/") for s in wanted]
    wanted = [s for s in wanted if s not in ("", ".") and not re.search(r"[*?\[]", s)]
    candidates = [here]
    while candidates[-1] not in (".", ""):
        candidates.append(posixpath.dirname(candidates[-1]) or ".")
    # The nearest folder that holds most of what is copied.
    counts = [sum((folder.root / c / s).exists() for s in wanted) for c in candidates]
    best = counts.index(max(counts))
    if best == 0:
        return here, "the Dockerfile's own folder", True
    held = f"{counts[best]} of {len(wanted)} things that it copies are there, {counts[0]} beside it"
    return candidates[best], held, counts[best] == len(wanted)


def _bases(parsed: Dockerfile) -> dict[str, str]:
    """Return the ARGs that a FROM consists of, where no other base is fixed."""
    args, names = parsed.global_args, {name for name, _, _ in parsed.stages}
    found = {}
    for _, base, _ in parsed.stages:
        match = re.fullmatch(r"\$\{?(\w+)\}?", base)
        if match and args.get(match[1]):
            if args[match[1]] not in (_SCRATCH, *names):
                found[match[1]] = args[match[1]]
        elif base.lower() not in names and base != _SCRATCH:
            return {}
    return found
