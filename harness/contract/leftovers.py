"""Nothing of a release stays when it is uninstalled."""

from __future__ import annotations

from harness.contract.finding import Notes
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """No object is kept, none is made that Helm does not remove."""
    for rendering in subject.renderings:
        for item in rendering.objects:
            notes.saw(str(item))
            words: tuple[str, ...] = ()
            seen = fix = ""
            if item.annotations.get("helm.sh/resource-policy") == "keep":
                words = ("helm.sh/resource-policy",)
                seen, fix = "its resource policy is `keep`", "leave helm.sh/resource-policy out"
            elif item.kind == "Namespace":
                words = ("Namespace",)
                seen = "the chart makes a Namespace, which outlives or takes away what is in it"
                fix = "leave it out; `helm install --create-namespace` makes it"
            elif item.hook is not None and "hook-succeeded" not in item.annotations.get(
                "helm.sh/hook-delete-policy", ""
            ):
                words = ("helm.sh/hook-delete-policy", "helm.sh/hook")
                seen = f"it is a hook ({item.hook}), which Helm does not remove with the release"
                fix = "set helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded"
            elif item.kind == "StatefulSet" and item.spec.get("volumeClaimTemplates"):
                retention = item.spec.get("persistentVolumeClaimRetentionPolicy") or {}
                if retention.get("whenDeleted") != "Delete":
                    words = ("volumeClaimTemplates",)
                    seen = "its volumeClaimTemplates make claims that stay, with their data"
                    fix = "set persistentVolumeClaimRetentionPolicy.whenDeleted: Delete"
            elif item.kind == "CustomResourceDefinition":
                words, seen = (
                    ("CustomResourceDefinition",),
                    "it takes all objects of its kind with it",
                )
                fix = "leave it out of the chart"
            if seen:
                notes.found(
                    subject.chart.where(item.source, *words),
                    needed=f"nothing of {item} to stay after `helm uninstall`",
                    seen=seen,
                    fix=fix,
                )
    crds = subject.chart.folder / "crds"
    for file in sorted(crds.glob("*.y*ml")) if crds.is_dir() else ():
        notes.found(
            subject.chart.place(f"crds/{file.name}"),
            needed="nothing to stay after `helm uninstall`",
            seen="Helm never removes what is in crds/",
            fix="install such definitions by other means",
        )
