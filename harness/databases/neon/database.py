"""A database at Neon: a branch of its own for one run, gone when the run ends."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.databases.database import Database
from harness.databases.given import GivenDatabase
from harness.databases.neon import errors
from harness.databases.neon.answers import Branch
from harness.databases.neon.api import URL, NeonApi

if TYPE_CHECKING:
    from harness.progress import Progress

#: What the names of all our branches begin with, by which those of killed runs are found.
PREFIX = "deploy-harness-"
_STALE = timedelta(hours=6)  # no run takes as long
_PATIENCE = 30.0  # seconds that the branch's compute gets to wake up


@dataclass
class NeonDatabase:
    """A branch of a project's default branch, made for one run and deleted at its end.

    Args:
        api: the client.
        progress: told what is going on.
        run: whom it is for; part of its name.
        name: the database in it, unless it has only one.
        project: the project's id; without one there has to be only one.
        timeout: seconds that Neon may take to make the branch, or to delete it.
        learn: told the URL, which is secret, before anyone can show it.

    """

    api: NeonApi
    progress: Progress
    run: str
    name: str = "app"
    project: str = ""
    timeout: float = 120.0
    learn: Callable[[str], None] = field(default=lambda _: None, repr=False)
    _branch: Branch | None = field(default=None, init=False)

    @classmethod
    def of_environment(
        cls,
        environ: Mapping[str, str],
        progress: Progress,
        run: str,
        *,
        name: str,
        learn: Callable[[str], None],
    ) -> NeonDatabase:
        """Return the one of a run whose environment holds the key; see the class."""
        api = NeonApi(
            environ[errors.KEY],
            environ.get(errors.HOST) or URL,
            organization=environ.get(errors.ORGANIZATION, ""),
        )
        project = environ.get(errors.PROJECT, "")
        return cls(api, progress, run, name=name, project=project, learn=learn)

    def ensure(self) -> Database:
        """Make the branch, and return its database once it lets us in.

        Branches that killed runs have left are deleted first. A branch that cannot be
        used is deleted again.

        Raises:
            errors.NeonError: one subclass a cause.
            harness.databases.errors.DatabaseError: the branch is there, its database
                does not let us in.

        """
        self.project = self._find_project()
        self._sweep()
        name = f"{PREFIX}{self.run}-{secrets.token_hex(4)}"
        with self.progress.step(f"making branch {name} at Neon") as step:
            self._branch, operations = self.api.create_branch(self.project, name)
            try:
                self.api.wait(self.project, operations, self.timeout)
                url = self._url(self._branch)
                self.learn(url)
                made = GivenDatabase(url, f"Neon's branch {name}", patience=_PATIENCE).ensure()
            except BaseException as error:
                self._give_up(error)
                raise
            step.result = f"{made.host}, database {made.name}"
        return made

    def delete(self) -> None:
        """Delete the branch with all that is in it. Nothing happens when there is none.

        Raises:
            errors.NeonError: it may still be there; a later run deletes it.

        """
        branch, self._branch = self._branch, None
        if branch is not None:
            with self.progress.step(f"deleting branch {branch.name} at Neon"):
                operations = self.api.delete_branch(self.project, branch.id)
                self.api.wait(self.project, operations, self.timeout)

    def _find_project(self) -> str:
        if self.project:
            return self.project
        call, found = f"GET {self.api.url}/projects", self.api.projects()
        if not found:
            raise errors.NeonProjectMissingError("", call, "the key reaches none")
        if len(found) > 1:
            named = (f"{project} ({name})" for project, name in sorted(found.items()))
            raise errors.NeonProjectAmbiguousError(named, call)
        return next(iter(found))

    def _sweep(self) -> None:
        """Begin to delete what killed runs have left; what cannot be deleted is told."""
        now = datetime.now(UTC)
        try:
            found = self.api.branches(self.project, PREFIX)
        except errors.NeonNotFoundError as error:
            raise errors.NeonProjectMissingError(self.project, error.looked, error.seen) from None
        for branch in found:
            ours = branch.name.startswith(PREFIX) and not branch.kept
            if not ours or now - branch.created < _STALE:
                continue
            age = (now - branch.created).total_seconds() / 3600
            try:
                self.api.delete_branch(self.project, branch.id)
            except errors.NeonError as error:
                self.progress.choice("left at Neon", branch.name, error.headline)
            else:
                self.progress.choice(
                    "deleted at Neon", branch.name, f"a run left it {age:.0f} hours ago"
                )

    def _url(self, branch: Branch) -> str:
        owners = self.api.databases(self.project, branch.id)
        if len(owners) != 1 and self.name not in owners:
            call = f"the databases of branch {branch.name}"
            raise errors.NeonDatabaseAmbiguousError(self.name, sorted(owners), call)
        database = self.name if self.name in owners else next(iter(owners))
        return self.api.connection_uri(self.project, branch.id, database, owners[database])

    def _give_up(self, error: BaseException) -> None:
        try:
            self.delete()
        except errors.NeonError as further:
            error.add_note(f"and its branch could not be deleted: {further.headline}")
