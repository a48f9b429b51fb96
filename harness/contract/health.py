"""Health routes that find out what they say."""

from __future__ import annotations

from harness.contract.finding import Notes
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """No health route says a fixed word about the database."""
    for name, program in subject.programs.items():
        roles = [s for s in subject.project.services.values() if s.image == name]
        paths = {program.image.health, *(role.health for role in roles)}
        for route in program.code.routes:
            if route.path not in paths:
                continue
            notes.saw(f"{route.path} of {name}")
            if route.claims:
                notes.found(
                    route.place,
                    needed=f"{route.path} of {name} to tell what it has found out",
                    seen=f"it always says `{route.claims}`, whatever the database does",
                    fix="ask the database, and say what came of it",
                )
