"""What has to run before a program runs before it in the cluster too."""

from __future__ import annotations

from harness.contract.environment import ends_with
from harness.contract.finding import Notes
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """Each described command, such as a migration, is in an init container, Job or hook.

    Without it a fresh database has no tables, though every probe may be green.
    """
    for rendering in subject.renderings:
        containers = subject.containers(rendering)
        for name, image in subject.project.images.items():
            for command in image.before:
                shown = " ".join(command)
                notes.saw(f"{shown} of {name}")
                own = [c for c in containers if c.image == name]
                if any(ends_with(c, command) and not c.main for c in own):
                    continue
                source = own[0].owner.source if own else ""
                notes.found(
                    subject.chart.where(source, command[-1], "initContainers", "containers:"),
                    needed=f"`{shown}` of the image {name} to run before the program",
                    seen="no init container, Job or hook runs it: a fresh database stays empty",
                    fix="run it in an init container of the program's pods",
                )
