"""How a check, a scenario or a requirement stands."""

from __future__ import annotations

MET, NOT_MET, NOT_APPLICABLE, NOT_PROVABLE, NOT_JUDGED = STATUSES = (
    *("met", "not met", "not applicable", "not provable", "not judged"),
)
#: What the reason of a skip begins with where there is nothing of the kind to judge.
NOTHING_OF_THE_KIND = f"{NOT_APPLICABLE}: "
