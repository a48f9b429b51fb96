"""The defects, one module a topic."""

from __future__ import annotations

from mutants.definitions import (
    backend,
    chart,
    database,
    frontend,
    images,
    lifecycle,
    probes,
    secrets,
    services,
)
from mutants.mutant import Mutant, checked

_TOPICS = (images, backend, frontend, chart, probes, services, secrets, database, lifecycle)


def all_mutants() -> tuple[Mutant, ...]:
    """Return every mutant. Raises DefinitionsInvalidError."""
    return checked(mutant for topic in _TOPICS for mutant in topic.MUTANTS)
