"""Reading an option: from the command line, the environment, or its default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from harness.errors import DeployError, Fault
from harness.options import MINIKUBE_DRIVERS, NONE, OPTIONS, OTHER_DRIVERS
from harness.redact import Redactor


class SettingInvalidError(DeployError):
    """An option or variable has a value that cannot be."""

    fault = Fault.INPUT

    def __init__(self, name: str, value: object, source: str, expected: str) -> None:
        super().__init__(
            needed=f"{expected} for {name}",
            seen=repr(value),
            looked=source,
            fix=f"correct {source}, or leave it out",
        )


class DriverNotOursError(DeployError):
    """Minikube has that driver, and we do not bring up clusters with it."""

    fault = Fault.INPUT

    def __init__(self, driver: str) -> None:
        super().__init__(
            needed="a driver of Minikube whose node is a container of this machine's engine: "
            + ", ".join(MINIKUBE_DRIVERS),
            seen=f"{driver}, whose node is not",
            looked="--deploy-minikube-driver, DEPLOY_MINIKUBE_DRIVER",
            fix=f"leave it out; or `minikube start --driver={driver}` by yourself, and accept on "
            "that as on any cluster that exists",
        )


_MIRROR = r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+(?=:))(:\d+)?(/[a-z0-9._-]+)*/?"
_ADDRESS = r"https?://[^\s/]+(/\S*)?"


class OptionReader:
    """Reads one option at a time: from the command line, else the environment, else its default."""

    def __init__(self, options: Mapping[str, str | None], environ: Mapping[str, str]) -> None:
        self._options, self._environ = options, environ
        self._known = {option.name: option for option in OPTIONS}

    def _get(self, name: str) -> tuple[str, str]:
        option = self._known[name]
        if (given := self._options.get(name)) is not None:
            return given, f"the option {option.flag}"
        if (given := self._environ.get(option.variable)) is not None:
            return given, f"the variable {option.variable}"
        return option.default, "the default"

    def text(self, name: str) -> str:
        """Return its value as it is."""
        return self._get(name)[0]

    def fetching(self, root: Path) -> dict[str, str]:
        """Return the variables of mirrors and certificates that are set, checked."""
        address = "an address such as https://HOST/PATH"
        values = {
            "mirror": self.matching("mirror", _MIRROR, "HOST[:PORT][/PATH] of a registry"),
            "download-mirror": self.matching("download-mirror", _ADDRESS, address),
            "ca-bundle": self.certificates("ca-bundle", root),
        }
        named = {self._known[name].variable: value for name, value in values.items()}
        return {name: value for name, value in named.items() if value or name in self._environ}

    def folder(self, root: Path) -> Path:
        """Return the folder of the project's description."""
        return root / Path(self.text("project") or ".").expanduser()

    def file(self, name: str, root: Path) -> Path | None:
        """Return the file that it names, None for none. Raises SettingInvalidError."""
        value, source = self._get(name)
        file = root / Path(value).expanduser() if value else None
        if file is not None and file.is_dir():
            raise SettingInvalidError(name, value, source, "a file, not a folder,")
        return file

    def one_of(self, name: str, values: tuple[str, ...]) -> str:
        """Return its value if it is one of these. Raises SettingInvalidError."""
        value, source = self._get(name)
        if value not in values:
            raise SettingInvalidError(
                name, value, source, "one of " + ", ".join(filter(None, values))
            )
        return value

    def driver(self) -> str:
        """Return Minikube's driver. Raises DriverNotOursError, SettingInvalidError."""
        name = "minikube-driver"
        if self.text(name) in OTHER_DRIVERS:
            raise DriverNotOursError(self.text(name))
        return self.one_of(name, MINIKUBE_DRIVERS)

    def number(self, name: str, least: int, most: int) -> int:
        """Return its value as a number. Raises SettingInvalidError when it is outside."""
        value, source = self._get(name)
        if not value.isdecimal() or not least <= int(value) <= most:
            raise SettingInvalidError(name, value, source, f"a number from {least} to {most}")
        return int(value)

    def day(self, name: str) -> str:
        """Return its value, a day that has begun in UTC, or nothing. Raises SettingInvalidError."""
        value, source = self._get(name)
        expected = "a day as YYYY-MM-DD"
        try:
            # Python reads other forms of ISO 8601, too.
            ahead = bool(value) and date.fromisoformat(value) > datetime.now(UTC).date()
            if value and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                raise ValueError(value)
        except ValueError as error:
            raise SettingInvalidError(name, value, source, expected) from error
        if ahead:
            raise SettingInvalidError(name, value, source, f"{expected} that is not in the future")
        return value

    def matching(self, name: str, pattern: str, expected: str) -> str:
        """Return its value if it matches, or is empty. Raises SettingInvalidError."""
        value, source = self._get(name)
        if value and not re.fullmatch(pattern, value):
            raise SettingInvalidError(name, Redactor()(value), source, expected)
        return value.rstrip("/")

    def certificates(self, name: str, root: Path) -> str:
        """Return the path of a file of certificates. Raises SettingInvalidError."""
        value, source = self._get(name)
        if not value:
            return ""
        import ssl

        path = (root / Path(value).expanduser()).resolve()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except OSError as error:  # what ssl raises is one too
            said = f"{path}: {error.strerror or error}"
            expected = "a file with certificates in PEM"
            raise SettingInvalidError(name, said, source, expected) from error
        return str(path)

    def history(self, folder: Path, root: Path) -> Path | None:
        """Return the file of the history of runs. Raises SettingInvalidError."""
        value, source = self._get("history")
        if value == NONE:
            return None
        file = root / Path(value).expanduser() if value else folder / "history.sqlite"
        if file.is_dir():
            raise SettingInvalidError("history", value, source, f"a file, or {NONE},")
        return file

    def given(self, name: str, expected: str) -> str:
        """Return its value, which may not be empty. Raises SettingInvalidError."""
        value, source = self._get(name)
        if not value:
            flag, variable = self._known[name].flag, self._known[name].variable
            source = f"the option {flag} and the variable {variable}"
            raise SettingInvalidError(name, value, source, expected)
        return value

    def refuse(self, name: str, expected: str) -> None:
        """Raise when an option is given on the command line that would mean nothing."""
        if value := self._options.get(name):
            source = f"the option {self._known[name].flag}"
            raise SettingInvalidError(name, value, source, expected)

    def name(self, name: str, most: int) -> str:
        """Return its value, a name of Kubernetes' kind or nothing. Raises SettingInvalidError."""
        value, source = self._get(name)
        if value and (len(value) > most or not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", value)):
            expected = f"a name of a-z, 0-9 and - with at most {most} characters"
            raise SettingInvalidError(name, value, source, expected)
        return value
