"""Settings that are read by themselves, where no project is needed yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.option_reader import OptionReader
from harness.options import NONE


@dataclass(frozen=True)
class Trace:
    """How the scenarios are compared with what is demanded.

    Attributes:
        project: folder of the project's description.
        whole: whether each requirement has to have a scenario.
        spec: file of the spec to compare with, if any.

    """

    project: Path
    whole: bool
    spec: Path | None

    @classmethod
    def load(
        cls, options: Mapping[str, str | None], environ: Mapping[str, str], root: Path
    ) -> Trace:
        """Read these settings alone; arguments and errors as of `Settings.load`."""
        read = OptionReader(options, environ)
        spec = read.text("spec")
        return cls(
            project=read.folder(root),
            whole=read.one_of("trace", ("yes", "no")) == "yes" or bool(spec),
            spec=root / Path(spec).expanduser() if spec else None,
        )


@dataclass(frozen=True)
class Reporting:
    """What is written of a run.

    Attributes:
        folder: where the record goes.
        record: whether there is to be one.
        page: file of the page; None: beside the record.
        pages: whether there is to be a page.
        project: folder of the project's description.
        history: file of the history of runs; None: none is kept.
        cluster: kind of cluster.
        verdict: file of the verdict; None: none is wanted.

    """

    folder: Path
    record: bool
    page: Path | None
    pages: bool
    project: Path
    history: Path | None
    cluster: str
    verdict: Path | None = None

    @classmethod
    def load(
        cls, options: Mapping[str, str | None], environ: Mapping[str, str], root: Path
    ) -> Reporting:
        """Read these settings alone; arguments and errors as of `Settings.load`."""
        read = OptionReader(options, environ)
        page, folder = read.text("report"), root / read.text("artifacts")
        return cls(
            folder=folder,
            record=read.one_of("record", ("yes", "no")) == "yes",
            page=root / Path(page).expanduser() if page not in ("", NONE) else None,
            pages=page != NONE,
            project=read.folder(root),
            history=read.history(folder, root),
            cluster=read.text("cluster"),
            verdict=read.file("verdict", root),
        )


@dataclass(frozen=True)
class Planning:
    """Whether a run is only to be shown, and the file that its plan goes to as JSON, if any."""

    wanted: bool
    file: Path | None

    @classmethod
    def load(
        cls, options: Mapping[str, str | None], environ: Mapping[str, str], root: Path
    ) -> Planning:
        """Read these settings alone; arguments and errors as of `Settings.load`."""
        read = OptionReader(options, environ)
        file = read.file("plan-json", root)
        return cls(read.one_of("plan", ("yes", "no")) == "yes" or file is not None, file)


def changed_since(options: Mapping[str, str | None], environ: Mapping[str, str]) -> str:
    """Return the revision from which changes count, "" for none."""
    return OptionReader(options, environ).text("changed").strip()


def project_folder(
    options: Mapping[str, str | None], environ: Mapping[str, str], root: Path
) -> Path:
    """Return the folder of the project's description."""
    return OptionReader(options, environ).folder(root)


def wants_extended(options: Mapping[str, str | None], environ: Mapping[str, str]) -> bool:
    """Return whether long scenarios are wanted too. Raises SettingInvalidError."""
    return OptionReader(options, environ).one_of("extended", ("yes", "no")) == "yes"
