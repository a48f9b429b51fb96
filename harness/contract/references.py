"""What objects call by name exists: keys, volumes, accounts, backends, targets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.contract.containers import Container, data_of
from harness.contract.finding import Notes
from harness.contract.rendering import PodTemplate, Rendered, Rendering
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """Every reference leads to an object, and key, of the same rendering."""
    for rendering in subject.renderings:
        look = _Look(subject, notes, rendering)
        for container in subject.containers(rendering):
            look.environment(container)
            look.mounts(container)
        for pod in rendering.pods:
            look.volumes(pod.owner, pod.spec)
            look.account(pod.owner, pod.spec)
            look.spread(pod)
        for item in rendering.objects:
            look.targets(item)


#: Keys of values that name an object which somebody else makes.
_NAMES = re.compile(r"(?<!user)name$|existing|secret|claim|account", re.IGNORECASE)


class _Look:
    def __init__(self, subject: Subject, notes: Notes, rendering: Rendering) -> None:
        self.subject, self.notes, self.rendering = subject, notes, rendering

    def environment(self, container: Container) -> None:
        for entry in container.body.get("env") or ():
            source = entry.get("valueFrom") or {}
            for kind, name in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                if reference := source.get(name):
                    what = f"{entry.get('name')} of {container}"
                    self._key(container.owner, kind, reference, str(reference.get("key")), what)
        for entry in container.body.get("envFrom") or ():
            for kind, name in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if reference := entry.get(name):
                    self._key(container.owner, kind, reference, None, f"variables of {container}")

    def mounts(self, container: Container) -> None:
        volumes = {volume.get("name") for volume in container.pod.spec.get("volumes") or ()}
        claims = container.owner.spec.get("volumeClaimTemplates") or ()
        volumes |= {(claim.get("metadata") or {}).get("name") for claim in claims}
        paths: set[str] = set()
        for mount in container.body.get("volumeMounts") or ():
            name, path = mount.get("name"), str(mount.get("mountPath"))
            self.notes.saw(f"volume {name} of {container}")
            if name not in volumes or path in paths:
                self.notes.found(
                    self.subject.chart.where(container.owner.source, str(name), path),
                    needed=f"the volume that {container} mounts at {path}",
                    seen=f"there is no volume `{name}`"
                    if name not in volumes
                    else "two volumes are mounted there",
                    fix="name the volume in both lists alike, and each path once",
                )
            paths.add(path)

    def volumes(self, owner: Rendered, spec: Mapping[str, Any]) -> None:
        for volume in spec.get("volumes") or ():
            what = f"the volume {volume.get('name')} of {owner}"
            for source in (volume, *((volume.get("projected") or {}).get("sources") or ())):
                for kind, key in (("ConfigMap", "configMap"), ("Secret", "secret")):
                    if reference := source.get(key):
                        named = {"name": reference.get("secretName") or reference.get("name")}
                        named |= {"optional": reference.get("optional")}
                        for entry in reference.get("items") or [{}]:
                            self._key(owner, kind, named, entry.get("key"), what)
            if claim := volume.get("persistentVolumeClaim"):
                self._object(owner, "PersistentVolumeClaim", str(claim.get("claimName")), what)

    def account(self, owner: Rendered, spec: Mapping[str, Any]) -> None:
        name = spec.get("serviceAccountName") or spec.get("serviceAccount")
        if name and name != "default":
            self._object(owner, "ServiceAccount", str(name), f"the account of {owner}")

    def spread(self, pod: PodTemplate) -> None:
        """Pods that are to keep apart are counted against pods of their own kind."""
        for entry in pod.spec.get("topologySpreadConstraints") or ():
            what = f"the spread of {pod.owner} over {entry.get('topologyKey')}"
            self.notes.saw(what)
            selector = (entry.get("labelSelector") or {}).get("matchLabels") or {}
            if not selector or not selector.items() <= pod.labels.items():
                seen = f"its selector {dict(selector)} does not match them"
                self._missing(pod.owner, f"the pods of {pod.owner}", what, seen, "labelSelector")

    def targets(self, item: Rendered) -> None:
        if item.kind == "HorizontalPodAutoscaler":
            target = item.spec.get("scaleTargetRef") or {}
            self._object(item, str(target.get("kind")), str(target.get("name")), f"{item}")
        elif item.kind == "StatefulSet" and (name := item.spec.get("serviceName")):
            self._object(item, "Service", str(name), f"the Service of {item}")
        elif item.kind == "PodDisruptionBudget":
            self.notes.saw(str(item))
            selector = (item.spec.get("selector") or {}).get("matchLabels") or {}
            if not self.rendering.selected(selector):
                self._missing(item, "a pod", str(item), "its selector matches none", "matchLabels")
        elif item.kind == "Ingress":
            for backend in _backends(item.spec):
                self._backend(item, backend)

    def _backend(self, item: Rendered, backend: Mapping[str, Any]) -> None:
        service = backend.get("service") or {}
        name, port = str(service.get("name")), service.get("port") or {}
        found = self._object(item, "Service", name, f"a backend of {item}")
        wanted = port.get("name") or port.get("number")
        ports = (found.spec.get("ports") or ()) if found else ()
        if found and not any(wanted in (p.get("name"), p.get("port")) for p in ports):
            self._missing(item, f"port {wanted} of {found}", str(item), "it has no such port", name)

    def _object(self, owner: Rendered, kind: str, name: str, what: str) -> Rendered | None:
        self.notes.saw(f"{what}: {kind} {name}")
        found = self.rendering.find(kind, name)
        if found is None and not self._given(name):
            there = ", ".join(item.name for item in self.rendering.of(kind)) or "none"
            self._missing(owner, f"{kind} {name}", what, f"of this kind there is: {there}", name)
        return found

    def _key(
        self,
        owner: Rendered,
        kind: str,
        reference: Mapping[str, Any],
        key: str | None,
        what: str,
    ) -> None:
        name = str(reference.get("name"))
        if reference.get("optional"):
            return
        found = self._object(owner, kind, name, what)
        if found is not None and key is not None and key not in data_of(found):
            keys = ", ".join(data_of(found)) or "none"
            self._missing(owner, f"key {key} in {found}", what, f"its keys: {keys}", key)

    def _given(self, name: str) -> bool:
        """Say whether somebody else makes it: a value names it word for word."""
        return name in _texts(self.rendering.installation.values) or any(
            leaf.value == name and _NAMES.search(leaf.path[-1])
            for leaf in self.subject.chart.leaves
        )

    def _missing(self, owner: Rendered, needed: str, what: str, seen: str, word: str) -> None:
        self.notes.found(
            self.subject.chart.where(owner.source, word),
            needed=f"{needed}, for {what}",
            seen=seen,
            fix="write both names alike, or build them by the same template",
        )


def _backends(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if default := spec.get("defaultBackend"):
        yield default
    for rule in spec.get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            yield path.get("backend") or {}


def _texts(values: Any) -> set[str]:
    if isinstance(values, Mapping):
        return set().union(*(_texts(below) for below in values.values()))
    return {values} if isinstance(values, str) and values else set()
