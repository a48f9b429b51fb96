"""Amounts of CPU and memory, asked for and free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from harness.kube.resources import Object, name_of, status_of

_SUFFIX = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}
_DONE = ("Succeeded", "Failed")
NAMES = ("cpu", "memory")


def parse(text: str | int | float) -> Decimal:
    """Return a Kubernetes quantity as a number (cores, bytes). Raises ValueError."""
    word = str(text).strip()
    number = word.rstrip("numkKMGTPEi")
    suffix = word[len(number) :]
    if suffix not in _SUFFIX or not number:
        try:
            return Decimal(word)  # 1e3 and the like
        except ArithmeticError as error:
            raise ValueError(f"not a quantity: {text!r}") from error
    try:
        return Decimal(number) * _SUFFIX[suffix]
    except ArithmeticError as error:
        raise ValueError(f"not a quantity: {text!r}") from error


def show(name: str, amount: Decimal) -> str:
    """Return an amount for people: cpu in millicores, memory in Mi, others as they are."""
    if name == "cpu":
        return f"{amount * 1000:.0f}m"
    if name in ("memory", "ephemeral-storage"):
        return f"{amount / 2**20:.0f}Mi"
    return f"{amount:f}"


def requests_of(pod: Object) -> dict[str, Decimal]:
    """Return what the scheduler reserves for a pod: its containers' sum, or the largest init."""
    spec = pod.get("spec") or {}
    total: dict[str, Decimal] = {}
    for container in spec.get("containers") or ():
        for name, amount in _requests(container).items():
            total[name] = total.get(name, Decimal(0)) + amount
    for container in spec.get("initContainers") or ():
        for name, amount in _requests(container).items():
            total[name] = max(total.get(name, Decimal(0)), amount)
    for name, amount in (spec.get("overhead") or {}).items():
        total[name] = total.get(name, Decimal(0)) + parse(amount)
    return total


def _requests(container: Mapping[str, Object]) -> dict[str, Decimal]:
    asked = (container.get("resources") or {}).get("requests") or {}
    return {name: parse(amount) for name, amount in asked.items()}


@dataclass(frozen=True)
class Capacity:
    """A node's room: what it can give and what its pods have reserved."""

    node: str
    allocatable: Mapping[str, Decimal]
    requested: Mapping[str, Decimal] = field(default_factory=dict)

    def free(self, name: str) -> Decimal:
        """Return what is left of a resource."""
        return self.allocatable.get(name, Decimal(0)) - self.requested.get(name, Decimal(0))

    def describe(self) -> str:
        """Return the free room in one line."""
        parts = [
            f"{name} {show(name, self.free(name))} of {show(name, self.allocatable[name])}"
            for name in NAMES
            if name in self.allocatable
        ]
        return f"{self.node}: free {', '.join(parts)}"


def capacity(nodes: Iterable[Object], pods: Iterable[Object]) -> list[Capacity]:
    """Return the room of each node, given all pods of the cluster."""
    requested: dict[str, dict[str, Decimal]] = {}
    for pod in pods:
        node = (pod.get("spec") or {}).get("nodeName")
        if not node or status_of(pod).get("phase") in _DONE:
            continue
        used = requested.setdefault(node, {})
        for name, amount in requests_of(pod).items():
            used[name] = used.get(name, Decimal(0)) + amount
    return [
        Capacity(
            name_of(node),
            {n: parse(a) for n, a in (status_of(node).get("allocatable") or {}).items()},
            requested.get(name_of(node), {}),
        )
        for node in nodes
    ]
