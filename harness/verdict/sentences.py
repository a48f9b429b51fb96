"""What each check means, in the words with which features demand it."""

from __future__ import annotations

#: Sentence to the checks that it stands for; those of `steps/contract.py`.
SENTENCES: dict[str, tuple[str, ...]] = {
    "the chart bears the name of the project": ("chart name",),
    "it can be installed under any name, anywhere, and in every described variant": ("renders",),
    "each of its objects has a name that is allowed": ("names",),
    "two installations side by side keep apart": ("release names",),
    "the same values always give the same installation": ("stable",),
    "each of its objects says to which installation it belongs": ("labels",),
    "every object is one that Kubernetes understands": ("fields",),
    "everything that an object refers to is there": ("references",),
    "every container runs an image of the project, in the version that was asked for": ("images",),
    "every setting that the chart gives is read by the program that gets it": ("settings read",),
    "every setting that a program needs is given to it": ("settings given",),
    "every address inside the cluster leads to a Service of the same installation": ("addresses",),
    "every program can be reached from outside its container": ("listening",),
    "no program calls an address that is written down in its code": ("fixed addresses",),
    "every program is asked whether it lives and whether it is ready": ("probes",),
    "it is asked at an address that it answers": ("probe paths",),
    "nothing is killed while it starts or because of one slow answer": ("probe times",),
    "a database that is away restarts nothing": ("liveness",),
    "no program claims that its database is well without asking it": ("health",),
    "every container is limited in what it takes": ("resources",),
    "no container has privileges": ("security",),
    "every container can write where it has to": ("writable",),
    "every workload finds its own pods, and no others": ("selectors",),
    "it is replaced without losing a request": ("rollout",),
    "pods are replaced when a setting of theirs has changed": ("changes arrive",),
    "every Service leads to the pods of one workload, at a port that they have": ("services",),
    "each role has one Service of its type, and nothing else is open to the outside": ("roles",),
    "whatever stands before the Services hands on each path as it came": ("ingress",),
    "no secret is in anything that the chart makes, Secrets apart": (
        "secrets kept",
        "secrets encoded",
    ),
    "each part of a Secret is used by somebody": ("secrets used",),
    "no password or key is written down in chart or code": ("credentials",),
    "no program has a secret of its own to fall back on": ("secrets honoured",),
    "without any one of its secrets the chart is refused, in words that name it": (
        "secrets wanted",
    ),
    "no program falls back to another database": ("database fallback",),
    "whatever has to run before a program does run before it": ("before",),
    "everything that a Dockerfile copies is there": ("dockerfile copies",),
    "packages are installed as a lock file says": ("dockerfile dependencies",),
    "every base image has a version": ("dockerfile bases",),
    "what builds an image stays out of it": ("dockerfile stages",),
    "no image runs as root": ("dockerfile user",),
    "each image starts its program itself, and as described": (
        "dockerfile command",
        "dockerfile port",
    ),
    "nothing private can get into an image": ("build context", "dockerfile secrets"),
    "the frontend is built to run by itself": ("standalone",),
    "none of its settings is fixed by the build": ("baked settings",),
    "none of its routes is fixed by the build": ("fixed routes",),
    "no object of the chart outlives its release": ("leftovers",),
    "each value is used by a template": ("values used",),
    "each value is explained in the README": ("values described",),
    "a value that does not exist is refused": ("values checked",),
    "each value of this deployment shows in what is installed": ("values given",),
    "commands in plain language are shown": ("plain language",),
    "at least 3 of them ask for different things": ("plain language commands",),
}

_BY_CHECK = {check: sentence for sentence, checks in SENTENCES.items() for check in checks}

#: Good habits, which nobody's deployment fails for; a requirement may demand them all the same.
ADVICE = frozenset(
    {
        *("chart name", "labels", "values described", "values checked"),
        *("dockerfile stages", "security", "rollout"),
        *("plain language", "plain language commands"),
    }
)
#: What can be judged where the chart does not render: code and Dockerfiles, and the chart's files.
WITHOUT_RENDERING = frozenset(
    {
        *("renders", "listening", "health", "credentials", "database fallback", "stable"),
        *("dockerfile copies", "dockerfile stages", "dockerfile user", "dockerfile bases"),
        *("dockerfile dependencies", "dockerfile secrets", "dockerfile port", "build context"),
        *("dockerfile command", "standalone", "fixed routes", "fixed addresses", "baked settings"),
        *("values used", "values described", "values checked", "chart name", "secrets honoured"),
        *("plain language", "plain language commands"),
    }
)
#: Of these, what needs the files of a chart.
OF_A_CHART = frozenset(
    {"stable", "values used", "values described", "values checked", "chart name"}
)


def sentence(check: str) -> str:
    """Return what a check means."""
    return _BY_CHECK[check]
