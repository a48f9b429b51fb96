"""Defects of the backend's sources: configuration, health, authorisation, data."""

from __future__ import annotations

from mutants.change import Replace
from mutants.mutant import Mutant, Needs

_SRC = "images/backend/src/todo_backend"
_SETTINGS = f"{_SRC}/settings.py"
_HEALTH = f"{_SRC}/health.py"
_LOCALHOST = (
    Replace(
        _SETTINGS,
        'host: str = "0.0.0.0"  # noqa: S104 - a container answers on its pod\'s address',
        'host: str = "127.0.0.1"',
    ),
)
_FIELD = "better_auth_secret: Annotated[SecretStr, Field(min_length=32)]"
_DEFAULT_SECRET = (
    Replace(_SETTINGS, _FIELD, _FIELD + ' = SecretStr("a-default-that-everybody-can-read-in-git")'),
)
_IGNORED_SECRET = (
    Replace(
        f"{_SRC}/state.py",
        "TokenVerifier(settings.better_auth_secret.get_secret_value())",
        'TokenVerifier("a-default-that-everybody-can-read-in-git")',
    ),
)

MUTANTS = (
    Mutant(
        "backend-on-localhost",
        "The backend listens on localhost only.",
        _LOCALHOST,
        r"HOST is 127\.0\.0\.1 unless it is set",
    ),
    Mutant(
        "backend-on-localhost-built",
        "The backend listens on localhost only: seen from outside its container.",
        _LOCALHOST,
        r"it listens on 127\.0\.0\.1 inside the container",
        Needs.ENGINE,
        "starts_by_itself_and_answers and backend",
        "backend",
    ),
    Mutant(
        "backend-default-secret",
        "The backend has a default for the secret that signs tokens.",
        _DEFAULT_SECRET,
        r"BETTER_AUTH_SECRET from the Secret, and nothing else",
    ),
    Mutant(
        "backend-default-secret-built",
        "The backend starts without the secret that signs tokens.",
        _DEFAULT_SECRET,
        r"DID NOT RAISE.*ContainerExitedError|BETTER_AUTH_SECRET",
        Needs.ENGINE,
        "refuses_to_start and backend and BETTER_AUTH_SECRET",
        "backend",
    ),
    Mutant(
        "backend-secret-ignored",
        "The backend reads the secret, and then verifies tokens with one of its own.",
        _IGNORED_SECRET,
        r"wanted 201, got 401|wanted 200, got 401",
        Needs.CLUSTER,
        "frontend_hands_each_request",
        "backend",
    ),
    Mutant(
        "backend-other-variable",
        "The code reads a variable that the chart does not set.",
        (
            Replace(
                _SETTINGS,
                'cohere_model: str = "command-a-03-2025"',
                'cohere_model_name: str = "command-a-03-2025"',
            ),
            Replace(f"{_SRC}/state.py", "settings.cohere_model,", "settings.cohere_model_name,"),
        ),
        r"the program backend to read COHERE_MODEL, which the chart sets",
    ),
    Mutant(
        "backend-other-log-variable",
        "The code reads its log level from a variable that the chart does not set.",
        (
            Replace(_SETTINGS, 'log_level: LogLevel = "info"', 'verbosity: LogLevel = "info"'),
            Replace(f"{_SRC}/__main__.py", "settings.log_level", "settings.verbosity"),
        ),
        r"the program backend to read LOG_LEVEL, which the chart sets",
    ),
    Mutant(
        "backend-no-ready-path",
        "The backend serves its readiness at another path than the chart asks.",
        (Replace(f"{_SRC}/routes.py", '@probes.get("/ready")', '@probes.get("/readiness")'),),
        r"/ready of backend to be a route|answers /ready\b",
    ),
    Mutant(
        "backend-liveness-on-database",
        "The backend's liveness says 503 while the database is away.",
        (
            Replace(
                f"{_SRC}/routes.py",
                '    good = database.ready and ai.status in ("reachable", "unknown")\n',
                '    good = database.ready and ai.status in ("reachable", "unknown")\n'
                "    if not database.ready:\n"
                "        raise HTTPException(503, database.detail)\n",
            ),
        ),
        r"answers \[503, 503, 401, 200\]|to answer 200 at /health",
        Needs.ENGINE,
        "tells_the_truth",
        "backend",
    ),
    Mutant(
        "backend-health-lies",
        "`/health` says `connected` while the database is away.",
        (
            Replace(
                _HEALTH,
                "        except SQLAlchemyError as error:\n"
                '            return DatabaseReport("unreachable", explain(error))\n',
                "        except SQLAlchemyError:\n"
                '            return DatabaseReport("connected", "all is well")\n',
            ),
        ),
        r'/health calls the database "connected"',
        Needs.ENGINE,
        "tells_the_truth",
        "backend",
    ),
    Mutant(
        "backend-ready-lies",
        "`/ready` says 200 while the database is away.",
        (
            Replace(
                f"{_SRC}/routes.py",
                "    if not database.ready:\n        return JSONResponse",
                "    if False:\n        return JSONResponse",
            ),
        ),
        r"answers \[200, 200, 401, 200\]|/ready answers 200 without a database",
        Needs.ENGINE,
        "tells_the_truth",
        "backend",
    ),
    Mutant(
        "backend-calls-home",
        "The backend tells somebody outside that it has been started.",
        (
            Replace(
                f"{_SRC}/__main__.py",
                "    logs.configure(settings.log_level, settings.secrets())\n",
                "    logs.configure(settings.log_level, settings.secrets())\n"
                "    import contextlib, socket\n\n"
                '    for home in ("telemetry.example.com", "198.51.100.9"):\n'
                "        with contextlib.suppress(OSError):\n"
                "            socket.create_connection((home, 443), 2).close()\n",
            ),
        ),
        r"telemetry\.example\.com\n.*tried to reach 198\.51\.100\.9:443/tcp",
        Needs.CLUSTER,
        "calls_nobody_outside",
        "backend",
    ),
    Mutant(
        "backend-todos-of-others",
        "The backend gives a person's todos to whoever has signed in.",
        (Replace(f"{_SRC}/auth.py", "    if caller != user_id:", "    if not caller:"),),
        r"wanted 403, got 200",
        Needs.CLUSTER,
        "closed_to and somebody",
        "backend",
    ),
    Mutant(
        "backend-delete-forgotten",
        "A deleted todo is still there: the transaction is never committed.",
        (
            Replace(
                f"{_SRC}/tasks.py",
                "            session.delete(_find(session, user_id, task_id, lock=True))\n"
                "            session.commit()\n",
                "            session.delete(_find(session, user_id, task_id, lock=True))\n",
            ),
        ),
        r"reading what was deleted: wanted 404, got 200",
        Needs.CLUSTER,
        "frontend_hands_each_request",
        "backend",
    ),
    Mutant(
        "backend-secret-in-log",
        "The backend writes the database's address, password included, to its log.",
        (
            Replace(
                f"{_SRC}/__main__.py",
                "    logs.configure(settings.log_level, settings.secrets())\n",
                "    logs.configure(settings.log_level)\n"
                '    logger.info("database %s", settings.database_url.get_secret_value())\n',
            ),
        ),
        r"has logged .*database",
        Needs.CLUSTER,
        "secrets_reach_the_pods",
        "backend",
    ),
)
