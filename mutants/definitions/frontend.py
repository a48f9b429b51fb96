"""Defects of the frontend's sources and configuration. All are judged without a build."""

from __future__ import annotations

from mutants.change import Replace
from mutants.mutant import Mutant

_CONFIG = "images/frontend/src/server/config.ts"
_NEXT = "images/frontend/next.config.ts"

MUTANTS = (
    Mutant(
        "frontend-not-standalone",
        "Next.js makes no standalone server, which the image would run.",
        (Replace(_NEXT, '  output: "standalone",\n', ""),),
        r'`output: "standalone"` in the configuration of frontend',
    ),
    Mutant(
        "frontend-rewrite-at-build",
        "A rewrite to the backend is fixed when the image is built, so configuration is dead.",
        (
            Replace(
                _NEXT,
                "  poweredByHeader: false,\n",
                "  poweredByHeader: false,\n"
                "  rewrites: async () => [\n"
                '    { source: "/api/v1/:path*",'
                " destination: `${process.env.NEXT_PUBLIC_API_URL}/:path*` },\n"
                "  ],\n",
            ),
        ),
        r"(?i)rewrites take a variable of the build|NEXT_PUBLIC_API_URL is fixed by the build",
    ),
    Mutant(
        "frontend-baked-address",
        "The backend's address is baked in when the image is built.",
        (
            Replace(
                _CONFIG,
                '  const apiUrl = required(\n    env,\n    "NEXT_PUBLIC_API_URL",\n',
                "  const apiUrl = process.env.NEXT_PUBLIC_API_URL ?? required(\n"
                '    env,\n    "NEXT_PUBLIC_API_URL",\n',
            ),
        ),
        r"NEXT_PUBLIC_API_URL is fixed by the build",
    ),
    Mutant(
        "frontend-calls-localhost",
        "The browser is sent to localhost instead of its own origin.",
        (
            Replace(
                "images/frontend/src/lib/api.ts",
                "    response = await fetch(path, {\n",
                "    response = await fetch(`http://localhost:8000${path}`, {\n",
            ),
        ),
        r"`http://localhost:8000\S* is written down",
    ),
    Mutant(
        "frontend-calls-production",
        "The browser is sent to an address of production.",
        (
            Replace(
                "images/frontend/src/lib/api.ts",
                "    response = await fetch(path, {\n",
                "    response = await fetch(`https://api.todo-production.com${path}`, {\n",
            ),
        ),
        r"api\.todo-production\.com\S* is written down",
    ),
    Mutant(
        "frontend-undefined-address",
        "The browser's address comes from a variable that is empty at the build: `undefined`.",
        (
            Replace(
                "images/frontend/src/lib/api.ts",
                "    response = await fetch(path, {\n",
                "    response = await fetch(`${process.env.NEXT_PUBLIC_BASE_URL}${path}`, {\n",
            ),
        ),
        r"NEXT_PUBLIC_BASE_URL is not set when the bundle is built",
    ),
    Mutant(
        "frontend-default-secret",
        "The frontend signs sessions with a default when it is given no secret.",
        (
            Replace(
                _CONFIG,
                '  const authSecret = required(\n    env,\n    "BETTER_AUTH_SECRET",\n',
                '  const authSecret = env["BETTER_AUTH_SECRET"] ??'
                ' "a-default-that-everybody-can-read-in-git" ?? required(\n'
                '    env,\n    "BETTER_AUTH_SECRET",\n',
            ),
        ),
        r"BETTER_AUTH_SECRET from the Secret, and nothing else",
    ),
    Mutant(
        "frontend-other-variable",
        "The frontend reads the backend's address from a variable that the chart does not set.",
        (
            Replace(
                _CONFIG,
                '    env,\n    "NEXT_PUBLIC_API_URL",\n',
                '    env,\n    "BACKEND_URL",\n',
            ),
        ),
        r"the program frontend to read NEXT_PUBLIC_API_URL, which the chart sets",
    ),
    Mutant(
        "frontend-no-ready-path",
        "The frontend serves its readiness at another path than the chart asks.",
        (
            Replace(
                "helm/todo-app/values.yaml",
                "    readiness:\n      path: /api/ready\n",
                "    readiness:\n      path: /api/readyz\n",
            ),
        ),
        r"nothing in images/frontend answers /api/readyz",
    ),
)
