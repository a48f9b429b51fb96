"""Stand-ins for the images of languages: Python and Node."""

from __future__ import annotations

from harness.supply.gobuild import PYTHONS
from harness.supply.image_name import ImageName
from harness.supply.recipe import SUITE, Recipe, debian, elsewhere, node_pins

#: Debian's own Python.
PYTHON = (3, 13)
NODE_NAMES = {"lts": 24, "current": 26, "latest": 26, "": 26}
NODE_NAMES |= {"gallium": 16, "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}
NODES = (16, 18, 20, 22, 24, 26)
# The release of Debian that has the C headers of a CPython that it does not have itself.
_HEADERS: dict[tuple[int, ...], str] = {(3, 11): "bookworm", (3, 14): "forky"}
_CARRIED = {
    tuple(int(part) for part in program.name.removeprefix("python").split(".")): program
    for program in PYTHONS
}
# As the official images have them, without what only a desktop needs.
_COMPILERS = (
    "autoconf automake build-essential bzip2 curl file git gnupg libbz2-dev libcurl4-openssl-dev"
    " libffi-dev libjpeg-dev liblzma-dev libmariadb-dev libncurses-dev libpng-dev libpq-dev"
    " libreadline-dev libsqlite3-dev libssl-dev libtool libwebp-dev libxml2-dev libxslt1-dev"
    " libyaml-dev openssh-client patch pkg-config procps unzip wget xz-utils zlib1g-dev"
)
FULL = {"python": _COMPILERS, "node": f"{_COMPILERS} python3"}


def python(asked: ImageName) -> Recipe | None:
    """Return the nearest Python that is not older: Debian's own, or one that a module carries."""
    wanted = (asked.numbers or PYTHON[:1])[:2]
    newest = max([PYTHON, *_CARRIED])
    strange = asked.rest or (asked.version and not asked.numbers)
    if strange or wanted[0] != PYTHON[0] or wanted > newest:
        return None
    # The nearest that is not older, but Debian's own for 3.12.
    held = PYTHON if len(wanted) == 1 else min(v for v in [PYTHON, *_CARRIED] if v >= wanted)
    arguments = {} if asked.slim else {"EXTRA": FULL["python"]}
    wheels: tuple[str, ...] = ()
    if held == PYTHON:
        made = {"made_in": "python"}
        holds = f"Debian {SUITE}'s Python {_dotted(held)} in the official layout"
    else:
        program = _CARRIED[held]
        arguments |= {"PROGRAM": program.name, "HEADERS": _HEADERS.get(held, "")}
        made = {"made_in": "cpython", "program": program.name}
        # From 3.12 on the official images hold pip alone.
        wheels = ("setuptools", "wheel") if held < (3, 12) else ()
        holds = (
            f"CPython {program.version.split('-')[1]} of python-build-standalone in the official"
        )
        holds += " layout" if held in _HEADERS else " layout, without its C headers"
    if len(wanted) > 1 and wanted != held:
        holds += f", where {asked.version} was asked for"
    recipe = Recipe(
        asked.written, "python", holds, on=debian(), arguments=arguments, wheels=wheels, **made
    )
    return elsewhere(asked.suite, recipe)


def node(asked: ImageName) -> Recipe | None:
    """Return the newest Node of the major version, or of the next that there is."""
    if asked.rest or (asked.version and not asked.numbers and asked.version not in NODE_NAMES):
        return None
    wanted = asked.numbers[0] if asked.numbers else NODE_NAMES[asked.version]
    major = next((one for one in NODES if one >= wanted), None)
    if major is None:
        return None
    pins = node_pins(str(major))
    holds = f"Node {pins['node']} and npm {pins['npm']} from npm's registry, on Debian {SUITE}"
    if not pins["node"].startswith(asked.version) and asked.numbers:
        holds += f", where {asked.version} was asked for"
    arguments = {"NODE_VERSION": pins["node"]}
    if not asked.slim:
        arguments["EXTRA"] = FULL["node"]
    recipe = Recipe(asked.written, "node", holds, on=debian(), arguments=arguments, node=str(major))
    return elsewhere(asked.suite, recipe)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
