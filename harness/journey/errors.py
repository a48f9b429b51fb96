"""Why a step of a journey fails: the step, the request, and what was answered."""

from __future__ import annotations

from harness.errors import DeployError, Fault

_SHOWN = 500  # characters of an answer


class StepFailedError(DeployError):
    """A step of a journey did not come out as described."""

    fault = Fault.PROJECT

    def __init__(self, says: str, needed: str, seen: str, request: str, fix: str) -> None:
        super().__init__(needed=f"{says}: {needed}", seen=seen, looked=request, fix=fix)

    @classmethod
    def unanswered(cls, says: str, why: str, request: str) -> StepFailedError:
        """Return the error for no answer at all."""
        fix = "see whether the application is up, and its log; a slow answer counts as none"
        return cls(says, "an answer", why, request, fix)

    @classmethod
    def status(cls, says: str, wanted: str, seen: str, request: str) -> StepFailedError:
        """Return the error for an answer with another status."""
        fix = "see the log of the application; correct it, or the step's status in deploy.toml"
        return cls(says, f"an answer with status {wanted}", seen, request, fix)

    @classmethod
    def content(cls, says: str, wanted: str, seen: str, request: str) -> StepFailedError:
        """Return the error for an answer with another content."""
        return cls(says, wanted, seen, request, "correct the application, or the step's paths")

    @classmethod
    def too_early(cls, says: str, name: str, request: str) -> StepFailedError:
        """Return the error for a step that uses what none before it has kept."""
        fix = "take the step that keeps it before this one"
        return cls(says, f"a value for ${{{name}}}", "none is kept", request, fix)


class NotProvableError(DeployError):
    """Nothing can be proven, which says nothing against the application."""

    def __init__(self, needed: str, why: str, looked: str, fix: str) -> None:
        super().__init__(needed=needed, seen=f"not provable: {why}", looked=looked, fix=fix)


def cut(text: str) -> str:
    """Return the beginning of an answer."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
