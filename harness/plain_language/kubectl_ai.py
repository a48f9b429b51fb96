"""Google's kubectl-ai, asked one thing at a time."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.command import run
from harness.plain_language.access import Access
from harness.plain_language.errors import VARIABLE, KubectlAiMissingError
from harness.plain_language.provider import Provider
from harness.plain_language.trace import Ran, read_trace
from harness.redact import Redactor

_ITERATIONS = 10  # decisions of the model for one request
_TIMEOUT = 240.0
_LOST = 2  # answers in a row, after which there is none
#: Such a command changes nothing, however often it is run.
_LOOKS = re.compile(r"\s*kubectl\s+(?:-\S+\s+)*(?:get|describe|logs|top|explain|events)\b[^|;&<>]*")
#: What it is given of our environment: nothing that could hold a secret or choose a cluster.
_PASSED = re.compile(r"(?i)PATH|LANG|LC_\w+|TERM|TZ|(http|https|no|all)_proxy|SSL_CERT_(FILE|DIR)")
#: It also says which command it runs; that is no answer.
_COMMAND = re.compile(r"\s*Running: ")
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def find_kubectl_ai(environ: Mapping[str, str]) -> Path:
    """Return the program: named by DEPLOY_KUBECTL_AI, else on the PATH.

    Raises:
        KubectlAiMissingError: with how to get it.

    """
    named = environ.get(VARIABLE, "")
    found = shutil.which(named or "kubectl-ai", path=environ.get("PATH"))
    if found is None:
        raise KubectlAiMissingError(named)
    return Path(found).absolute()


@dataclass(frozen=True)
class Reply:
    """What came of a request: the words of the answer, and the commands that were run."""

    words: str
    ran: tuple[Ran, ...]

    def says(self, fact: str) -> bool:
        """Say whether the answer holds a fact, however its lines are broken."""
        return "".join(fact.split()) in "".join(self.words.split())

    def was_told(self, fact: str) -> bool:
        """Say whether the cluster has shown a fact in answer to a command that worked."""
        return any(fact in one.output for one in self.ran if one.code == 0)

    def describe(self) -> str:
        """Return all of it for a report."""
        commands = "\n".join(f"  {one.describe()}" for one in self.ran) or "  none"
        return f"commands:\n{commands}\nanswer:\n{self.words}"


@dataclass(frozen=True)
class KubectlAi:
    """The program, bound to a model and to an account of the cluster.

    It is run in a home of its own and with an environment of its own: what a model decides to
    run on this machine finds no other kubeconfig, and no secret but the key of that model.

    Args:
        program: kubectl-ai.
        kubectl: what it runs.
        provider: the model that understands.
        access: what it may touch.
        environ: the environment of the run.
        redact: applied to all that it says.

    """

    program: Path
    kubectl: Path
    provider: Provider
    access: Access
    environ: Mapping[str, str] = field(repr=False)
    redact: Redactor = field(repr=False)

    def ask(self, request: str) -> Reply:
        """Have one request understood and done.

        A run without a person at it ends when the model has ended, at times before its last
        words are shown. Where nothing but looking was done, they are asked for again.

        Raises:
            CommandFailedError, CommandTimedOutError: in its own words.
            TraceUnreadableError: it does not tell what it did.

        """
        reply = self._ask(request)
        for _ in range(_LOST):
            if reply.words.strip() or not all(_LOOKS.fullmatch(one.command) for one in reply.ran):
                break
            reply = self._ask(request)
        return reply

    def _ask(self, request: str) -> Reply:
        with tempfile.TemporaryDirectory(prefix="kubectl-ai-") as made:
            home = Path(made)
            (home / "bin").mkdir()
            (home / "bin" / "kubectl").symlink_to(self.kubectl)
            trace = home / "trace.yaml"
            done = run(
                [
                    *(self.program, "--quiet", "--skip-permissions", "--remove-workdir"),
                    f"--kubeconfig={self.access.kubeconfig}",
                    f"--llm-provider={self.provider.name}",
                    f"--model={self.provider.model}",
                    f"--max-iterations={_ITERATIONS}",
                    f"--trace-path={trace}",
                    request,
                ],
                timeout=_TIMEOUT,
                cwd=home,
                env=self._environment(home),
                redact=self.redact,
            )
            ran = read_trace(trace)
        lines = _COLOUR.sub("", done.stdout).splitlines()
        words = "\n".join(line for line in lines if not _COMMAND.match(line))
        return Reply(self.redact(words), tuple(self._clean(one) for one in ran))

    def _environment(self, home: Path) -> dict[str, str]:
        # An empty variable counts as none; what is not named here would be passed on.
        kept = {name: "" for name in self.environ if not _PASSED.fullmatch(name)}
        path = f"{home / 'bin'}:{self.environ.get('PATH', '')}"
        own = {"PATH": path, "HOME": str(home), "TMPDIR": str(home), "XDG_CONFIG_HOME": str(home)}
        return kept | own | dict(self.provider.environ)

    def _clean(self, one: Ran) -> Ran:
        command, output, error = map(self.redact, (one.command, one.output, one.error))
        return Ran(command, output, error, one.code)
