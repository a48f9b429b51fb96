"""What a run gives a chart from outside: database, secrets, images, ports; and its variants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.contract.code import DATABASE_NAME, sounds_secret
from harness.contract.containers import data_of
from harness.contract.rendering import Rendering
from harness.inference.describing import CREDENTIALS, Known
from harness.inference.images import slug
from harness.inference.probing import (
    DATABASE,
    IMAGE,
    NODE_PORT,
    REPOSITORY,
    SECRET,
    TAG,
    Probe,
    Probed,
    attempt,
    dotted,
)
from harness.inference.running import POSTGRES, images_of

if TYPE_CHECKING:
    from harness.helm.rendering import Renderer

INSIDE = "database-inside"
_OF_DATABASE = re.compile(r"postgres|database|(^|[._-])(db|pg|sql)([._-]|$)", re.IGNORECASE)
_URL = re.compile(r"(UR[LI]|DSN)$", re.IGNORECASE)
_SQL = re.compile(r"postgres(ql)?(\+\w+)?:", re.IGNORECASE)
_PASSWORD = re.compile("passw", re.IGNORECASE)
_MOST_VARIANTS = 12


def infer(known: Known, helm: Renderer | None) -> None:
    """Write down what a run gives."""
    probed = known.probed
    _database(known)
    if probed is None:
        _by_code(known)
        return
    _values(known, probed)
    _secrets(known, probed)
    _by_code(known)
    _environment(known)
    if helm is not None and probed.rendering is not None:
        _variants(known, probed, helm)


# -- the database


def _database(known: Known) -> None:
    """Tell by which variable programs are given a PostgreSQL, if they have one."""
    found: dict[str, tuple[str, Any]] = {}
    for name, (image, _) in known.pairs.items():
        for setting in image.main.settings if image else ():
            url = _SQL.match(setting.value or "")
            if url or (DATABASE_NAME.search(setting.name) and _URL.search(setting.name)):
                read = known.codes[name].read(setting.name)
                found.setdefault(
                    setting.name, (f"the chart gives it to {name}", read.place if read else None)
                )
    for name, code in known.codes.items():
        for each in code.reads:
            if DATABASE_NAME.search(each.name) and _URL.search(each.name):
                found.setdefault(each.name, (f"the code of {name} reads it", each.place))
    if not found:
        parts = sorted(
            {
                r.name
                for code in known.codes.values()
                for r in code.reads
                if DATABASE_NAME.search(r.name)
            }
        )
        if parts:
            known.facts.remark(
                f"the code takes its database in parts ({', '.join(parts[:4])}), not as one URL, "
                "so that no database can be given from outside: [database] is left out"
            )
        return
    variable = min(found, key=lambda name: (name != "DATABASE_URL", list(found).index(name)))
    why, place = found[variable]
    known.facts.add("database", "env", value=variable, why=why, place=place)


def _inside(known: Known, rendering: Rendering, probed: Probed) -> Any:
    """Return the PostgreSQL that a rendering has in the cluster."""
    own = {id(image) for image, _ in known.pairs.values() if image}
    for image in images_of(rendering, probed):
        if id(image) not in own and POSTGRES.search(image.repository):
            return image
    return None


# -- values


def _values(known: Known, probed: Probed) -> None:
    facts = known.facts
    for name, (image, _) in known.pairs.items():
        if image is None:
            _by_name(known, probed, name)
            continue
        for probe, part in (
            (image.by_repository, "repository"),
            (image.by_tag, "tag"),
            (image.by_whole, "ref" if image.by_tag is None else "repository"),
        ):
            if probe is None or (part == "repository" and _prefixed(image, probe)):
                continue
            facts.add(
                "values", probe.path, value=f"${{images.{name}.{part}}}",
                why=f"it shows in the image of {image.main}",
                place=known.place(probed, probe.path),
            )  # fmt: skip
        if not (image.by_tag or image.by_whole):
            facts.remark(f"no value gives the tag of {image.main}: what is built cannot be named")
    _node_port(known, probed)
    for path, value in probed.filled.items():
        facts.add(
            "values", path, value=value, why="the chart does not render without it", sure=False
        )


def _prefixed(image: Any, probe: Probe) -> bool:
    """Say whether something stands before the value, so that only the whole is the name."""
    return not str(image.main.reference).startswith(str(probe.text))


def _by_name(known: Known, probed: Probed, name: str) -> None:
    """Tell the values of an image by their names, where nothing is rendered."""
    for probe in probed.of(REPOSITORY, TAG, IMAGE):
        words = {slug(part) for part in probe.leaf.path} | {slug(str(probe.leaf.value or ""))}
        if name in words or len(known.pairs) == 1:
            part = "ref" if probe.kind == IMAGE else probe.kind
            known.facts.add(
                "values", probe.path, value=f"${{images.{name}.{part}}}", why="by its name",
                place=known.place(probed, probe.path), sure=False,
            )  # fmt: skip


def _node_port(known: Known, probed: Probed) -> None:
    rendering = probed.rendering
    shown: dict[str, tuple[str, bool]] = {}
    for service in rendering.of("Service") if rendering else ():
        public = any(
            known.facts.get("services", name, "public") and _leads(known, name, service.name)
            for name in known.pairs
        )
        for port in service.spec.get("ports") or ():
            for probe in probed.of(NODE_PORT):
                if isinstance(port, dict) and port.get("nodePort") == probe.text:
                    shown[probe.path] = (str(service), public)
    ordered = sorted(shown, key=lambda path: not shown[path][1])
    for path in ordered[:1]:
        known.facts.add(
            "values", path, value="${cluster.node_port}",
            why=f"it is the nodePort of {shown[path][0]}", place=known.place(probed, path),
        )  # fmt: skip
    for path in ordered[1:]:
        known.facts.remark(f"{path} is a fixed nodePort beside the public one")


def _leads(known: Known, name: str, service: str) -> bool:
    fact = known.facts.facts.get(("services", name, "image"))
    return fact is not None and service in fact.why


# -- secrets


def _secrets(known: Known, probed: Probed) -> None:
    rendering = probed.rendering
    inside = _inside(known, rendering, probed) if rendering else None
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
        elif inside is not None and database and _password(inside, str(probe.text)):
            value, why = "${database.password}", f"it is the password of {inside.main}"
        elif not (names or held or parts):
            known.facts.remark(
                f"{place or probe.path}: {probe.path} sounds like a secret, and shows nowhere"
            )
            continue
        else:
            name = _named(known, variable or probe.leaf.path[-1])
            known.facts.add(
                "secrets", name, "env", value=variable or _guessed(probe),
                why=f"the value {probe.path} holds it", place=place,
            )  # fmt: skip
            known.facts.add("secrets", name, "generate", value=48, why="so that it is long enough")
            value, why = f"${{secrets.{name}}}", f"it is given as {variable or 'a part of a text'}"
        known.facts.add("values", probe.path, value=value, why=why, place=place)


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


def _named(known: Known, variable: str) -> str:
    """Return a free name for a secret: its variable without the word that says it is one."""
    plain = re.sub(r"[_-]?(API[_-]?KEY|SECRET[_-]?KEY|SECRET|TOKEN|KEY)$", "", variable, flags=re.I)
    name = slug(plain) or slug(variable) or "secret"
    env = known.facts.get("secrets", name, "env")
    return name if env in (None, variable) else slug(variable)


def _by_code(known: Known) -> None:
    """Write down the secrets that programs cannot start without and nothing has named."""
    given = {fact.value for fact in known.facts.below("secrets") if fact.key[-1] == "env"}
    given |= {known.facts.get("database", "env")}
    for name, code in known.codes.items():
        for read in code.reads:
            if read.required and sounds_secret(read.name) and read.name not in given:
                given.add(read.name)
                secret = _named(known, read.name)
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


def _environment(known: Known) -> None:
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
                    secret = _named(known, setting.name)
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


# -- variants


def _variants(known: Known, probed: Probed, helm: Renderer) -> None:
    """Find the other ways to install the chart: its switches, tried out."""
    rendering = probed.rendering
    assert rendering is not None
    switches = [
        leaf
        for leaf in probed.chart.leaves
        if leaf.value is False and leaf.path[-1] in ("enabled", "create", "deploy", "install")
    ][:_MOST_VARIANTS]
    database = [leaf for leaf in switches if _OF_DATABASE.search(".".join(leaf.path[:-1]))]
    others = [leaf for leaf in switches if leaf not in database]
    here = _inside(known, rendering, probed)
    if known.facts.get("database", "env"):
        if here is not None:
            _kind(known, here, f"{here.main} is there by default")
            if not any(f.value == "${database.url}" for f in known.facts.below("values")):
                known.facts.remark("no value takes the URL of a database: it is the chart's own")
        for leaf in database if here is None else ():
            if _switch_to_inside(known, probed, helm, dotted(leaf.path)):
                break
    if others:
        every: dict[str, Any] = {dotted(leaf.path): True for leaf in others}
        _variant(known, probed, helm, "switched-on", every, "all that can be switched on")
    for leaf in probed.chart.leaves:
        if re.fullmatch(r"existingSecret(Name)?", leaf.path[-1]) and leaf.value in ("", None):
            paths: dict[str, Any] = {dotted(leaf.path): "a-secret-of-the-users-own"}
            paths |= _emptied(known, SECRETS)
            _variant(
                known, probed, helm, "existing-secret", paths, "a Secret that is there already"
            )
            break


SECRETS = ("${secrets.", "${database.url}", "${database.password}")


def _emptied(known: Known, kinds: Iterable[str]) -> dict[str, Any]:
    """Return the values that hold a secret, emptied."""
    starts = tuple(kinds)
    return {
        fact.key[1]: ""
        for fact in known.facts.below("values")
        if str(fact.value).startswith(starts)
    }


def _switch_to_inside(known: Known, probed: Probed, helm: Renderer, path: str) -> bool:
    """Describe the variant that has the database in the cluster; say whether it is one."""
    leaves = {dotted(leaf.path): leaf for leaf in probed.chart.leaves}
    passwords = [
        p for p, leaf in leaves.items()
        if leaf.value in ("", None) and _OF_DATABASE.search(p) and _PASSWORD.search(leaf.path[-1])
    ]  # fmt: skip
    for given in (passwords, []):
        for emptied in (_emptied(known, ["${database.url}"]), {}):
            paths: dict[str, Any] = {path: True, **emptied}
            paths |= dict.fromkeys(given, "P1probe0000000000000000000000000")
            one = _tried(known, probed, helm, paths)
            image = _inside(known, one, probed) if isinstance(one, Rendering) else None
            if image is None:
                continue
            key, why = ("variants", INSIDE), "tried out: it renders a PostgreSQL in the cluster"
            place = (
                known.probed.chart.place("values.yaml", leaves[path].line) if known.probed else None
            )
            known.facts.add("database", "inside", value=INSIDE, why=why, place=place)
            known.facts.add(*key, path, value=True, why=why, place=place)
            for probe, part in ((image.by_repository, "repository"), (image.by_tag, "tag")):
                if probe:
                    known.facts.add(
                        *key, probe.path, value=f"${{database.{part}}}", why="of its image"
                    )
            for name in emptied:
                known.facts.add(*key, name, value="", why="it is for a database outside")
            for name in given:
                known.facts.add(*key, name, value="${database.password}", why="its password")
            _kind(known, image, f"{image.main} is there in the variant {INSIDE}")
            return True
    return False


def _kind(known: Known, image: Any, why: str) -> None:
    """Write down image and name of a database in the cluster."""
    tag = image.tag or "17"
    repository = image.repository
    if re.fullmatch(r"[\w./-]+", repository) and re.fullmatch(r"[\w.-]+", tag):
        known.facts.add("database", "image", value=f"{repository}:{tag}", why=why)
    for setting in image.main.settings:
        if setting.name in ("POSTGRES_DB", "POSTGRESQL_DATABASE") and re.fullmatch(
            r"[a-z_][a-z0-9_]{0,62}", setting.value or ""
        ):
            known.facts.add("database", "name", value=setting.value, why=f"{why}, with this name")


def _variant(
    known: Known, probed: Probed, helm: Renderer, name: str, paths: dict[str, Any], why: str
) -> None:
    """Describe a variant if it renders; what prevents it is told."""
    for path in list(paths) if len(paths) > 1 else [""]:
        one = _tried(known, probed, helm, paths)
        if isinstance(one, Rendering):
            for each, value in paths.items():
                known.facts.add("variants", name, each, value=value, why=why)
            return
        # The one that it names is left out; then whatever remains is tried again.
        told = next((p for p in paths if p in one.seen or p.rpartition(".")[0] in one.seen), path)
        if paths.get(told) is True:
            known.facts.remark(f"{told} is left out of the variants: {one.headline[:200]}")
            del paths[told]
        else:
            break
    if paths:
        known.facts.remark(f"the variant {name} does not render, and is left out")


def _tried(known: Known, probed: Probed, helm: Renderer, paths: dict[str, Any]) -> Any:
    facts = known.facts
    release, namespace = str(facts.get("chart", "release")), str(facts.get("chart", "namespace"))
    return attempt(helm, probed.chart.folder, release, namespace, {**probed.values, **paths})
