"""What a language model would decide, written down for each kind of request.

It stands in for a model where nobody has a key for one. It only chooses the next command, from
the request and from what the commands before it have shown; kubectl-ai runs them, and what
they have shown is all that an answer can hold. A request that is not understood is answered so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """What one command has shown; `error` is what it wrote to standard error."""

    command: str
    output: str
    error: str = ""


@dataclass(frozen=True)
class Command:
    """Run this next."""

    line: str
    changes: bool = False


@dataclass(frozen=True)
class Answer:
    """Nothing more is to be run."""

    text: str


Decision = Command | Answer
_Plan = Callable[[re.Match[str], Sequence[Shown]], Decision]


def decide(request: str, shown: Sequence[Shown]) -> Decision:
    """Return what is to be done next for a request, after so many commands."""
    for wanted, plan in _PLANS:
        if found := wanted.search(request):
            return plan(found, shown)
    return Answer("I do not understand this request, so I have done nothing.")


def _workload(role: str, shown: Shown) -> str:
    """Return the workload whose name holds the word that the request used."""
    names = shown.output.split()
    return next((name for name in names if role.lower() in name.rpartition("/")[2]), "")


def _change_workload(role: str, verb: str, shown: Sequence[Shown]) -> Decision:
    if not shown:
        return Command("kubectl get deployments -o name")
    name = _workload(role, shown[0])
    if not name:
        return Answer(f"There is no {role} among: {shown[0].output}{shown[0].error}")
    if len(shown) == 1:
        return Command(f"kubectl {verb.format(name=name)}", changes=True)
    return Answer(_told(shown[1:]))


def _scale(found: re.Match[str], shown: Sequence[Shown]) -> Decision:
    verb = f"scale {{name}} --replicas={found['count']}"
    return _change_workload(found["role"], verb, shown)


def _roll_back(found: re.Match[str], shown: Sequence[Shown]) -> Decision:
    return _change_workload(found["role"], "rollout undo {name}", shown)


def _not_running(_: re.Match[str], shown: Sequence[Shown]) -> Decision:
    if not shown:
        return Command("kubectl get pods")
    rows = shown[0].output.splitlines()[1:]
    idle = [row for row in rows if not re.search(r"\s(\d+)/\1\s+Running\s", row)]
    return Answer("\n".join(idle) or f"All are running.\n{shown[0].error}")


def _why(_: re.Match[str], shown: Sequence[Shown]) -> Decision:
    if not shown:
        return Command("kubectl get pods")
    failed = list(_failed(shown[0].output))
    if not failed:
        return Answer(f"No pod fails.\n{_told(shown)}")
    if len(shown) == 1:
        return Command(f"kubectl describe pod {failed[0]}")
    lines = [line.strip() for line in shown[1].output.splitlines()]
    causes = [line for line in lines if re.match(r"(Reason|Message|Exit Code):|Warning ", line)]
    return Answer(f"{failed[0]} fails:\n" + "\n".join(causes) + shown[1].error)


def _failed(table: str) -> Iterator[str]:
    for row in table.splitlines()[1:]:
        words = row.split()
        if len(words) > 2 and words[2] not in ("Running", "Completed", "Pending"):
            yield words[0]


def _logs(found: re.Match[str], shown: Sequence[Shown]) -> Decision:
    if not shown:
        return Command(f"kubectl logs {found['pod']} --tail=20")
    return Answer(_told(shown))


def _delete_namespace(found: re.Match[str], shown: Sequence[Shown]) -> Decision:
    if not shown:
        return Command(f"kubectl delete namespace {found['name']} --wait=false", changes=True)
    return Answer(_told(shown))


def _told(shown: Sequence[Shown]) -> str:
    return "\n".join(part for one in shown for part in (one.output, one.error) if part.strip())


_PLANS: tuple[tuple[re.Pattern[str], _Plan], ...] = (
    (re.compile(r"(?i)delete .*namespace (?P<name>[\w-]+)"), _delete_namespace),
    (re.compile(r"(?i)scale the (?P<role>\w+) to (?P<count>\d+)"), _scale),
    (re.compile(r"(?i)roll the (?P<role>\w+) back"), _roll_back),
    (re.compile(r"(?i)not running"), _not_running),
    (re.compile(r"(?i)why .*\bfail"), _why),
    (re.compile(r"(?i)\bpod (?P<pod>[\w.-]+)\b.*\b(?:wrote|written|log)"), _logs),
)
