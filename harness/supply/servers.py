"""Stand-ins for the images of servers: databases, nginx, the registry."""

from __future__ import annotations

from harness.supply.image_name import ImageName
from harness.supply.recipe import SUITE, Recipe, debian, elsewhere

#: What Debian has.
POSTGRES, REDIS, NGINX = 17, 8, "1.26"


def postgres(asked: ImageName) -> Recipe | None:
    """Return Debian's PostgreSQL for any version up to its own."""
    wanted = asked.numbers[0] if asked.numbers else POSTGRES
    word = asked.version and not asked.numbers and asked.version != "latest"
    if asked.slim or asked.rest or word or wanted > POSTGRES:
        return None
    holds = f"Debian {SUITE}'s PostgreSQL {POSTGRES} behind the official image's contract"
    if wanted != POSTGRES:
        holds += f", where {wanted} was asked for"
    recipe = Recipe(
        asked.written, "postgres", holds, on=debian(), arguments={"PG_MAJOR": str(POSTGRES)}
    )
    return elsewhere(asked.suite, recipe)


def redis(asked: ImageName) -> Recipe | None:
    """Return Debian's Redis for any version up to its own."""
    wanted = asked.numbers[0] if asked.numbers else REDIS
    word = asked.version and not asked.numbers and asked.version != "latest"
    if asked.slim or asked.rest or word or wanted > REDIS:
        return None
    holds = f"Debian {SUITE}'s Redis {REDIS} behind the official image's contract"
    if wanted != REDIS:
        holds += f", where {wanted} was asked for"
    arguments = {"REDIS_MAJOR": str(REDIS)}
    return elsewhere(
        asked.suite, Recipe(asked.written, "redis", holds, on=debian(), arguments=arguments)
    )


def nginx(asked: ImageName) -> Recipe | None:
    """Return Debian's nginx for any version."""
    if asked.rest or asked.version in ("lts", "current", "edge"):
        return None
    holds = f"Debian {SUITE}'s nginx {NGINX} in the official layout"
    if not f"{NGINX}.".startswith(f"{asked.version}.") and asked.version not in (
        "",
        "latest",
        "stable",
    ):
        holds += f", where {asked.version} was asked for"
    arguments = {"NGINX_SERIES": NGINX}
    return elsewhere(
        asked.suite, Recipe(asked.written, "nginx", holds, on=debian(), arguments=arguments)
    )


def registry(asked: ImageName) -> Recipe | None:
    """Return the registry that is built from its sources."""
    if asked.tag not in ("3", "latest") and asked.version.split(".")[0] != "3":
        return None
    if asked.slim or asked.suite or asked.rest:
        return None
    holds = "the distribution project's registry 3, alone"
    return Recipe(asked.written, "registry", holds, program="registry")
