"""Builds the package: what lies side by side in the repository goes below one name.

`steps`, `plugin` and the like are names that other repositories use themselves, so they must not
be importable wherever the harness is installed. This needs nothing but Python, so that
`pip install .` works without a network. The form is that of PEP 427 and core metadata 2.4.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "deploy_harness"
#: What is installed below the package, as it lies in the repository.
PARTS = ("features_for_everyone", "fixtures", "harness", "plugin", "steps", "supply")
_WHEEL = "Wheel-Version: 1.0\nGenerator: deploy-harness\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same sources make the same wheel


class UnsupportedOperation(Exception):
    """Nothing of the kind can be built."""


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, Any] | None = None,  # noqa: ARG001 - PEP 517
    metadata_directory: str | None = None,  # noqa: ARG001 - PEP 517
) -> str:
    """Write the wheel into a folder, and return its file's name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    stem = f"{project['name'].replace('-', '_')}-{project['version']}"
    info, name = f"{stem}.dist-info", f"{stem}-py3-none-any.whl"
    record: list[str] = []
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:

        def add(place: str, content: bytes, mode: int = 0o644) -> None:
            entry = zipfile.ZipInfo(place, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode) << 16
            wheel.writestr(entry, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record.append(f"{place},sha256={digest.decode()},{len(content)}")

        for place, file in files():
            add(place, file.read_bytes(), 0o755 if file.stat().st_mode & 0o100 else 0o644)
        add(f"{info}/METADATA", metadata(project).encode())
        add(f"{info}/WHEEL", _WHEEL.encode())
        add(f"{info}/entry_points.txt", entry_points(project).encode())
        for file_name in project["license-files"]:
            add(f"{info}/licenses/{file_name}", (ROOT / file_name).read_bytes())
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
    return name


def build_sdist(
    sdist_directory: str,  # noqa: ARG001 - PEP 517
    config_settings: Mapping[str, Any] | None = None,  # noqa: ARG001 - PEP 517
) -> str:
    """Refuse: the sources are the repository. The exception's name is PEP 517's."""
    raise UnsupportedOperation("build a wheel: the sources are the repository")


def files() -> Iterator[tuple[str, Path]]:
    """Yield the place in the wheel and the file of everything that is installed."""
    folders = [(PACKAGE, ROOT / "package" / PACKAGE)]
    folders += [(f"{PACKAGE}/home/{part}", ROOT / part) for part in PARTS]
    for place, folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield f"{place}/{file.relative_to(folder).as_posix()}", file


def metadata(project: Mapping[str, Any]) -> str:
    """Return the core metadata of a project's table."""
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        *(f"License-File: {name}" for name in project["license-files"]),
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {wanted}" for wanted in project["dependencies"]),
        "Classifier: Framework :: Pytest",
        "Description-Content-Type: text/markdown",
    ]
    text = (ROOT / str(project["readme"])).read_text("utf-8")
    return "\n".join(lines) + "\n\n" + text


def entry_points(project: Mapping[str, Any]) -> str:
    """Return the file of a project's programs and plugins."""
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    return "\n".join(
        line
        for group, entries in groups.items()
        for line in (f"[{group}]", *(f"{name} = {place}" for name, place in entries.items()), "")
    )
