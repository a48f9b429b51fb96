"""A company's mirror of official images, named by a registry and a path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.command import CommandFailedError, CommandTimedOutError
from harness.errors import DeployError
from harness.supply.registry import registry_of, registry_problem

if TYPE_CHECKING:
    from harness.progress import Progress
    from harness.supply.engine import Engine

VARIABLE = "DEPLOY_MIRROR"
_PULL = 900.0  # seconds
# What registries say of an image that they lack; the others are of the registry or of us.
_LACKS = ("no such image", "manifest unknown", "name unknown", "not found", "does not exist")
_CAUSES = (
    (
        ("denied", "unauthorized", "authentication required", "no basic auth"),
        "`docker login {registry}` with an account that may read there",
    ),
    (
        ("x509", "certificate"),
        "let the container engine trust the registry: put its authority's certificate at"
        " /etc/docker/certs.d/{registry}/ca.crt on the engine's machine",
    ),
    (
        ("http response to https",),
        "let the mirror speak TLS, or name {registry} under insecure-registries in the"
        " engine's daemon.json",
    ),
)
_OTHERWISE = "check that the container engine reaches {registry}, or correct --deploy-mirror"


class MirrorFailedError(DeployError):
    """The mirror that a person named does not answer, or does not let us read."""

    def __init__(self, image: str, ref: str, said: str) -> None:
        registry = registry_of(ref)
        fix = next(
            (fix for words, fix in _CAUSES if any(word in said.lower() for word in words)),
            _OTHERWISE,
        )
        super().__init__(
            needed=f"{image} from the mirror, which --deploy-mirror or {VARIABLE} names",
            seen=said,
            looked=ref,
            fix=fix.format(registry=registry),
        )


def mirrored(image: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names under which the mirror may have an official image, the likelier first.

    A mirror stands for the engine's default registry: an image of another one has none.
    Official images without a path are there below `library`, as in that registry, or
    right below the mirror's own path.
    """
    prefix = environ.get(VARIABLE)
    if not prefix or registry_of(image) or image == "scratch":
        return ()
    below = () if "/" in image.partition("@")[0] else (f"{prefix}/library/{image}",)
    return (*below, f"{prefix}/{image}")


def present(engine: Engine, image: str, environ: Mapping[str, str]) -> str:
    """Return the mirror's name of an image that the engine has, empty when it has none."""
    return next((ref for ref in mirrored(image, environ) if engine.has_image(ref)), "")


def pull(engine: Engine, image: str, environ: Mapping[str, str], progress: Progress) -> str:
    """Pull an official image from the mirror; return its name there, empty if it lacks it.

    Raises:
        MirrorFailedError: the mirror does not answer, refuses, or the pull broke off.

    """
    problems: dict[str, str] = {}
    for ref in mirrored(image, environ):
        problems[ref] = registry_problem(engine, ref)
        if problems[ref]:
            continue
        try:
            with progress.step(f"pull {ref.partition('@')[0]}") as step:
                engine.run("pull", ref, timeout=_PULL, on_line=step.note)
        except (CommandFailedError, CommandTimedOutError) as error:
            raise MirrorFailedError(image, ref, error.seen) from error
        return ref
    for ref, said in problems.items():
        if not any(words in said.lower() for words in _LACKS):
            raise MirrorFailedError(image, ref, said)
    return ""
