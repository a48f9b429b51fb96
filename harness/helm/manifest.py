"""The objects of a rendered chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

_HOOK = "helm.sh/hook"


@dataclass(frozen=True)
class ReleaseObject:
    """One object of a manifest. `hook`: Helm makes it beside the release (`test`, …)."""

    api_version: str
    kind: str
    name: str
    namespace: str | None
    hook: str | None = None
    body: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where}"


def release_objects(manifest: str) -> list[ReleaseObject]:
    """Return all objects of a manifest in its order; the members of a List one by one.

    `namespace` is what the manifest says: None means that of the release, or an object
    without one. Raises yaml.YAMLError when it is no YAML.
    """
    return [
        ReleaseObject(
            api_version=body.get("apiVersion", ""),
            kind=body.get("kind", ""),
            name=body.get("metadata", {}).get("name", ""),
            namespace=body.get("metadata", {}).get("namespace"),
            hook=(body.get("metadata", {}).get("annotations") or {}).get(_HOOK),
            body=body,
        )
        for document in yaml.load_all(manifest, Loader=_LOADER)
        for body in _members(document)
    ]


# The C parser is ten times as fast; it is there in all usual builds of PyYAML.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _members(document: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        return
    if str(document.get("kind", "")).endswith("List") and "items" in document:
        for item in document["items"] or ():
            yield from _members(item)
    else:
        yield document


def differences(one: Iterable[ReleaseObject], other: Iterable[ReleaseObject]) -> list[str]:
    """Return a line for each object that two manifests do not have alike."""
    before, after = ({str(item): item.body for item in items} for items in (one, other))
    return [
        f"{name} {'is not the same' if name in before and name in after else 'is in one only'}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
