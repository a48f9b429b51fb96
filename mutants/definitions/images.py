"""Defects of the Dockerfiles and of what they copy."""

from __future__ import annotations

from mutants.change import Add, Remove, Replace
from mutants.mutant import Mutant, Needs

_BACKEND = "images/backend/Dockerfile"
_FRONTEND = "images/frontend/Dockerfile"
_IGNORE = "images/backend/.dockerignore"
_PIP_SYNC = "/opt/uv/bin/uv pip sync --require-hashes requirements.lock"

MUTANTS = (
    Mutant(
        "images-copy-missing-folder",
        "The backend's Dockerfile copies a folder that does not exist.",
        (Replace(_BACKEND, "COPY src ./src", "COPY source ./src"),),
        r"`source` does not exist in the build context",
    ),
    Mutant(
        "images-copy-missing-scripts",
        "The frontend's Dockerfile copies a folder that does not exist.",
        (Replace(_FRONTEND, "COPY scripts ./scripts", "COPY tools ./scripts"),),
        r"`tools` does not exist in the build context",
    ),
    Mutant(
        "images-sources-ignored",
        "The backend's ignore file keeps the sources out of the build.",
        (Replace(_IGNORE, "!src\n", ""),),
        r"`src` exists, but .*\.dockerignore keeps it out of the build",
    ),
    Mutant(
        "images-no-lock-file-copied",
        "`npm ci` runs without the lock file, which is not copied.",
        (Replace(_FRONTEND, "COPY package.json package-lock.json ./", "COPY package.json ./"),),
        r"no package-lock\.json is copied before it",
    ),
    Mutant(
        "images-lock-file-gone",
        "The frontend's lock file is not in the sources.",
        (Remove("images/frontend/package-lock.json"),),
        r"package-lock\.json` does not exist",
    ),
    Mutant(
        "images-npm-install",
        "`npm install` takes other versions than the lock file names.",
        (Replace(_FRONTEND, "    npm ci --omit=dev", "    npm install --omit=dev"),),
        r"`npm install` takes what is newest",
    ),
    Mutant(
        "images-unpinned-packages",
        "The backend's packages are installed without the lock file, in any version.",
        (
            Replace(
                _BACKEND,
                f"    {_PIP_SYNC}",
                "    /opt/uv/bin/uv pip install fastapi sqlmodel alembic psycopg cohere pyjwt",
            ),
        ),
        r"packages of backend as a lock file names them",
    ),
    Mutant(
        "images-development-packages",
        "The frontend's image is built with its development packages.",
        (Replace(_FRONTEND, "npm ci --omit=dev ", "npm ci "),),
        r"development packages that no build needs are installed",
    ),
    Mutant(
        "images-backend-root",
        "The backend's image runs as root.",
        (Replace(_BACKEND, "USER 10001:10001\n", ""),),
        r"its last stage has no USER",
    ),
    Mutant(
        "images-frontend-root",
        "The frontend's image runs as root, by name.",
        (Replace(_FRONTEND, "USER 10001:10001\n", "USER root\n"),),
        r"its last USER is root",
    ),
    Mutant(
        "images-named-user",
        "The backend's image runs as a user by name, which Kubernetes cannot tell from root.",
        (Replace(_BACKEND, "USER 10001:10001\n", "USER nobody\n"),),
        r"its USER is nobody",
    ),
    Mutant(
        "images-shell-form",
        "A shell stands before the backend and swallows the signal to stop.",
        (
            Replace(
                _BACKEND,
                'ENTRYPOINT ["python", "-m", "todo_backend"]\nCMD ["serve"]\n',
                "ENTRYPOINT python -m todo_backend serve\n",
            ),
        ),
        r"`ENTRYPOINT python -m todo_backend serve` runs in a shell",
    ),
    Mutant(
        "images-one-stage",
        "The backend's image still holds all that built it.",
        (
            Replace(
                _BACKEND,
                "FROM ${PYTHON_IMAGE}\nLABEL",
                "FROM build\nLABEL",
            ),
        ),
        r"it begins with the stage that builds",
    ),
    Mutant(
        "images-base-latest",
        "The frontend's base is `latest`: another one each time it is built.",
        (Replace(_FRONTEND, "ARG NODE_IMAGE=node:24-slim", "ARG NODE_IMAGE=node:latest"),),
        r"`node:latest` is another image every few weeks",
    ),
    Mutant(
        "images-base-fixed",
        "The backend's last stage ignores the base image that it is given.",
        (Replace(_BACKEND, "FROM ${PYTHON_IMAGE}\nLABEL", "FROM python:3.12\nLABEL"),),
        r"`FROM python:3\.12` is fixed",
    ),
    Mutant(
        "images-secret-in-env",
        "A secret stands in the Dockerfile and so in every image.",
        (
            Replace(
                _BACKEND,
                "ENV PATH=/app/.venv/bin:$PATH \\\n",
                "ENV PATH=/app/.venv/bin:$PATH \\\n"
                "    BETTER_AUTH_SECRET=kept-in-every-layer-for-all-to-read \\\n",
            ),
        ),
        r"ENV BETTER_AUTH_SECRET stays in its history",
    ),
    Mutant(
        "images-secret-as-argument",
        "The database's address is a build argument and stays in the image's history.",
        (
            Replace(
                _FRONTEND,
                "WORKDIR /src\nENV NEXT_TELEMETRY_DISABLED=1 CI=1\n",
                "WORKDIR /src\nARG DATABASE_URL\nENV NEXT_TELEMETRY_DISABLED=1 CI=1\n",
            ),
        ),
        r"ARG DATABASE_URL stays in its history",
    ),
    Mutant(
        "images-env-file-let-in",
        "The ignore file lets a developer's .env into the backend's image.",
        (
            Replace(_IGNORE, "**/.env*\n", "!.env\n"),
            Add("images/backend/.env", "COHERE_API_KEY=of-a-developer\n"),
            Replace(_BACKEND, "COPY warm.py ./\n", "COPY warm.py .env ./\n"),
        ),
        r"`\.env` is in the build context, and a COPY takes it along",
    ),
    Mutant(
        "images-no-ignore-file",
        "Without an ignore file everything of the frontend's folder gets into the build.",
        (Remove("images/frontend/.dockerignore"),),
        r"a \.dockerignore for the image frontend",
    ),
    Mutant(
        "images-wrong-port",
        "The backend's image declares another port than it is reached at.",
        (Replace(_BACKEND, "EXPOSE 8000\n", "EXPOSE 8080\n"),),
        r"it exposes 8080",
    ),
    Mutant(
        "images-frontend-on-localhost",
        "The frontend's server listens on localhost only.",
        (Replace(_FRONTEND, "    HOSTNAME=0.0.0.0\n", "    HOSTNAME=127.0.0.1\n"),),
        r"the image sets HOSTNAME to 127\.0\.0\.1",
    ),
    Mutant(
        "images-development-server",
        "The frontend's container runs the development server.",
        (
            Replace(
                _FRONTEND,
                'ENTRYPOINT ["node"]\nCMD ["server.mjs"]',
                'ENTRYPOINT ["node"]\nCMD ["node_modules/.bin/next", "dev"]',
            ),
        ),
        r"next dev` is a server for development",
    ),
    # With an engine: the image itself is looked at.
    Mutant(
        "images-root-built",
        "The backend's image runs as root: seen in the image itself.",
        (Replace(_BACKEND, "USER 10001:10001\n", ""),),
        r"its user is not set, which means root",
        Needs.ENGINE,
        "runs_without_privileges and backend",
        "backend",
    ),
    Mutant(
        "images-shell-form-built",
        "A shell stands before the backend: seen in the image itself.",
        (
            Replace(
                _BACKEND,
                'ENTRYPOINT ["python", "-m", "todo_backend"]\nCMD ["serve"]\n',
                "ENTRYPOINT python -m todo_backend serve\n",
            ),
        ),
        r"a shell stands before it",
        Needs.ENGINE,
        "runs_without_privileges and backend",
        "backend",
    ),
    Mutant(
        "images-build-tool-left",
        "The backend's image holds the tool that installed its packages.",
        (
            Replace(
                _BACKEND,
                "COPY --from=build /app/bytecode /app/bytecode\n",
                "COPY --from=build /app/bytecode /app/bytecode\n"
                "COPY --from=build /opt/uv /opt/uv\n",
            ),
        ),
        r"build tool.*uv|uv.*build tool",
        Needs.ENGINE,
        "runs_without_privileges and backend",
        "backend",
    ),
    Mutant(
        "images-env-file-built",
        "A developer's .env is in a layer of the backend's image.",
        (
            Replace(_IGNORE, "**/.env*\n", "!.env\n"),
            Add("images/backend/.env", "COHERE_API_KEY=of-a-developer\n"),
            Replace(
                _BACKEND,
                "COPY --from=build /app/bytecode /app/bytecode\n",
                "COPY --from=build /app/bytecode /app/bytecode\nCOPY .env ./\n",
            ),
        ),
        r"\.env file",
        Needs.ENGINE,
        "runs_without_privileges and backend",
        "backend",
    ),
    Mutant(
        "images-above-the-limit",
        "The backend's image takes more than 500 MB.",
        (
            Replace(
                _BACKEND,
                "COPY --from=build /app/bytecode /app/bytecode\n",
                "COPY --from=build /app/bytecode /app/bytecode\n"
                "COPY --from=build /tmp/model.bin /app/model.bin\n",
            ),
            Replace(
                _BACKEND,
                "COPY warm.py ./\n",
                "COPY warm.py ./\nRUN truncate -s 500M /tmp/model.bin\n",
            ),
        ),
        r"takes [56]\d\d\.\d MB",
        Needs.ENGINE,
        "image_is_small and backend",
        "backend",
    ),
    Mutant(
        "images-build-fails",
        "A package of the backend's lock file does not exist: the build fails.",
        (
            Replace(
                _BACKEND,
                "COPY warm.py ./\n",
                "COPY warm.py ./\n"
                "RUN /opt/uv/bin/uv pip install --offline no-such-package-at-all\n",
            ),
        ),
        r"(?s)image backend.*no-such-package-at-all",
        Needs.ENGINE,
        "image_is_small and backend",
        "backend",
    ),
)
