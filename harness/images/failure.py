"""Reading BuildKit's plain output: which step failed, and why (EC-1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import DeployError, Fault
from harness.images.dockerfile import Dockerfile, Instruction
from harness.images.spec import ImageSpec
from harness.redact import Redactor

_VERTEX = re.compile(r"^#(?P<id>\d+) \[(?P<place>[^\]]+)\] ?(?P<text>.*)$")
_OUTPUT = re.compile(r"^#(?P<id>\d+) \d+\.\d+ (?P<text>.*)$")
_ERROR = re.compile(r"^#(?P<id>\d+) ERROR:? ?(?P<text>.*)$")
_CANCELLED = re.compile(r"^#(?P<id>\d+) CANCELED")
_NUMBER = re.compile(r"^(?:(?P<stage>\S+) +)?(?P<step>\d+)/(?P<of>\d+)$")
_PARSE = re.compile(r"(?:parse error (?:on )?line |Dockerfile:)(?P<line>\d+)")
_NOISE = re.compile(r"^(#\d+ (sha256:|DONE|CACHED|transferring|\.\.\.)|-{4,}$| > \[)")
_TELLING = re.compile(
    r"\berror\b|ERR!|\bfatal\b|\bfailed\b|not found|no such|cannot|can only|unable to|denied",
    re.IGNORECASE,
)
# Words that name a cause by themselves; a tool's first line is often only its headline.
_SURE = re.compile(
    r"there is no version of|no matching distribution|not found in the package registry"
    r"|unable to resolve|can only install|cannot find module|no module named|: not found"
    r"|no such file or directory|hash(es)? (mis|do not )match",
    re.IGNORECASE,
)
_COUNTED = ("RUN", "COPY", "ADD", "WORKDIR")
_COMMAND = re.compile(r"executor failed running \[.*?\]: |process \".*?\" did not complete ", re.S)
_KEPT = 25  # lines
_ABOUT = 5  # of them, those that say why

# Words of a tool that tell of the machine: no room, no network, no base image to be had.
_MACHINE = re.compile(
    r"no space left on device|EAI_AGAIN|ETIMEDOUT|ECONNRE(?:FUSED|SET)|ENETUNREACH"
    r"|Temporary failure in name resolution|Network is unreachable|Name or service not known"
    r"|Could not resolve host|certificate.verify.failed|unable to get local issuer|x509:"
    r"|toomanyrequests|pull access denied|failed to resolve source metadata|load metadata for"
    r"|failed to authorize|exit code: 137",
    re.IGNORECASE,
)
# Words of a tool, and what a person can do about them. First match wins.
_HINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (r"no space left on device", "free disk space (`docker system df` shows who uses it)"),
        (
            r"certificate.verify.failed|self.signed certificate|unable to get local issuer"
            r"|CERT_|x509:",
            "a private certificate authority signs HTTPS here: mount the build secret "
            "`--mount=type=secret,id=ca_bundle` in this RUN and point the tool at it "
            "(SSL_CERT_FILE, PIP_CERT, NODE_EXTRA_CA_CERTS)",
        ),
        (
            r"pull access denied|failed to resolve source metadata|manifest unknown"
            r"|load metadata for|failed to authorize",
            "make the base image available: pull it, or name it by an ARG before FROM "
            "and list that ARG as a base in the project's description",
        ),
        (
            r"EAI_AGAIN|ENOTFOUND|ETIMEDOUT|Temporary failure in name resolution"
            r"|Could not resolve(?! dependency)|Network is unreachable|Name or service not known",
            "the build reached no network; check the engine's DNS and proxy",
        ),
        (
            r"No matching distribution|No solution found|ERESOLVE|E404|not in the npm registry",
            "correct the dependency's name or version",
        ),
        (
            r"npm ci.*can only install|package-lock\.json.*not in sync|lock ?file",
            "commit a lock file that matches package.json, and COPY it before this step",
        ),
        (r"exit code: 127|not found: not found|: not found", "the command or file is missing"),
        (r"exit code: 137|Killed|out of memory", "the build ran out of memory"),
        (r"permission denied", "check the file's mode and the USER of this step"),
        (r"parse error|unknown instruction", "correct the Dockerfile's syntax at this line"),
    )
)


@dataclass(frozen=True)
class Failure:
    """Where a build failed. Each part may be unknown.

    `step` is BuildKit's own numbering ("builder 3/7"), `instruction` the Dockerfile's,
    `lines` the last that the step said, `cause` BuildKit's words, `about` its name for
    the step.
    """

    step: str | None
    instruction: Instruction | None
    lines: tuple[str, ...]
    cause: str
    about: str = ""

    @property
    def telling(self) -> str:
        """Return the line that most likely says why; BuildKit often knows the exit code only."""
        at = _telling(self.lines)
        return self.cause if at is None else self.lines[at]


class BuildError(DeployError):
    """A build that came to no good end. `log` is all that it said, without secrets."""

    log: str = ""


class BuildFailedError(BuildError):
    """An image could not be built; names image, step, line and cause (EC-1).

    It is the project's fault, unless a tool's words tell of the machine.
    """

    fault = Fault.PROJECT

    def __init__(
        self, spec: ImageSpec, failure: Failure, redact: Redactor, output: str = ""
    ) -> None:
        self.image, self.failure, self.log = spec.name, failure, redact(output)
        one = failure.instruction
        where = f"line {one.line}, `{_short(one)}`" if one else "a step outside its instructions"
        if failure.step:
            where = f"step {failure.step}, {where}"
        said = [failure.telling, *(line for line in (failure.cause,) if line != failure.telling)]
        text = "\n".join((*said, *failure.lines))
        # A step's own command is no cause, and may hold every word of one.
        known = _COMMAND.sub("", text) if failure.step else f"{failure.about}\n{text}"
        hint = next((hint for pattern, hint in _HINTS if pattern.search(known)), None)
        if _MACHINE.search(known):
            self.fault = Fault.MACHINE
        super().__init__(
            needed=redact(f"image {spec.name} to build: {where}"),
            seen=redact(text),
            looked=f"{spec.file}" + (f", line {one.line}" if one else "") + ", BuildKit's output",
            fix=hint or "read the last lines above, which are the failed step's own output",
        )


class BuildTimedOutError(BuildError):
    """A build took longer than it may, and was ended."""

    def __init__(
        self,
        spec: ImageSpec,
        failure: Failure,
        timeout: float,
        redact: Redactor,
        output: str = "",
    ) -> None:
        self.log = redact(output)
        one = failure.instruction
        where = f"line {one.line}, `{_short(one)}`" if one else "unknown"
        super().__init__(
            needed=f"image {spec.name} to build within {timeout:.0f} s",
            seen=redact(f"still at work, at {where}\n" + "\n".join(failure.lines)),
            looked=f"{spec.file}, BuildKit's output until it was ended",
            fix="see what the step waits for, or allow the build more time",
        )


def read_failure(output: str, dockerfile: Dockerfile) -> Failure:
    """Find the failed step in BuildKit's plain output, or the last one that ran."""
    vertices: dict[str, tuple[str, str]] = {}
    said: dict[str, list[str]] = {}
    failed, cause, last = None, "", None
    for line in output.splitlines():
        if match := _VERTEX.match(line):
            vertices[match["id"]] = (match["place"], match["text"])
            last = match["id"]
        elif match := _OUTPUT.match(line):
            said.setdefault(match["id"], []).append(match["text"])
            last = match["id"]
        elif (match := _ERROR.match(line)) and match["text"] != "context canceled":
            failed, cause = failed or match["id"], cause or match["text"]
        elif match := _CANCELLED.match(line):
            last = match["id"]
    tail = [line for line in output.splitlines() if line.strip() and not _NOISE.match(line)]
    ours = (line for line in tail if "context canceled" not in line)  # that is how we end one
    final = next((line for line in reversed([*ours]) if not line.startswith("#")), "")
    cause = cause or final or "the build ended without saying why"
    at = failed or (None if final else last)
    if match := _PARSE.search(cause if failed else f"{cause}\n{final}"):
        return Failure(None, _at_line(dockerfile, int(match["line"])), (), cause)
    if at is None or at not in vertices:
        return Failure(None, None, tuple(tail[-_KEPT:]), cause)
    place, text = vertices[at]
    number = _NUMBER.match(place)
    return Failure(
        step=place if number else None,
        instruction=_instruction(dockerfile, number, text),
        lines=_kept(said.get(at, [])),
        cause=cause,
        about=text,
    )


