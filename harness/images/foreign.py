"""The images that a Dockerfile takes from elsewhere, and the same Dockerfile on others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.images.dockerfile import Dockerfile, Instruction
from harness.images.given import Given, secret_path

CA_SECRET = "ca_bundle"  # noqa: S105 - the id of a build secret, not its value
_SCRATCH = "scratch"
_CA_FILE = secret_path(CA_SECRET)
#: What tools read to trust further authorities; the file is given where there is a bundle.
_TRUST = (
    *("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"),
)
_TRUSTING = Given(dict.fromkeys(_TRUST, _CA_FILE), {_CA_FILE: Path(os.devnull)})
_MOUNTED_FROM = re.compile(r"--mount=\S*?\bfrom=([^,\s]+)")
_COPIED_FROM = re.compile(r"--from=(\S+)")
_LINK = re.compile(r" --link(=\S+)?(?=\s)")


@dataclass(frozen=True)
class Use:
    """A place in a Dockerfile that names a stage or an image: as it is written, and meant."""

    instruction: Instruction
    written: str
    name: str


@dataclass(frozen=True)
class Foreign:
    """An image that is neither a stage nor empty, and the first instruction that names it."""

    name: str
    instruction: Instruction


def foreign(
    dockerfile: Dockerfile,
    build_args: Mapping[str, str],
    target: str | None = None,
) -> tuple[Foreign, ...]:
    """Return the images from elsewhere that the stage to build stands on, its own base last.

    Stages that it does not need are left out, and so are names with a variable that has no
    value, which the build will refuse.

    Args:
        dockerfile: the Dockerfile.
        build_args: values of its ARGs, beside its defaults.
        target: the stage to build; by default the last.

    """
    found: dict[str, Foreign] = {}
    stages = _stages(dockerfile, build_args)
    for index in _needed(dockerfile, stages, target):
        # FROM comes last, so that the base of the stage to build ends the list.
        for use in (*stages[index][1:], *stages[index][:1]):
            name = use.name
            if "$" in name or name == _SCRATCH or _stage(dockerfile, stages, use) is not None:
                continue
            found.setdefault(name, Foreign(name, use.instruction))
    return tuple(found.values())


def adapted(
    text: str,
    dockerfile: Dockerfile,
    build_args: Mapping[str, str],
    refs: Mapping[str, str],
    *,
    trust: bool = False,
    given: Given = Given(),  # noqa: B008 - it cannot be changed
    syntax: bool = True,
) -> str:
    """Return a Dockerfile that does the same on other images.

    Lines keep their order, and their numbers too unless `trust` or `given` adds some.

    Args:
        text: the Dockerfile.
        dockerfile: the same, parsed.
        build_args: values of its ARGs, beside its defaults.
        refs: what stands for an image that it names.
        trust: have each RUN trust the authorities in the build secret `ca_bundle`, which
            leaves nothing in the image. Not done where the Dockerfile mounts it by itself.
        given: what else each RUN is to see.
        syntax: False to read it by the engine's own frontend, whatever its first line asks for.

    """
    lines = text.removeprefix("\ufeff").splitlines()
    for uses in _stages(dockerfile, build_args):
        for use in uses:
            if (ref := refs.get(use.name)) and ref != use.written:
                _replace(lines, use, ref)
    if not syntax:
        for index, line in enumerate(lines):
            if not re.match(r"#\s*\w+\s*=", line):
                break
            if re.match(r"#\s*syntax\s*=", line, re.IGNORECASE):
                lines[index] = "#"
        for one in dockerfile.instructions:
            if one.word in ("COPY", "ADD"):  # only a frontend of later years knows it
                lines[one.line - 1] = _LINK.sub("", lines[one.line - 1])
    if trust and not any(f"id={CA_SECRET}" in one.rest for one in dockerfile.instructions):
        given = _TRUSTING | given
    given.add_to(lines, dockerfile)
    return "\n".join(lines) + "\n"


def syntax_image(text: str) -> str:
    """Return the image that a Dockerfile wants to be read by, "" for the engine's own."""
    for line in text.removeprefix("\ufeff").splitlines():
        if not (match := re.match(r"#\s*(\w+)\s*=\s*(\S+)", line)):
            return ""
        if match[1].lower() == "syntax":
            return match[2]
    return ""


def _replace(lines: list[str], use: Use, ref: str) -> None:
    """Put another name where one is written; an instruction may go over several lines."""
    word = use.instruction.word
    start = {"FROM": r"(\s|^)", "RUN": r"(\bfrom=)"}.get(word, r"(--from=)")
    pattern = re.compile(start + re.escape(use.written) + r"(?=[\s,]|$)")
    for index in range(use.instruction.line - 1, len(lines)):
        changed = pattern.sub(lambda match: match[1] + ref, lines[index], count=1)
        if changed != lines[index]:
            lines[index] = changed
            return


def _stages(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> list[list[Use]]:
    """Return what each stage names: its base first."""
    found: list[list[Use]] = []
    values = dockerfile.global_args | dict(build_args)
    for one in dockerfile.instructions:
        if one.word == "FROM" and one.arguments:
            found.append([Use(one, one.arguments[0], dockerfile.filled(one.arguments[0], values))])
        elif found:
            found[-1] += [Use(one, name, name) for name in _named(one)]
    return found


def _named(one: Instruction) -> Iterator[str]:
    if one.word in ("COPY", "ADD"):
        yield from _COPIED_FROM.findall(one.rest)
    elif one.word == "RUN":
        yield from _MOUNTED_FROM.findall(one.rest)


def _needed(dockerfile: Dockerfile, stages: list[list[Use]], target: str | None) -> Iterator[int]:
    """Yield the stages that are built, the one that is wanted last."""
    names = [name for name, _, _ in dockerfile.stages]
    wanted = names.index(target.lower()) if target and target.lower() in names else len(stages) - 1
    seen: set[int] = set()

    def visit(index: int) -> Iterator[int]:
        seen.add(index)
        for use in stages[index]:
            before = _stage(dockerfile, stages, use)
            if before is not None and before not in seen:
                yield from visit(before)
        yield index

    if stages:
        yield from visit(wanted)


def _stage(dockerfile: Dockerfile, stages: list[list[Use]], use: Use) -> int | None:
    """Return the index of the stage that is meant, None for an image."""
    at = next(index for index, uses in enumerate(stages) if use in uses)
    names = [name for name, _, _ in dockerfile.stages][:at]
    name = use.name.lower()
    if name in names:
        return len(names) - 1 - names[::-1].index(name)
    number = use.instruction.word != "FROM" and name.isdigit() and int(name) < at
    return int(name) if number else None
