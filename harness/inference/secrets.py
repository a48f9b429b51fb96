"""Which secrets there are, and what an image is given of them when it runs alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from harness.contract.code import sounds_secret
from harness.contract.containers import data_of
from harness.contract.rendering import Rendering
from harness.inference.database import inside
from harness.inference.images import slug
from harness.inference.known import CREDENTIALS, Known
from harness.inference.probing import DATABASE, SECRET, Probe, Probed


def describe_secrets(known: Known, probed: Probed) -> None:
    """Write down which values hold a secret, and the variables that these are given as."""
    rendering = probed.rendering
    server = inside(known, rendering, probed) if rendering else None
    for probe in probed.of(DATABASE, SECRET):
        place = known.place(probed, probe.path)
        names = list(_variables(known, probe, whole=True)) if rendering else [_guessed(probe)]
        held = list(_keys(rendering, str(probe.text))) if rendering else []
        parts = list(_variables(known, probe, whole=False)) if rendering else []
        variable = next(iter([*names, *held]), "")
        database = known.facts.get("database", "env")
        if probe.kind == DATABASE and (variable or parts):
            known.facts.add("database", "env", value=variable, why="by its value", place=place)
            value, why = "${database.url}", f"it is given as {variable or 'a part of a text'}"
        elif server is not None and database and _password(server, str(probe.text)):
            value, why = "${database.password}", f"it is the password of {server.main}"
        elif not (names or held or parts):
            known.facts.remark(
                f"{place or probe.path}: {probe.path} sounds like a secret, and shows nowhere"
            )
            continue
        else:
            name = free_name(known, variable or probe.leaf.path[-1])
            known.facts.add(
                "secrets", name, "env", value=variable or _guessed(probe),
                why=f"the value {probe.path} holds it", place=place,
            )  # fmt: skip
            known.facts.add("secrets", name, "generate", value=48, why="so that it is long enough")
            value, why = f"${{secrets.{name}}}", f"it is given as {variable or 'a part of a text'}"
        known.facts.add("values", probe.path, value=value, why=why, place=place)


def secrets_of_code(known: Known) -> None:
    """Write down the secrets that programs cannot start without and nothing has named."""
    given = {fact.value for fact in known.facts.below("secrets") if fact.key[-1] == "env"}
    given |= {known.facts.get("database", "env")}
    for name, code in known.codes.items():
        for read in code.reads:
            if read.required and sounds_secret(read.name) and read.name not in given:
                given.add(read.name)
                secret = free_name(known, read.name)
                why = f"{name} does not start without it"
                known.facts.add(
                    "secrets", secret, "env", value=read.name, why=why, place=read.place
                )
                known.facts.add(
                    "secrets", secret, "generate", value=48, why="so that it is long enough"
                )
                known.facts.add(
                    "images", name, "env", read.name, value=f"${{secrets.{secret}}}",
                    why=why, place=read.place,
                )  # fmt: skip


def describe_environment(known: Known) -> None:
    """Write down what an image's container is given when it runs alone."""
    probed, facts = known.probed, known.facts
    secrets = {f.value: f.key[1] for f in facts.below("secrets") if f.key[-1] == "env"}
    for name, (image, _) in known.pairs.items():
        for setting in image.main.settings if image and probed else ():
            read = known.codes[name].read(setting.name)
            place = read.place if read else None
            value, why = "", f"the chart gives it to {image.main if image else name}"
            if setting.name == facts.get("database", "env") or _is_database(setting.value):
                value = "${database.url}"
            elif setting.name in secrets:
                value = f"${{secrets.{secrets[setting.name]}}}"
            elif setting.value and ((read and read.required) or _address(known, setting.value)):
                value = setting.value
                if sounds_secret(setting.name) or CREDENTIALS.search(value):
                    # It stands in the chart as it is; a description must not repeat it.
                    secret = free_name(known, setting.name)
                    facts.add("secrets", secret, "env", value=setting.name, why=why, place=place)
                    facts.add("secrets", secret, "generate", value=48, why="long enough")
                    value = f"${{secrets.{secret}}}"
            if value:
                facts.add("images", name, "env", setting.name, value=value, why=why, place=place)
        variable = str(facts.get("database", "env"))
        read = known.codes[name].read(variable)
        given = any(f.value == "${database.url}" for f in facts.below("values"))
        if read and (read.required or given):
            why, url = f"the code of {name} reads it", "${database.url}"
            facts.add("images", name, "env", variable, value=url, why=why, place=read.place)


def _variables(known: Known, probe: Probe, *, whole: bool) -> Iterator[str]:
    """Yield the names of the variables that a secret is given as, or is a part of."""
    for image in known.images:
        for run in image.runs:
            for setting in run.settings:
                value = setting.value or ""
                if (value == probe.text) if whole else (str(probe.text) in value):
                    yield setting.name


def _keys(rendering: Rendering, text: str) -> Iterator[str]:
    for item in rendering.of("Secret", "ConfigMap"):
        yield from (key for key, value in data_of(item).items() if value == text)


def _password(image: Any, text: str) -> bool:
    return any(s.value == text and "PASSWORD" in s.name for run in image.runs for s in run.settings)


def _guessed(probe: Probe) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", probe.leaf.path[-1]).upper().replace("-", "_")


def free_name(known: Known, variable: str) -> str:
    """Return a free name for a secret: its variable without the word that says it is one."""
    plain = re.sub(r"[_-]?(API[_-]?KEY|SECRET[_-]?KEY|SECRET|TOKEN|KEY)$", "", variable, flags=re.I)
    name = slug(plain) or slug(variable) or "secret"
    env = known.facts.get("secrets", name, "env")
    return name if env in (None, variable) else slug(variable)


def _is_database(value: str | None) -> bool:
    """Say whether a variable holds the URL that a value of the chart was given."""
    return bool(re.match(r"postgresql://probe:P1\w+@probe-\d+\.outside\.test:", value or ""))


def _address(known: Known, value: str) -> bool:
    """Say whether a value is the address of a Service of the chart."""
    try:
        host = urlsplit(value).hostname or ""
    except ValueError:
        return False
    rendering = known.probed.rendering if known.probed else None
    names = {service.name for service in rendering.of("Service")} if rendering else set()
    return value.startswith("http") and host.partition(".")[0] in names
