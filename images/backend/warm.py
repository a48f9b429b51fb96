"""Build step: start the installed application once, and leave the bytecode of all that it loads.

Base images ship the standard library without bytecode; a container with a read-only file system
would compile it again at every start. Run with PYTHONPYCACHEPREFIX set. It proves on the way that
nothing was removed from the image which the application needs.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

PORT = 8000
WITHIN_S = 60
NOWHERE = "127.0.0.1:9"  # the discard port: nothing listens there
ENVIRONMENT = {
    "DATABASE_URL": f"postgresql://nobody@{NOWHERE}/none",
    "BETTER_AUTH_SECRET": "only-for-this-build-step-" * 2,
    "COHERE_API_KEY": "none",
    "COHERE_BASE_URL": f"http://{NOWHERE}",
    "HOST": "127.0.0.1",
    "PORT": str(PORT),
}


def ask(path: str) -> int:
    """Return the status of a request, or 0 when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def serve() -> None:
    """Start the server, ask it what a kubelet and a stranger ask, and stop it."""
    server = subprocess.Popen(
        [sys.executable, "-m", "todo_backend", "serve"], env=os.environ | ENVIRONMENT
    )
    deadline = time.monotonic() + WITHIN_S
    while ask("/health") != 200:
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the installed application does not start")
        time.sleep(0.1)
    seen = (ask("/ready"), ask("/api/x/tasks"), ask("/openapi.json"))
    server.send_signal(signal.SIGTERM)
    if (seen, server.wait(WITHIN_S)) != ((503, 401, 200), 0):
        raise SystemExit(f"the installed application answers {seen}, ends {server.returncode}")


def load_the_rest() -> None:
    """Load what is loaded later: the assistant's client and the migrations."""
    from alembic import command
    from alembic.config import Config

    from todo_backend.cohere_api import CohereApi

    config = Config()
    config.set_main_option("script_location", "todo_backend:migrations")
    command.heads(config)
    api = CohereApi("none", "none", f"http://{NOWHERE}")
    if api.check().status != "unreachable":
        raise SystemExit(f"the assistant's client says {api.report}")


if __name__ == "__main__":
    serve()
    load_the_rest()
