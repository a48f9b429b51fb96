"""What a run is told of a cluster that exists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.clusters.existing.errors import ContextUnknownError, KubeconfigUnreadableError

#: The options that say something of a cluster that exists, and of no other.
OWN = (
    "kubeconfig",
    "context",
    "registry",
    "registry-push",
    "registry-config",
    "host-address",
    "url",
    "disruptive",
)
_REGISTRY = r"([a-z0-9-]+(\.[a-z0-9-]+)*)(:\d+)?(/[a-z0-9._-]+)*/?"
_HOST = r"[A-Za-z0-9.:-]+"
_ADDRESS = r"https?://[^\s/]+/?"


class Reader(Protocol):
    """Reads one option at a time, from the command line or the environment."""

    def text(self, name: str) -> str:
        """Return its value as it is."""

    def matching(self, name: str, pattern: str, expected: str) -> str:
        """Return its value if it matches. Raises SettingInvalidError."""

    def one_of(self, name: str, values: tuple[str, ...]) -> str:
        """Return its value if it is one of these. Raises SettingInvalidError."""

    def given(self, name: str, expected: str) -> str:
        """Return its value, which may not be empty. Raises SettingInvalidError."""


@dataclass(frozen=True)
class Existing:
    """How a cluster that exists is reached, and what may be done there.

    Attributes:
        kubeconfig: the file; no other is looked at.
        context: the context in it.
        registry: HOST[:PORT][/PATH] that the cluster's nodes pull from.
        registry_push: the same registry as this machine's engine reaches it.
        registry_config: a folder with the user's own docker configuration, for its logins.
        host_address: an address of this machine that the cluster's pods reach, if any.
        url: where the application is reached from outside, such as by an ingress; "" for
            a tunnel of our own.
        disruptive: whether something may be done on its nodes.

    """

    kubeconfig: Path
    context: str
    registry: str
    registry_push: str
    registry_config: Path | None
    host_address: str
    url: str
    disruptive: bool

    @classmethod
    def read(cls, read: Reader, root: Path) -> Existing:
        """Read these options; paths are relative to `root`.

        Raises:
            SettingInvalidError: one is missing or cannot be.
            KubeconfigUnreadableError, ContextUnknownError.

        """
        place = "HOST[:PORT][/PATH] of a registry"
        named = read.given("kubeconfig", "the kubeconfig of the cluster that exists")
        kubeconfig = (root / Path(named).expanduser()).resolve()
        context = read.text("context")
        known = contexts(kubeconfig)
        if context not in known:
            raise ContextUnknownError(kubeconfig, context, known)
        read.given("registry", f"{place} that the cluster pulls from")
        registry = read.matching("registry", _REGISTRY, place)
        config = read.text("registry-config")
        return cls(
            kubeconfig=kubeconfig,
            context=context,
            registry=registry,
            registry_push=read.matching("registry-push", _REGISTRY, place) or registry,
            registry_config=(root / Path(config).expanduser()).resolve() if config else None,
            host_address=read.matching("host-address", _HOST, "an address of this machine"),
            url=read.matching("url", _ADDRESS, "an address such as http://app.example.com"),
            disruptive=read.one_of("disruptive", ("yes", "no")) == "yes",
        )


def contexts(kubeconfig: Path) -> list[str]:
    """Return the names of a kubeconfig's contexts. Raises KubeconfigUnreadableError."""
    import yaml

    try:
        content = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        return [str(context["name"]) for context in content["contexts"] or ()]
    except OSError as error:
        raise KubeconfigUnreadableError(kubeconfig, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise KubeconfigUnreadableError(kubeconfig, "it is no text") from error
    except yaml.YAMLError as error:
        # Its words would quote the line, which may hold a key.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise KubeconfigUnreadableError(kubeconfig, f"it is no YAML{where}") from None
    except (TypeError, KeyError, AttributeError) as error:
        raise KubeconfigUnreadableError(kubeconfig, "it has no list of contexts") from error
