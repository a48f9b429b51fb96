"""Images that start the program itself, as in production."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.contract.finding import Notes
from harness.contract.stage import Stage
from harness.contract.subject import Subject

_DEVELOPMENT = re.compile(
    r"\b(npm|pnpm|yarn)( run)? dev\b|\bnext dev\b|\bvite( dev)?$|\bnodemon\b|--reload\b"
    r"|\bfastapi dev\b|\bflask run .*--debug|\bmanage\.py runserver\b"
    r"|\b(node|bun|deno)\b.* --watch\b|\btsx watch\b|\bts-node-dev\b"
)

#: Official images that start a server by themselves.
SERVER = re.compile(
    r"(^|/)(nginx(-unprivileged)?|httpd|caddy|traefik|haproxy|tomcat|jetty|wildfly|wordpress|drupal"
    r"|php(?=:\S*(apache|fpm)))(:|@|$)"
)


def check(subject: Subject, notes: Notes) -> None:
    """The command is in exec form, and for production."""
    for program in subject.programs.values():
        if program.stage is None:
            continue
        notes.saw(program.docker_place().file)
        for line, seen, fix in _problems(program.stage):
            notes.found(
                program.docker_place(line),
                needed=f"the image {program.name} to start its program as in production",
                seen=seen,
                fix=fix,
            )


def _problems(stage: Stage) -> Iterator[tuple[int | None, str, str]]:
    for one in (stage.entrypoint, stage.command):
        if one is None:
            continue
        if not one.rest.lstrip().startswith("["):
            yield (
                one.line,
                f"`{one.word} {one.rest}` runs in a shell, which keeps the signal to stop from it",
                f'write it as a list: {one.word} ["program", "argument"]',
            )
        words = one.arguments
        shell = len(words) > 2 and words[0].rpartition("/")[2] in ("sh", "bash")
        if shell and words[1] == "-c" and "exec " not in words[2]:
            yield (
                one.line,
                "a shell stands before the program and keeps the signal to stop from it",
                "begin the shell's command with `exec`",
            )
        if words and words[0] in ("npm", "yarn", "pnpm", "npx"):
            yield (
                one.line,
                f"`{words[0]}` stands before the program and does not hand on the signal to stop",
                "start the program itself, by node",
            )
        text = " ".join(words)
        if _DEVELOPMENT.search(text):
            yield one.line, f"`{text}` is a server for development", "start that for production"
    if stage.entrypoint is None and stage.command is None and not SERVER.search(stage.base):
        yield stage.line, "its last stage has neither ENTRYPOINT nor CMD", "add a CMD"
    if stage.env.get("NODE_ENV", "production") != "production":
        yield (
            stage.env_lines["NODE_ENV"],
            f"NODE_ENV is {stage.env['NODE_ENV']}",
            "set it to production",
        )
