"""Templates that render, and render the same each time."""

from __future__ import annotations

import re

from harness.contract.finding import Notes
from harness.contract.subject import Subject
from harness.helm import ChartInvalidError, TemplateFailedError

_RANDOM = re.compile(
    r"\{\{[^}]*\b(randAlphaNum|randAlpha|randNumeric|randAscii|randBytes|randInt|uuidv4|now"
    r"|genPrivateKey|genSelfSignedCert|genSignedCert|genCA|htpasswd|bcrypt)\b"
)


def renders(subject: Subject, notes: Notes) -> None:
    """The chart renders as described, under other names, and in each variant."""
    for outcome in subject.outcomes:
        installation = outcome.installation
        notes.saw(installation.title)
        if outcome.error is None:
            continue
        place = subject.chart.place("values.yaml")
        if isinstance(outcome.error, TemplateFailedError):
            file, _, rest = outcome.error.template.partition(":")
            line = rest.partition(":")[0]
            inside = file.partition("/")[2] or file
            place = subject.chart.place(inside, int(line) if line.isdecimal() else None)
        elif isinstance(outcome.error, ChartInvalidError) and "values." not in outcome.error.seen:
            place = subject.chart.place("Chart.yaml")
        notes.found(
            place,
            needed=f"the chart to render {installation.title}",
            seen=outcome.error.seen,
            fix=outcome.error.fix,
        )


def stable(subject: Subject, notes: Notes) -> None:
    """No template makes a random value: each upgrade would change what runs."""
    for file, text in (subject.chart.templates | subject.chart.inner_templates).items():
        notes.saw(file)
        for match in _RANDOM.finditer(text):
            if "lookup" in text:
                continue  # kept from the cluster after the first time
            place = subject.chart.place(file, text.count("\n", 0, match.start(1)) + 1)
            notes.found(
                place,
                needed="the same manifests for the same values, so that an upgrade changes nothing",
                seen=f"`{match[1]}` gives another result each time",
                fix="take the value from values or from an existing Secret",
            )
