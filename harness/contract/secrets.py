"""Secrets: only in Secrets, each key used, and never replaced by what stands in the code."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping

from harness.contract import placeholders
from harness.contract.code import DATABASE_NAME, sounds_secret
from harness.contract.containers import data_of
from harness.contract.finding import Notes
from harness.contract.rendering import Rendered, Rendering
from harness.contract.subject import Subject

_EMBEDDED = re.compile(r"sqlite|duckdb|:memory:|^file:", re.IGNORECASE)


def kept(subject: Subject, notes: Notes) -> None:
    """No secret that the chart is given is rendered anywhere but in a Secret (FR-005)."""
    for rendering in subject.renderings:
        shown = {item: _shown(item) for item in rendering.objects}
        for name, secret in placeholders.secrets(subject.facts).items():
            if not _reaches(rendering, secret):
                continue
            notes.saw(f"{name} {rendering.installation.title}")
            forms = {secret, base64.b64encode(secret.encode()).decode()}
            for item, text in shown.items():
                if item.kind != "Secret" and any(form in text for form in forms):
                    keys = list(dict.fromkeys(_holders(item, secret)))
                    notes.found(
                        subject.chart.where(item.source, *keys),
                        needed=f"the secret {name} in a Secret only",
                        seen=f"{item} holds this secret{' in ' + ', '.join(keys) if keys else ''}:"
                        " everyone who may see the object can read it",
                        fix="put it into the Secret, and refer to it by secretKeyRef",
                    )


def encoded(subject: Subject, notes: Notes) -> None:
    """What stands below `data` of a Secret is encoded in base64, once."""
    given = set(placeholders.secrets(subject.facts).values())
    for rendering in subject.renderings:
        for item in rendering.of("Secret"):
            for key, value in (item.body.get("data") or {}).items():
                notes.saw(f"{key} of {item}")
                if _encoded(str(value)) and not any(secret in str(value) for secret in given):
                    continue
                notes.found(
                    subject.chart.where(item.source, key, "data:"),
                    needed=f"{key} of {item} to be encoded in base64",
                    seen="it stands below `data` as it is",
                    fix="add `| b64enc`, or use stringData",
                )


def _encoded(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _reaches(rendering: Rendering, secret: str) -> bool:
    encoded = base64.b64encode(secret.encode()).decode()
    held = (value for item in rendering.of("Secret") for value in data_of(item).values())
    return secret in rendering.text or encoded in rendering.text or any(secret in h for h in held)


def _shown(item: Rendered) -> str:
    return json.dumps(item.body, default=str)


def _holders(item: Rendered, secret: str) -> Iterator[str]:
    """Yield the keys below which an object holds a text."""
    if item.kind == "ConfigMap":
        yield from (key for key, value in data_of(item).items() if secret in value)
    for match in re.finditer(r'"name": "([^"]+)", "value": "([^"]*)"', _shown(item)):
        if secret in match[2]:
            yield match[1]


def used(subject: Subject, notes: Notes) -> None:
    """Each key of a Secret or ConfigMap is read by some container."""
    for rendering in subject.renderings:
        held = {
            (f"{item.kind} {item.name}", key): item
            for item in rendering.of("Secret", "ConfigMap")
            if item.body.get("type", "Opaque") == "Opaque" and not item.hook
            for key in data_of(item)
        }
        for (holder, key), item in held.items():
            notes.saw(f"{key} of {holder}")
            if (holder, key) not in _read(subject, rendering) and holder not in _mounted(rendering):
                notes.found(
                    subject.chart.where(item.source, key),
                    needed=f"each key of {holder} to be used",
                    seen=f"no container reads {key}",
                    fix="leave it out, or give it to the container that needs it",
                )


def _read(subject: Subject, rendering: Rendering) -> set[tuple[str, str]]:
    return {(s.origin, s.key) for c in subject.containers(rendering) for s in c.settings}


def _mounted(rendering: Rendering) -> set[str]:
    found = set()
    for pod in rendering.pods:
        for volume in pod.spec.get("volumes") or ():
            for source in (volume, *((volume.get("projected") or {}).get("sources") or ())):
                if name := (source.get("configMap") or {}).get("name"):
                    found.add(f"ConfigMap {name}")
                secret = source.get("secret") or {}
                if name := secret.get("secretName") or secret.get("name"):
                    found.add(f"Secret {name}")
    for item in rendering.of("Ingress"):
        found |= {f"Secret {tls.get('secretName')}" for tls in item.spec.get("tls") or ()}
    return found


def honoured(subject: Subject, notes: Notes) -> None:
    """No secret from the chart has a stand-in in the code, and every one is read."""
    given = _given(subject)
    for name, program in subject.programs.items():
        own = given.get(name, set())
        for read in program.code.reads:
            if read.name not in own and not sounds_secret(read.name):
                continue
            notes.saw(f"{read.name} in {read.place}")
            if read.default:
                notes.found(
                    read.place,
                    needed=f"{read.name} from the Secret, and nothing else",
                    seen="the code has a text that stands in for it when it is missing or misspelt",
                    fix="let the program end with a clear message when it is missing",
                )
            if read.field and read.name in own and not _taken(read.field, program.sources):
                notes.found(
                    read.place,
                    needed=f"{read.name}, which the chart gives, to be used by {name}",
                    seen=f"`{read.field}` is read and then taken by nobody",
                    fix="use it, or leave it out of code and chart",
                )
        for text in program.code.texts:
            if text.kind == "secret" and credential(text.text):
                notes.found(
                    text.place,
                    needed=f"no secret in the sources of {name}",
                    seen=f"`{text.name}` is written down",
                    fix="read it from the environment",
                )


def _taken(field: str, sources: Mapping[str, str]) -> bool:
    """Say whether a field of settings is used by anybody but the settings themselves."""
    use = re.compile(rf"(?<!self)\.{re.escape(field)}\b")
    return any(use.search(text) for name, text in sources.items() if name.endswith(".py"))


def _given(subject: Subject) -> dict[str, set[str]]:
    """Return the names of the settings that come of a Secret, by program."""
    found: dict[str, set[str]] = {}
    for rendering in subject.renderings[:1]:
        for container in subject.containers(rendering):
            names = {setting.name for setting in container.settings if setting.secret}
            found.setdefault(container.image or "", set()).update(names)
    return found


def credential(text: str) -> bool:
    """Say whether a text could be a secret, not a name, a path, a message or a placeholder."""
    if len(text) < 6 or re.search(r"[\s<>{}$]|^[./#]|^https?:|^[A-Z][A-Z0-9_]+$", text):
        return False
    return not re.fullmatch(
        r"(Bearer|Authorization|password|[a-z]+[-_.:][a-z_.:-]*[a-z]*)", text
    ) or (bool(re.search(r"secret|change|default|dev|test|key", text)) and "-" in text)


def database(subject: Subject, notes: Notes) -> None:
    """No program falls back to another database than the one that it is given."""
    described = subject.project.database
    for name, program in subject.programs.items():
        if program.code.files:
            notes.saw(name)
        for read in program.code.reads:
            own = (described and read.name == described.env) or DATABASE_NAME.search(read.name)
            if own and read.default:
                notes.found(
                    read.place,
                    needed=f"{name} to use the database that {read.name} names, or none",
                    seen="without it the code silently uses another database",
                    fix="let the program end with a clear message when it is missing",
                )
        for text in program.code.texts:
            if text.kind == "database" and (
                _EMBEDDED.search(text.text) or re.search(r"://.", text.text)
            ):
                notes.found(
                    text.place,
                    needed=f"{name} to use the database that it is given, or none",
                    seen=f"the code names a database: `{text.text.partition(':')[0]}:…`",
                    fix="take the address from the environment only",
                )
