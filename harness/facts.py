"""What `${…}` stands for in a run, and the values of the chart that this makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.helm import values_from_paths
from harness.project import REFERENCE, fill

if TYPE_CHECKING:
    from harness.images.project import ProjectImages
    from harness.outside import Outside
    from harness.project import Project


@dataclass(frozen=True)
class Facts:
    """Facts of images, secrets and what is beside the cluster. Most of them are secret.

    All methods wait for what they tell of, and raise the DeployError of what failed.

    Attributes:
        secrets: the value of each secret that the project names.
        node_port: for the public Service; 0 where the cluster chooses one.

    """

    project: Project
    sources: ProjectImages
    outside: Outside
    secrets: Mapping[str, str] = field(repr=False)
    node_port: int

    def values(
        self,
        others: Mapping[str, str | int | None] | None = None,
        more: Mapping[str, str | int | bool] | None = None,
    ) -> dict[str, Any]:
        """Return the chart's values.

        Args:
            others: facts that differ from the run's own.
            more: values by dotted path, laid over those that the project describes.

        """
        facts = self._own() | self.outside.facts()
        if self.outside.inside:
            facts |= self.outside.facts_inside()
        facts |= {"cluster.node_port": self.node_port or None, **(others or {})}
        described = {**self.project.values, **(more or {})}
        values = {path: fill(value, facts) for path, value in described.items()}
        return values_from_paths(values | (self.database_inside() if self.outside.inside else {}))

    def database_inside(self) -> dict[str, Any]:
        """Return the values by dotted path that have the database in the cluster.

        Laid over the others. There are none when the project describes no such variant.
        """
        inside = self.project.database.inside if self.project.database else ""
        described, facts = self.project.variants.get(inside, {}), self.outside.facts_inside()
        return {path: fill(value, facts) for path, value in described.items()}

    def env_alone(self, name: str) -> dict[str, str]:
        """Return the environment of an image's container that runs by itself."""
        described = self.project.images[name].env
        # Of the other images only those that it is told of: one that fails is not in its way.
        told = {ref for text in described.values() for ref in REFERENCE.findall(text)}
        others = [
            other
            for other in self.project.images
            if any(ref.startswith(f"images.{other}.") for ref in told)
        ]
        facts = {**self._own(others), **self.outside.facts(alone=True)}
        return {key: str(fill(value, facts)) for key, value in described.items()}

    def all_secrets(self) -> dict[str, str]:
        """Return every value by name that must not be seen outside a Secret."""
        outside = self.outside.facts()
        if self.outside.inside:
            outside["database.password"] = self.outside.facts_inside()["database.password"]
        return {
            **self.secrets,
            **{
                name: str(value)
                for name, value in outside.items()
                if (value and not name.endswith(".url")) or name == "database.url"
            },
        }

    def _own(self, images: Iterable[str] | None = None) -> dict[str, str | int | None]:
        secrets = {f"secrets.{k}": v for k, v in self.secrets.items()}
        return {**secrets, **self.sources.facts(images)}
