"""Whether the engine reaches an image's registry; the image itself is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.supply import daemon

if TYPE_CHECKING:
    from harness.supply.engine import Engine

TIMEOUT = 20  # seconds
# A registry that answers with these words was reached; what it says is of the image.
_ANSWERS = ("manifest unknown", "no such image", "denied", "unauthorized", "toomanyrequests")


def registry_of(image: str) -> str:
    """Return the registry that an image name leads to, empty for the engine's default."""
    first, slash, _ = image.partition("/")
    return first if slash and (set(first) & set(".:") or first == "localhost") else ""


def registry_problem(engine: Engine, image: str) -> str:
    """Return why the engine cannot get an image from its registry, empty when it can.

    The engine is asked, not this process: its network, mirrors and certificates count.
    Answered within 20 s.
    """
    import docker  # half a second that a run without containers need not pay
    from docker.errors import APIError, DockerException, NotFound
    from requests.exceptions import RequestException

    if not daemon.answers(engine.host):
        return f"the engine at {engine.host} does not answer"
    client = docker.DockerClient(base_url=engine.host, timeout=TIMEOUT)
    try:
        client.images.get_registry_data(image)
    except NotFound as error:
        return f"the registry has no such image: {error.explanation}"
    except APIError as error:
        return str(error.explanation or error).strip()
    except (DockerException, RequestException) as error:
        return str(error) or type(error).__name__
    finally:
        client.close()
    return ""


def answered(problem: str) -> bool:
    """Say whether a problem is the registry's own answer, rather than that none came."""
    return any(words in problem.lower() for words in _ANSWERS)


def registry_reachable(engine: Engine, image: str) -> bool:
    """Say whether an image's registry answers, be it with a refusal; within 20 s."""
    problem = registry_problem(engine, image)
    return not problem or answered(problem)