def _telling(lines: Sequence[str]) -> int | None:
    """Return the index of the line that most likely says why, None if none does."""
    for pattern in (_SURE, _TELLING):
        for index, line in enumerate(lines):
            if pattern.search(line):
                return index
    return None


def _kept(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the last lines, and before them those that say why if they came earlier."""
    at = _telling(lines)
    if at is None or len(lines) - at <= _KEPT:
        return tuple(lines[-_KEPT:])
    return (*lines[at : at + _ABOUT], "...", *lines[at + _ABOUT :][-(_KEPT - _ABOUT - 1) :])


def _at_line(dockerfile: Dockerfile, line: int) -> Instruction | None:
    before = [one for one in dockerfile.instructions if one.line <= line]
    return before[-1] if before else None


def _instruction(
    dockerfile: Dockerfile, number: re.Match[str] | None, text: str
) -> Instruction | None:
    if number is None:
        return _from_line(dockerfile, text)
    stage = _stage(dockerfile, number["stage"])
    wanted = _plain(text)
    same = [one for one in stage if _plain(f"{one.word} {one.rest}") == wanted]
    if len(same) == 1:
        return same[0]
    # Arguments filled in by BuildKit, or a repeated line: count as BuildKit counts. FROM
    # takes a number only when it names an image, so count from the end of the stage.
    counted = [one for one in stage if one.word in _COUNTED]
    index = len(counted) - 1 - (int(number["of"]) - int(number["step"]))
    if 0 <= index < len(counted) and text.startswith(counted[index].word):
        return counted[index]
    return next((one for one in stage if one.word == text.split(" ", 1)[0]), None)


def _stage(dockerfile: Dockerfile, name: str | None) -> list[Instruction]:
    index, found = -1, list[Instruction]()
    names = [stage for stage, _, _ in dockerfile.stages]
    wanted = len(names) - 1
    if name in names:
        wanted = names.index(name)
    elif name and name.removeprefix("stage-").isdigit():
        wanted = int(name.removeprefix("stage-"))
    for one in dockerfile.instructions:
        index += one.word == "FROM"
        if index == wanted:
            found.append(one)
    return found


def _from_line(dockerfile: Dockerfile, text: str) -> Instruction | None:
    """Return the FROM (or COPY --from) for `load metadata for <registry>/<image>`."""
    if "load metadata for " not in text:
        return None
    image = text.rsplit(" ", 1)[-1]
    values = dockerfile.global_args
    for one in dockerfile.instructions:
        if one.word != "FROM" or not one.arguments:
            continue
        base = one.arguments[0]
        for name, value in values.items():
            base = base.replace(f"${{{name}}}", value).replace(f"${name}", value)
        if base and (image.endswith(f"/{base}") or image.split(":")[0].endswith(base)):
            return one
    return next((one for one in dockerfile.instructions if one.word == "FROM"), None)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _short(one: Instruction) -> str:
    text = f"{one.word} {one.rest}"
    return text if len(text) <= 120 else text[:117] + "..."
