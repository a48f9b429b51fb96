"""An engine for tests: the machine's own, and one that a script plays."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import command
from harness.errors import DeployError
from harness.progress import Progress
from harness.supply.engine import Engine, find_engine


@dataclass(frozen=True)
class ScriptedEngine:
    """An engine whose client is a script; it says what the test tells it to say."""

    client: str
    host: str = "unix:///nowhere.sock"

    def run(self, *arguments: str, timeout: float, **more: Any) -> command.Completed:
        return command.run([self.client, *arguments], timeout=timeout, **more)

    def image_id(self, ref: str) -> str | None:
        shown = self.run("image", "inspect", ref, timeout=10, check=False)
        return str(json.loads(shown.stdout)[0]["Id"]) if shown.returncode == 0 else None

    def calls(self) -> list[list[str]]:
        """Return the arguments of each call so far."""
        log = Path(self.client).parent / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def scripted(folder: Path, says: str = "", code: int = 0) -> ScriptedEngine:
    """Return an engine whose builds print `says` and end with `code`.

    A build that ends with 0 leaves an image with the labels that it was given, which
    `image inspect` then shows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "says").write_text(says)
    script = folder / "docker"
    script.write_text(f"""#!{sys.executable} -IS
import json, os, pathlib, sys
here, argv = pathlib.Path({str(folder)!r}), sys.argv[1:]
with (here / "calls").open("a") as log:
    log.write(json.dumps(argv) + "\\n")
images = here / "images"
known = json.loads(images.read_text()) if images.exists() else {{}}
if argv[0] == "build":
    assert os.environ["DOCKER_BUILDKIT"] == "1"
    sys.stderr.write((here / "says").read_text())
    if {code} == 0:
        tag = argv[argv.index("--tag") + 1]
        pairs = [argv[n + 1] for n, word in enumerate(argv) if word == "--label"]
        known[tag] = dict(pair.split("=", 1) for pair in pairs)
        images.write_text(json.dumps(known))
    sys.exit({code})
ref = argv[-1]
if argv[:2] == ["image", "inspect"] and ref in known:
    print(json.dumps([{{"Id": "sha256:" + ref, "Config": {{"Labels": known[ref]}}}}]))
    sys.exit(0)
sys.exit(1)
""")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return ScriptedEngine(str(script))


@dataclass(frozen=True)
class FixedBases:
    """Base images by their official names, as they are on this machine."""

    known: Mapping[str, str]

    def ensure(self, official: str) -> Any:
        @dataclass(frozen=True)
        class Base:
            ref: str
            official: str

        return Base(self.known.get(official, official), official)


def environ(**more: str) -> dict[str, str]:
    """Return our environment without what a developer's shell may select."""
    return {"PATH": os.environ.get("PATH", "")} | more


def real_engine() -> Engine:
    """Return the machine's own engine; without one the test is skipped, and says so."""
    try:
        return find_engine(os.environ, Progress(quiet=True))
    except DeployError as error:
        pytest.skip(f"needs a container engine: {error.headline}")


def official(engine: Engine, name: str) -> str:
    """Return an image for an official one: itself or a stand-in for it, never pulled."""
    local = engine.sdk().images.list(filters={"reference": f"deploy-supply/{name}-*"})
    stand_in = re.compile(rf"deploy-supply/{re.escape(name)}-[0-9a-f]{{12}}")
    tags = sorted(tag for image in local for tag in image.tags if stand_in.fullmatch(tag))
    for ref in (name, *tags):
        if engine.has_image(ref):
            return ref
    pytest.skip(f"needs the image {name}: run `make prepare`")
