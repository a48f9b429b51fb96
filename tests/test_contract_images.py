"""What the contract checks find in Dockerfiles, build contexts and sources."""

from __future__ import annotations

import pytest
from contract_support import Edit, Shop, shop

__all__ = ["shop"]

API, WEB = "api/Dockerfile", "web/Dockerfile"
MAIN, CONFIG = "api/main.py", "web/next.config.ts"
PAGE, SERVER = "web/src/app/page.tsx", "web/src/lib/server.ts"
READS = 'DATABASE_URL = os.environ["DATABASE_URL"]\nSHOP'

#: check, changes of files, file and words of the line that is named, words of what was seen
BROKEN: dict[str, tuple[str, list[Edit], str, str]] = {
    "a COPY of what is not there": (
        "dockerfile copies",
        [(API, "COPY main.py migrate.py", "COPY main.py tables.sql")],
        f"{API}: COPY main.py",
        "`tables.sql` does not exist in the build context",
    ),
    "a COPY of what is left out": (
        "dockerfile copies",
        [("web/.dockerignore", "!src\n", "")],
        f"{WEB}: COPY src",
        "keeps it out of the build",
    ),
    "a COPY from no stage": (
        "dockerfile copies",
        [(API, "--from=build", "--from=builder")],
        f"{API}: --from=builder",
        "stages: 0, 1, build",
    ),
    "npm ci without a lock": (
        "dockerfile dependencies",
        [(WEB, "COPY package.json package-lock.json", "COPY package.json")],
        f"{WEB}: RUN npm ci",
        "no package-lock.json is copied before it",
    ),
    "npm install": (
        "dockerfile dependencies",
        [(WEB, "npm ci --omit=dev", "npm install")],
        f"{WEB}: RUN npm install",
        "whatever the lock says",
    ),
    "packages for tests": (
        "dockerfile dependencies",
        [(WEB, "npm ci --omit=dev", "npm ci")],
        f"{WEB}: RUN npm ci",
        "development packages",
    ),
    "packages without a version": (
        "dockerfile dependencies",
        [(API, "RUN pip install", "RUN pip install uvicorn\nRUN pip install")],
        f"{API}: RUN pip install uvicorn",
        "`uvicorn` is installed without a version",
    ),
    "one stage only": (
        "dockerfile stages",
        [(API, "\nFROM ${PYTHON_IMAGE}\n", "\n"), (API, "--from=build /app/packages", "main.py")],
        f"{API}: FROM",
        "there is one stage only",
    ),
    "the stage that builds again": (
        "dockerfile stages",
        [(API, "\nFROM ${PYTHON_IMAGE}\nENV", "\nFROM build\nENV")],
        f"{API}: FROM build",
        "it begins with the stage that builds",
    ),
    "tools for building": (
        "dockerfile stages",
        [(API, "USER 1001", "RUN apt-get update && apt-get install -y gcc git\nUSER 1001")],
        f"{API}: RUN apt-get",
        "installs gcc, git",
    ),
    "root by default": ("dockerfile user", [(API, "USER 1001\n", "")], f"{API}: FROM", "no USER"),
    "root by name": (
        "dockerfile user",
        [(API, "USER 1001", "USER root")],
        f"{API}: USER root",
        "its last USER is root",
    ),
    "another user than the chart's": (
        "dockerfile user",
        [(API, "USER 1001", "USER nobody")],
        f"{API}: USER nobody",
        "its USER is nobody, and the chart runs it as 1001",
    ),
    "a base without a version": (
        "dockerfile bases",
        [(API, "=python:3.12-slim", "=python:latest")],
        f"{API}: ARG PYTHON_IMAGE",
        "`python:latest` is another image every few weeks",
    ),
    "a base that cannot be replaced": (
        "dockerfile bases",
        [(API, "\nFROM ${PYTHON_IMAGE}\n", "\nFROM python:3.12-slim\n")],
        f"{API}: FROM python",
        "is fixed",
    ),
    "a secret among the arguments": (
        "dockerfile secrets",
        [(WEB, "WORKDIR /src", "ARG SHOP_SECRET\nWORKDIR /src")],
        f"{WEB}: ARG SHOP_SECRET",
        "ARG SHOP_SECRET stays in its history",
    ),
    "the database among the variables": (
        "dockerfile secrets",
        [(API, "ENV PYTHONPATH", "ENV DATABASE_URL=postgresql://db/shop PYTHONPATH")],
        f"{API}: ENV DATABASE_URL",
        "ENV DATABASE_URL stays in its history",
    ),
    "another port than described": (
        "dockerfile port",
        [(WEB, "EXPOSE 3000", "EXPOSE 8080")],
        f"{WEB}: EXPOSE",
        "it exposes 8080",
    ),
    "a shell before the program": (
        "dockerfile command",
        [(API, 'CMD ["python", "main.py"]', "CMD python main.py")],
        f"{API}: CMD",
        "runs in a shell",
    ),
    "npm before the program": (
        "dockerfile command",
        [(WEB, 'CMD ["node", "server.js"]', 'CMD ["npm", "start"]')],
        f"{WEB}: CMD",
        "`npm` stands before the program",
    ),
    "a server for development": (
        "dockerfile command",
        [
            (
                API,
                '["python", "main.py"]',
                '["uvicorn", "main:app", "--host", "0.0.0.0", "--reload"]',
            )
        ],
        f"{API}: CMD",
        "a server for development",
    ),
    "no .dockerignore": (
        "build context",
        [(API, "COPY main.py migrate.py ./", "COPY . .")],
        "api/.dockerignore",
        "",
    ),
    "an .env that gets in": (
        "build context",
        [("web/.dockerignore", "**/.env*\n", "")],
        "web/.dockerignore",
        "`src/.env` would be taken along",
    ),
    "a key that gets in": (
        "build context",
        [("web/src/server.pem", "", "PRIVATE")],
        "web/src/server.pem",
        "a COPY takes it along",
    ),
    "a server that is not standalone": (
        "standalone",
        [(CONFIG, 'output: "standalone"', "reactStrictMode: true")],
        f"{CONFIG}: export",
        "web/Dockerfile:12 takes the standalone server",
    ),
    "a setting that the build has fixed": (
        "baked settings",
        [(SERVER, 'required(process.env, "API_URL")', "process.env.NEXT_PUBLIC_API_URL")],
        f"{SERVER}: NEXT_PUBLIC_API_URL",
        "it holds `undefined`",
    ),
    "a route that the build has fixed": (
        "fixed routes",
        [
            (
                CONFIG,
                'output: "standalone"',
                'output: "standalone", rewrites: () => [{ destination: process.env.API_URL }]',
            )
        ],
        f"{CONFIG}: rewrites",
        "its rewrites take a variable of the build",
    ),
    "localhost in the browser": (
        "fixed addresses",
        [("web/src/lib/load.ts", "fetch(path)", 'fetch("http://localhost:8000/goods")')],
        "web/src/lib/load.ts: localhost",
        "`http://localhost:8000/goods` is written down, which in a cluster is the pod itself",
    ),
    "an address to fall back on": (
        "fixed addresses",
        [(SERVER, 'required(process.env, "API_URL")', 'process.env.API_URL ?? "https://shop.dev"')],
        f"{SERVER}: shop.dev",
        "whatever it is deployed beside",
    ),
    "localhost by the Dockerfile": (
        "listening",
        [(WEB, "HOSTNAME=0.0.0.0", "HOSTNAME=127.0.0.1")],
        f"{WEB}: HOSTNAME",
        "the image sets HOSTNAME to 127.0.0.1",
    ),
    "localhost by the code": (
        "listening",
        [(MAIN, 'host="0.0.0.0"', 'host="127.0.0.1"')],
        f"{MAIN}: uvicorn.run",
        "the code binds it to 127.0.0.1",
    ),
    "localhost by default": (
        "listening",
        [(API, '["python", "main.py"]', '["uvicorn", "main:app", "--port", "8000"]')],
        f"{API}: CMD",
        "uvicorn binds to 127.0.0.1 unless",
    ),
    "a secret to fall back on": (
        "secrets honoured",
        [(MAIN, 'os.environ["SHOP_SECRET"]', 'os.getenv("SHOP_SECRET", "not-so-secret")')],
        f"{MAIN}: not-so-secret",
        "the code has a text that stands in for it",
    ),
    "a secret in the code": (
        "secrets honoured",
        [(MAIN, 'SHOP_SECRET = os.environ["SHOP_SECRET"]', 'SHOP_SECRET = "kJ82hsd92hhd72"')],
        f"{MAIN}: kJ82hsd92hhd72",
        "`SHOP_SECRET` is written down",
    ),
    "a secret that nobody uses": (
        "secrets honoured",
        [
            (
                MAIN,
                "app = FastAPI()",
                "class Settings(BaseSettings):\n    shop_secret: str\napp = 1",
            ),
        ],
        f"{MAIN}: shop_secret",
        "`shop_secret` is read and then taken by nobody",
    ),
    "a database to fall back on": (
        "database fallback",
        [(MAIN, READS, 'DATABASE_URL = os.getenv("DATABASE_URL", "sqlite:///shop.db")\nSHOP')],
        f"{MAIN}: sqlite",
        "silently uses another database",
    ),
    "a database in the code": (
        "database fallback",
        [(MAIN, "app = FastAPI()", 'app = FastAPI()\nengine = create_engine("sqlite:///shop.db")')],
        f"{MAIN}: create_engine",
        "the code names a database: `sqlite:…`",
    ),
    "health that lies": (
        "health",
        [(MAIN, '{"status": "ok"}', '{"status": "ok", "database": "connected"}')],
        f"{MAIN}: @app.get",
        "it always says `database: connected`",
    ),
    "liveness that asks the database": (
        "liveness",
        [(MAIN, "def health()", "def health(session: Session = Depends(get_session))")],
        f'{MAIN}: @app.get("/health")',
        "depends on one: `session`",
    ),
    "a key of a provider": (
        "credentials",
        [(MAIN, "app = FastAPI()", 'app = FastAPI()\nBOUGHT = "sk-abcdefghij0123456789abcd"')],
        f"{MAIN}: BOUGHT",
        "a text that begins like a key (`sk-a…`)",
    ),
}


@pytest.mark.parametrize(("check", "edits", "place", "seen"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_broken_is_found_where_it_is(
    shop: Shop, check: str, edits: list[Edit], place: str, seen: str
) -> None:
    shop.edit(*edits)
    if place == "api/.dockerignore":
        (shop.root / place).unlink()
        place = "api"
    shop.shows(check, place, seen)


def test_what_is_only_said_in_a_comment_is_no_finding(shop: Shop) -> None:
    shop.edit(
        (SERVER, "export const", '// process.env.NEXT_PUBLIC_X || "http://localhost"\nexport const')
    )
    assert not shop.judged("baked settings").findings
    assert not shop.judged("fixed addresses").findings


def test_a_named_user_whose_number_the_dockerfile_gives_is_known(shop: Shop) -> None:
    shop.edit((API, "USER 1001", "RUN useradd --uid 1001 seller\nUSER seller"))
    assert not shop.judged("dockerfile user").findings
