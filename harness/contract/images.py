"""The images that the chart runs are those that the project builds, and named for good."""

from __future__ import annotations

from harness.contract.finding import Notes
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """Every described image runs, with the given tag; none is `latest` or always pulled."""
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
