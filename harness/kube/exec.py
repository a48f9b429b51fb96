"""Running a program inside a container that runs already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.command import CommandTimedOutError, Completed, run
from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.exec_stream import stream
from harness.redact import Redactor


@dataclass(frozen=True)
class ExecResult:
    """What the program said. `seconds` is wall time, with the way there and back."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float


class ExecError(DeployError):
    """The program could not be run in the container at all."""

    def __init__(self, pod: str, namespace: str, argv: Sequence[str], said: str) -> None:
        super().__init__(
            needed=f"`{' '.join(argv)}` to run in pod {pod}",
            seen=said or "no word about why",
            looked=f"pod {pod} in namespace {namespace}",
            fix="see that the pod runs and that its image has this program",
        )


class Exec:
    """Runs programs in pods: over a web socket, or by `kubectl exec` where that cannot be.

    The socket saves the second that a new kubectl takes; an old server or a proxy between
    refuses it before anything is run.

    Args:
        client: whose kubeconfig and context are used.
        kubectl: path of the program.
        redact: applied to what an error shows.

    """

    def __init__(self, client: Kube, kubectl: Path, redact: Redactor | None = None) -> None:
        self._client, self._kubectl = client, kubectl
        self._redact = redact or Redactor()

    def run(
        self,
        namespace: str,
        pod: str,
        argv: Sequence[str],
        *,
        container: str = "",
        stdin: str | None = None,
        timeout: float = 30.0,
    ) -> ExecResult:
        """Run a program and return what it said, whatever its exit code.

        Args:
            namespace: of the pod.
            pod: its name.
            argv: program and arguments, no shell; must hold no secret (use `stdin`).
            container: which container; the pod's first by default.
            stdin: text for its standard input, which is then closed.
            timeout: seconds.

        Raises:
            ExecError: it was not run: no such pod, container or program.
            CommandTimedOutError: it took longer.

        """
        came = stream(
            self._client, namespace, pod, argv, container=container, stdin=stdin, timeout=timeout
        )
        if came.began:
            if not came.ended:
                done = Completed((*argv,), -1, came.stdout, came.stderr, came.seconds)
                raise CommandTimedOutError(done, timeout, self._redact)
            if came.exit_code is None:
                raise ExecError(pod, namespace, argv, self._redact(came.refusal))
            return ExecResult(came.exit_code, came.stdout, came.stderr, came.seconds)
        words = [str(self._kubectl), f"--kubeconfig={self._client.kubeconfig}"]
        words += [f"--context={self._client.context}", f"--namespace={namespace}", "exec"]
        words += ["--stdin"] if stdin is not None else []
        words += [pod] + ([f"--container={container}"] if container else [])
        done = run(
            [*words, "--", *argv], timeout=timeout, stdin=stdin, check=False, redact=self._redact
        )
        if _was_not_run(done):
            raise ExecError(pod, namespace, argv, self._redact(done.stderr.strip()))
        return ExecResult(done.returncode, done.stdout, done.stderr, done.seconds)


def _was_not_run(done: Completed) -> bool:
    """Return whether the exit code is kubectl's own and not the program's.

    kubectl ends with 1 for its own failures, as many programs do for theirs; its own
    begin with one of a few words, and a program's exit code is told on the last line.
    """
    if done.returncode == 0:
        return False
    lines = done.stderr.strip().splitlines()
    last = lines[-1] if lines else ""
    if done.returncode in (126, 127) or "OCI runtime exec failed" in done.stderr:
        return True
    own = ("error:", "Error from server", "The connection to the server", "Unable to connect")
    return done.returncode == 1 and last.startswith(own)
