"""What the source of a program tells, whatever its language."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from harness.contract.finding import Place

SECRET_NAME = re.compile(
    r"(SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL)",
    re.IGNORECASE,
)
DATABASE_NAME = re.compile(r"(DATABASE|^DB|_DB|POSTGRES|^PG|SQL).*(UR[LI]|DSN|HOST)", re.IGNORECASE)
LOCALHOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?)(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|0\.0\.0\.0)"
    r"(?![\w.-])",
    re.IGNORECASE,
)
#: Names of settings that are no secrets though they sound so.
_HARMLESS = re.compile(
    r"(MAX|MIN|LIMIT|LENGTH|COUNT|TTL|EXPIR|SECONDS|MINUTES|ALGORITHM|NAME|TYPE)", re.IGNORECASE
)


def sounds_secret(name: str) -> bool:
    """Say whether a setting of this name holds a secret."""
    return bool(SECRET_NAME.search(name)) and not _HARMLESS.search(name)


@dataclass(frozen=True)
class Read:
    """A variable of the environment that the code reads.

    `default` is the text that stands in for it, None when there is none or when it is empty;
    `field` is the attribute that holds it, where it is a field of a class of settings.
    """

    name: str
    place: Place
    required: bool = False
    default: str | None = None
    field: str = ""


@dataclass(frozen=True)
class Route:
    """A path that the program answers; one with placeholders or a rest is not `fixed`."""

    path: str
    place: Place
    fixed: bool = True
    #: set when the answer is written down in the code, so that it cannot tell the truth
    claims: str = ""
    #: why its answer depends on a database, as the code says; "" when it does not
    database: str = ""
    #: whether it gives one answer only, whatever happens
    constant: bool = False


@dataclass(frozen=True)
class Text:
    """A text in the code that was worth a look, `kind` says why."""

    kind: str
    text: str = field(repr=False)
    place: Place
    name: str = ""


@dataclass
class Code:
    """All that was found in the sources of one program."""

    files: int = 0
    reads: list[Read] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    #: addresses that a server is bound to, as they stand in the code
    binds: list[Text] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def read(self, name: str) -> Read | None:
        """Return where a variable is read; a place that needs it comes first."""
        found = [read for read in self.reads if read.name == name]
        return next((read for read in found if read.required), found[0] if found else None)

    def add(self, other: Code) -> None:
        """Take in what another file tells."""
        self.files += other.files
        self.reads += other.reads
        self.routes += other.routes
        self.binds += other.binds
        self.texts += other.texts
