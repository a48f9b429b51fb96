"""Why a branch at Neon cannot be had; one class a cause. No message shows the key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from harness.databases.errors import DatabaseError

KEY = "NEON_API_KEY"
PROJECT = "NEON_PROJECT_ID"
ORGANIZATION = "NEON_ORG_ID"
#: For another address of the API than Neon's own.
HOST = "NEON_API_HOST"


class NeonError(DatabaseError):
    """Neon does not give what was asked for."""


class NeonAnswerError(NeonError):
    """A call was not answered as it had to be; each kind says what was needed, and what helps."""

    NEEDED: ClassVar[str]
    FIX: ClassVar[str]

    def __init__(self, call: str, said: str) -> None:
        super().__init__(needed=self.NEEDED, seen=said, looked=call, fix=self.FIX)


class NeonKeyRefusedError(NeonAnswerError):
    """The key is not known, or may not do this."""

    NEEDED = f"Neon to accept the key in the variable {KEY}"
    FIX = "make a key in Neon's console that may make branches in the project, and give it"


class NeonProjectMissingError(NeonError):
    """The key reaches no project, or not the one that is named."""

    def __init__(self, named: str, call: str, said: str) -> None:
        super().__init__(
            needed=f"the project {named} at Neon" if named else "a project at Neon",
            seen=said,
            looked=call,
            fix=f"correct {PROJECT}; a personal key sees an organization's projects only with "
            f"{ORGANIZATION}",
        )


class NeonProjectAmbiguousError(NeonError):
    """The key reaches several projects, and none is named."""

    def __init__(self, projects: Iterable[str], call: str) -> None:
        super().__init__(
            needed="one project at Neon to make a branch in",
            seen="several: " + ", ".join(projects),
            looked=f"{call}, since {PROJECT} is not set",
            fix=f"name one of them by its id in the variable {PROJECT}",
        )


class NeonDatabaseAmbiguousError(NeonError):
    """A branch has no database, or several of which none has the project's name."""

    def __init__(self, wanted: str, found: Iterable[str], call: str) -> None:
        names = ", ".join(found)
        super().__init__(
            needed=f"a database {wanted} in the branch, or only one",
            seen=names or "it has none",
            looked=call,
            fix=f"have a database {wanted} in the parent branch",
        )


class NeonQuotaError(NeonAnswerError):
    """The plan allows no more of what was asked for."""

    NEEDED = "room in the plan of the account at Neon"
    FIX = "delete branches that nobody needs, wait until the month is over, or take a larger plan"


class NeonOperationFailedError(NeonError):
    """Neon gave up what it had begun."""

    def __init__(self, action: str, status: str, said: str, call: str) -> None:
        super().__init__(
            needed=f"Neon to finish `{action}`",
            seen=f"{status}: {said or 'no word about why'}",
            looked=call,
            fix="try again; if it stays so, see the project's operations in Neon's console",
        )


class NeonTooSlowError(NeonError):
    """Neon did not come to an end in time."""

    def __init__(self, doing: str, seconds: float, last: str, call: str) -> None:
        super().__init__(
            needed=f"{doing} within {seconds:.0f} s",
            seen=f"last: {last}",
            looked=call,
            fix="try again later; see the project's operations and https://neonstatus.com",
        )


class NeonUnreachableError(NeonAnswerError):
    """Nothing came back from the API."""

    NEEDED = "an answer of Neon's API"
    FIX = (
        "check this machine's way to the internet (HTTPS_PROXY, DNS, firewall), or give "
        "a database otherwise"
    )


class NeonRefusedError(NeonAnswerError):
    """The API refuses, or answers what its description does not have."""

    NEEDED = "Neon to do what was asked for, as its API is described"
    FIX = "see its words above, and https://api-docs.neon.tech"


class NeonNotFoundError(NeonRefusedError):
    """There is no such thing, or the key does not show it."""
