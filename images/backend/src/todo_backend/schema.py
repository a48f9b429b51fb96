"""Which schema revision this release needs; kept apart so that serving imports no alembic."""

from __future__ import annotations

VERSION_TABLE = "backend_alembic_version"
"""Own name: the frontend's tables live in the same database."""

HEAD = "0001"
"""The newest revision in `migrations/versions` (a test compares the two)."""

CURRENT_REVISION = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - a constant


def problem(revision: str | None) -> str | None:
    """Say why a schema at `revision` does not serve this release, or return None.

    A newer schema serves: migrations only add, so that a release can be rolled back.
    """
    if revision is None:
        return f"the schema is not migrated: run `migrate` (this release needs {HEAD})"
    if revision == HEAD or is_newer(revision):
        return None
    return f"the schema is at revision {revision}, this release needs {HEAD}: run `migrate`"


def is_newer(revision: str) -> bool:
    """Tell whether a later release made this revision; revisions are numbered in sequence."""
    return revision.isdecimal() and len(revision) == len(HEAD) and revision > HEAD
