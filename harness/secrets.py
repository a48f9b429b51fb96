"""The secrets of a deployment: given by the user, or made once and kept."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from harness.cache import Cache
from harness.databases.credentials import write_private
from harness.project import Project


def secret_values(
    project: Project, cache: Cache, cluster: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the value of each secret that the project names.

    One that the environment gives is used as it is. Others are random, made at the first
    run on a cluster and kept in a file that its owner alone can read, so that a second
    run changes nothing.
    """
    file = cache.root / "secrets" / f"{cluster}-{project.name}.json"
    with cache.lock(f"secrets-{cluster}"):
        try:
            kept = dict(json.loads(file.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            kept = {}
        made = {
            name: kept.get(name) or secrets.token_urlsafe(secret.generate)
            for name, secret in project.secrets.items()
        }
        if made != kept:
            write_private(file, json.dumps(made))
    return {name: environ.get(project.secrets[name].env) or value for name, value in made.items()}
