"""Build step: start the installed application once, and leave the bytecode of all that it loads.

Base images ship the standard library without bytecode; a container with a read-only file system
would compile it again at every start. Run with PYTHONPYCACHEPREFIX set. It proves on the way that
nothing was removed from the image which the application needs.
"""

import os
import signal
import subprocess
import sys
import threading
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
    """Return the status of a request."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def serve() -> None:
    """Start the server, ask it what a kubelet and a stranger ask, and stop it."""
    command = [sys.executable, "-m", "todo_backend", "serve"]
    environment = os.environ | ENVIRONMENT
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        limit = threading.Timer(WITHIN_S, server.kill)
        limit.start()
        assert server.stdout is not None
        if not any("Uvicorn running" in line for line in server.stdout):
            raise SystemExit("the installed application does not start")
        seen = [ask(path) for path in ("/health", "/ready", "/api/x/tasks", "/openapi.json")]
        server.send_signal(signal.SIGTERM)
        code = server.wait()
        limit.cancel()
    if (seen, code) != ([200, 503, 401, 200], 0):
        raise SystemExit(f"the installed application answers {seen} and ends with {code}")


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
