"""Files that have no business in an image made for production (FR-010)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_PEEK = 1 << 16  # bytes of a file that a rule may look at


class Kind(StrEnum):
    """Why something found in an image is remarkable."""

    SECRET = "secret value"  # noqa: S105 - a kind, not a secret
    AUTHORITY = "private certificate authority"
    SECRET_ENV = "variable with a secret's name"  # noqa: S105
    ENV_FILE = ".env file"
    PRIVATE_KEY = "private key"
    CREDENTIALS = "credentials file"
    VERSION_CONTROL = "version control data"
    DEV_DEPENDENCY = "development dependency"
    BUILD_TOOL = "build tool"
    TESTS = "tests of the application"
    BUILD_CACHE = "left-over of the build"


@dataclass(frozen=True)
class Rule:
    """A path pattern, perhaps with a content pattern. `group` counts matches as one.

    The path has no leading slash. `group` is the part of the path, by the pattern's
    group of that name, that findings are reported by.
    """

    kind: Kind
    path: re.Pattern[str]
    content: re.Pattern[bytes] | None = None
    unless: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Suspect:
    """A file that a rule matched; `name` is the folder or file to report."""

    kind: Kind
    name: str


# Third-party trees and the operating system's own: what is called "test" there is not ours.
_FOREIGN = re.compile(
    r"(^|/)(node_modules|site-packages|dist-packages)/|(^|/)lib/python[\d.]*/|^(usr|etc|var|lib)/"
)
_NODE_DEV = (
    r"typescript|eslint|prettier|jest|vitest|mocha|ts-node|tsx|nodemon|husky|storybook"
    r"|playwright|@playwright|@types|@typescript-eslint|@testing-library|webpack-dev-server"
)
_PYTHON_DEV = (
    r"pytest|_pytest|mypy|ruff|black|flake8|pylint|coverage|IPython|debugpy|tox|isort|nose"
    r"|pre_commit"
)
_TOOLS = (
    r"gcc|g\+\+|cc|c\+\+|clang|make|cmake|cargo|rustc|go|git|npm|npx|yarn|yarnpkg|pnpm|pnpx"
    r"|corepack|bun|pip[\d.]*|uv|poetry"
)

RULES: tuple[Rule, ...] = (
    Rule(
        Kind.ENV_FILE,
        re.compile(r"(^|/)\.env(\.[^/]+)?$"),
        unless=re.compile(r"\.(example|sample|template|dist)$"),
    ),
    Rule(Kind.PRIVATE_KEY, re.compile(r"(^|/)id_(rsa|dsa|ecdsa|ed25519)$")),
    Rule(
        Kind.PRIVATE_KEY,
        re.compile(r"\.(pem|key)$"),
        content=re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ),
    Rule(
        Kind.CREDENTIALS,
        re.compile(r"(^|/)\.npmrc$"),
        content=re.compile(rb"_auth(Token)?\s*=|_password\s*="),
    ),
    Rule(
        Kind.CREDENTIALS,
        re.compile(r"(^|/)(pip\.conf|\.yarnrc(\.yml)?|sources\.list|uv\.toml)$"),
        content=re.compile(rb"://[^\s:/@]+:[^\s@/]+@|npmAuthToken"),
    ),
    Rule(
        Kind.CREDENTIALS,
        re.compile(r"(^|/)(\.netrc|\.pypirc|\.git-credentials|\.aws/credentials|\.kube/config)$"),
    ),
    Rule(
        Kind.CREDENTIALS,
        re.compile(r"(^|/)\.docker/config\.json$"),
        content=re.compile(rb"\"auth\"\s*:"),
    ),
    Rule(Kind.VERSION_CONTROL, re.compile(r"^(?P<group>(.*/)?\.(git|hg|svn))/")),
    Rule(
        Kind.DEV_DEPENDENCY, re.compile(rf"^(?P<group>(.*/)?node_modules/({_NODE_DEV}))/")
    ),
    Rule(
        Kind.DEV_DEPENDENCY,
        re.compile(rf"^(?P<group>(.*/)?(site|dist)-packages/({_PYTHON_DEV}))/"),
    ),
    Rule(Kind.BUILD_TOOL, re.compile(rf"(^|/)s?bin/({_TOOLS})$")),
    Rule(
        Kind.TESTS,
        re.compile(r"^(?P<group>(.*/)?(tests?|__tests__|e2e|cypress))/[^/]"),
        unless=_FOREIGN,
    ),
    Rule(
        Kind.TESTS,
        re.compile(r"\.(test|spec)\.[cm]?[jt]sx?$|(^|/)(test_[^/]+|[^/]+_test|conftest)\.py$"),
        unless=_FOREIGN,
    ),
    Rule(
        Kind.BUILD_CACHE,
        re.compile(
            r"^(?P<group>(root|home/[^/]+)/\.(npm|cache|yarn|cargo)|var/lib/apt/lists"
            r"|var/cache/apt/archives|(.*/)?\.next/cache)/(?!(partial/?|lock|auxfiles/?)$)"
        ),
    ),
)  # fmt: skip


def suspects(path: str, start: bytes | None) -> list[Suspect]:
    """Return what the rules say of a file; `start` is its first bytes, None if it has none."""
    found = []
    for rule in RULES:
        match = rule.path.search(path)
        if match is None or (rule.unless and rule.unless.search(path)):
            continue
        if rule.content is not None and not (start and rule.content.search(start)):
            continue
        found.append(Suspect(rule.kind, match.groupdict().get("group") or path))
    return found


def wants_content(path: str) -> int:
    """Return how many bytes of a file the rules want to see: 0 for most."""
    wanted = any(rule.content is not None and rule.path.search(path) for rule in RULES)
    return _PEEK if wanted else 0
