"""The images that the chart runs are those that the project builds, and named for good."""

from __future__ import annotations

from harness.contract.finding import Notes
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """Every described image runs, with the given tag; none is `latest` or always pulled."""
    _written_down(subject, notes)
    _pulled(subject, notes)
    for rendering in subject.renderings:
        run = set()
        for container in subject.containers(rendering):
            reference = str(container.body.get("image") or "")
            source = container.owner.source
            name, _, tag = reference.rpartition("/")[2].partition(":")
            policy = container.body.get("imagePullPolicy")
            if (not tag and "@" not in reference) or tag == "latest":
                notes.found(
                    subject.chart.where(source, "latest", name, "image:"),
                    needed=f"an image of {container} that names a version",
                    seen=f"`{reference}`",
                    fix="give a tag other than `latest`, or a digest",
                )
            if container.image is None:
                continue
            notes.saw(str(container))
            wanted = str(subject.facts[f"images.{container.image}.ref"])
            run.add(container.image)
            if reference != wanted:
                notes.found(
                    subject.chart.where(source, "image:"),
                    needed=f"{container} to run the tag that its value gives",
                    seen=f"`{reference}` where {wanted} was given",
                    fix="take repository and tag from the values",
                )
            if policy == "Always" or (policy is None and tag in ("", "latest")):
                notes.found(
                    subject.chart.where(source, "Always", "imagePullPolicy", "image:"),
                    needed=f"the image of {container} to be taken from the node",
                    seen=f"imagePullPolicy is {policy or 'Always, by the tag'}:"
                    " an image that was built here is in no registry",
                    fix="set imagePullPolicy to IfNotPresent",
                )
        for name in subject.project.images.keys() - run:
            wanted = str(subject.facts[f"images.{name}.ref"])
            notes.found(
                subject.chart.where("", "image:"),
                needed=f"a container that runs the image {name}",
                seen=f"none runs {wanted}",
                fix="take repository and tag of the image from the values",
            )


def _written_down(subject: Subject, notes: Notes) -> None:
    """No default tag is `latest`: an upgrade would not roll, a rollback not return."""
    places = [
        (subject.chart.place(leaf.file, leaf.line), leaf.dotted)
        for leaf in [*subject.chart.leaves, *subject.chart.inner]
        if leaf.path[-1].lower().endswith(("tag", "image")) and _latest(leaf.value)
    ]
    places += [
        (subject.chart.place(file), "appVersion")
        for file, facts in subject.chart.parts.items()
        if facts.app_version == "latest"
    ]
    for place, name in places:
        notes.found(
            place,
            needed="default tags that name a version",
            seen=f"{name} is latest",
            fix="give the tag of a version",
        )


def _latest(value: object) -> bool:
    return isinstance(value, str) and (value == "latest" or value.endswith(":latest"))


def _pulled(subject: Subject, notes: Notes) -> None:
    """When an image is pulled is a value that reaches every container of it."""
    if subject.changed is None or not subject.pull_policies:
        return
    for container in subject.containers(subject.changed):
        if container.image and container.body.get("imagePullPolicy") != "Always":
            notes.found(
                subject.chart.where(container.owner.source, "imagePullPolicy", "image:"),
                needed=f"pullPolicy, a value of the chart, to reach {container}",
                seen=f"imagePullPolicy stays {container.body.get('imagePullPolicy')}",
                fix="take imagePullPolicy from the values everywhere",
            )
