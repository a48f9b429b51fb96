"""Which language model understands the requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.plain_language.errors import ProviderKeyMissingError, ProviderUnknownError

PROVIDER, MODEL = "DEPLOY_LLM_PROVIDER", "DEPLOY_LLM_MODEL"
#: By kubectl-ai's name of a provider: the variable of its key, and a model that knows tools.
KNOWN = {
    "gemini": ("GEMINI_API_KEY", "gemini-2.5-pro"),
    "openai": ("OPENAI_API_KEY", "gpt-4.1"),
    "grok": ("GROK_API_KEY", "grok-4"),
}
_BESIDE = ("OPENAI_ENDPOINT", "OPENAI_API_BASE", "OPENAI_USE_RESPONSES_API", "GROK_ENDPOINT")


@dataclass(frozen=True)
class Provider:
    """A provider by kubectl-ai's name, its model, and what its client is given.

    Attributes:
        environ: variables with the key and the address; they hold a secret.

    """

    name: str
    model: str
    environ: Mapping[str, str] = field(repr=False)

    @property
    def secrets(self) -> list[str]:
        """The values that must not be seen."""
        return [value for name, value in self.environ.items() if name.endswith("_KEY")]


def given_provider(environ: Mapping[str, str]) -> Provider | None:
    """Return the provider that the user has a key for, or has named; None when there is none.

    Raises:
        ProviderUnknownError, ProviderKeyMissingError: the one that was named.

    """
    named = environ.get(PROVIDER, "")
    if named and named not in KNOWN:
        raise ProviderUnknownError(named, list(KNOWN))
    for name, (variable, model) in KNOWN.items():
        if named not in ("", name):
            continue
        if key := environ.get(variable):
            beside = {one: environ[one] for one in _BESIDE if environ.get(one)}
            return Provider(name, environ.get(MODEL) or model, {variable: key, **beside})
        if named:
            raise ProviderKeyMissingError(name, variable)
    return None
