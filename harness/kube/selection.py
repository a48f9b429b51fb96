"""Which objects of a namespace are meant: those with certain labels, or those of a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.kube.resources import Object, labels_of, selects
from harness.labels import MANAGED

#: The label that says of which release an object is, in charts that set it.
INSTANCE = "app.kubernetes.io/instance"


@dataclass(frozen=True)
class OfRelease:
    """What belongs to a release in a namespace that nobody else installs into.

    Many charts do not label what they make. What is neither ours nor says that it is of
    another release is of this one.
    """

    release: str

    def __str__(self) -> str:
        """Return it in words."""
        return f"what belongs to release {self.release}"


Selection = Mapping[str, str] | OfRelease


def is_meant(obj: Object, selection: Selection) -> bool:
    """Return whether an object is one of those; no labels at all mean none."""
    labels = labels_of(obj)
    if isinstance(selection, OfRelease):
        ours = labels.get(MANAGED) == "true"
        return not ours and labels.get(INSTANCE, selection.release) == selection.release
    return selects(dict(selection), labels)


def query(selection: Selection) -> str:
    """Return the label selector to ask the API by; some that it finds may not be meant."""
    if isinstance(selection, OfRelease):
        return f"!{MANAGED}"
    return ",".join(f"{key}={value}" for key, value in selection.items())


def words(selection: Selection) -> str:
    """Return it in words."""
    if isinstance(selection, OfRelease):
        return str(selection)
    return ", ".join(f"{key}={value}" for key, value in selection.items())
