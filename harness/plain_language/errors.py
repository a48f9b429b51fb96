"""What can be missing or wrong before a request is understood."""

from __future__ import annotations

from harness.errors import DeployError, Fault

VARIABLE = "DEPLOY_KUBECTL_AI"
SOURCE = "https://github.com/GoogleCloudPlatform/kubectl-ai"


class KubectlAiMissingError(DeployError):
    """kubectl-ai is not on this machine."""

    def __init__(self, named: str = "") -> None:
        super().__init__(
            needed="kubectl-ai, to manage the cluster in plain language",
            seen=f"no program {named}" if named else "none",
            looked=f"{VARIABLE} and kubectl-ai on the PATH",
            fix=f"install it from {SOURCE} (or by `kubectl krew install ai`), or name"
            f" it by {VARIABLE}",
        )


class ProviderUnknownError(DeployError):
    """The provider of a language model that was named is none that we know the key of."""

    fault = Fault.INPUT

    def __init__(self, named: str, known: list[str]) -> None:
        super().__init__(
            needed="a provider of a language model",
            seen=named,
            looked="DEPLOY_LLM_PROVIDER",
            fix=f"use one of {', '.join(known)}, or leave it out",
        )


class ProviderKeyMissingError(DeployError):
    """The provider that was named needs a key, and none is given."""

    fault = Fault.INPUT

    def __init__(self, provider: str, variable: str) -> None:
        super().__init__(
            needed=f"a key for the language models of {provider}",
            seen=f"{variable} is not set",
            looked="the environment",
            fix=f"set {variable}, or leave DEPLOY_LLM_PROVIDER out",
        )


class TraceUnreadableError(DeployError):
    """What kubectl-ai did cannot be told, because its trace is not what it should be."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            needed="the trace of what kubectl-ai asked the cluster",
            seen=why,
            looked=path,
            fix="use a release of kubectl-ai that writes --trace-path as YAML documents",
        )
