"""What the stand-ins on Alpine do for its commands, by tools that only tell what they did."""

import os
import subprocess
from pathlib import Path

import pytest

from harness.supply.recipe import SOURCES

DIALECT = SOURCES / "alpine"
#: What the Debian of these tests has, beside what it has installed.
OFFERED = "build-essential libpq-dev libc6-dev curl git tini gosu python3-yaml libxyz-dev tzdata"
APT = f"""#!/bin/sh
echo "$(basename "$0") $*" >> "$APK_ROOT/did"
case "$(basename "$0") $*" in
  'apt-get update'*) : > "$APK_ROOT/var/lib/apt/lists/deb_Packages" ;;
  apt-get*broken*) exit 100 ;;
  'apt-mark showmanual') echo curl ;;
  'apt-cache policy '*)
    case " {OFFERED} broken " in *" $3 "*) true ;; esac
    case " {OFFERED} broken " in
      *" $2 "*) echo '  Candidate: 1.0' ;;
      *) echo '  Candidate: (none)' ;;
    esac ;;
  'dpkg-query '*) case $* in *' tini') echo installed ;; *) exit 1 ;; esac ;;
esac
"""


class Image:
    """A folder that apk takes for the root of an image."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hidden = root / "usr" / "lib" / "alpine" / "hidden" / "usr"
        for folder in ("usr/bin", "usr/sbin", "sbin", "etc/apk", "var/lib/apt/lists"):
            (root / folder).mkdir(parents=True)
        for folder in ("bin", "sbin"):
            (self.hidden / folder).mkdir(parents=True)
        packages = (DIALECT / "packages").read_text() + "bad: broken\n"
        (self.hidden.parents[1] / "packages").write_text(packages)
        for name in ("apt-get", "apt-mark", "apt-cache", "dpkg-query"):
            self.tool(f"bin/{name}", APT)
        self.tool("bin/bash", "#!/bin/sh\n")
        self.tool("sbin/useradd", "#!/bin/sh\n")

    def tool(self, name: str, text: str) -> None:
        file = self.hidden / name
        file.write_text(text)
        file.chmod(0o755)

    def apk(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", DIALECT / "apk", *words],
            env={"PATH": os.environ["PATH"], "APK_ROOT": str(self.root)},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def did(self, word: str) -> list[str]:
        """The calls that begin with a word."""
        log = self.root / "did"
        calls = log.read_text().splitlines() if log.exists() else []
        return [call for call in calls if call.startswith(word)]

    def installed(self) -> list[str]:
        """The packages of the calls that installed something."""
        calls = [call.split("--no-install-recommends")[1] for call in self.did("apt-get install")]
        return [package for call in calls for package in call.split()]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path)


@pytest.mark.parametrize(
    ("words", "packages"),
    [
        (["add", "curl", "git"], ["curl", "git"]),
        (["--no-cache", "add", "build-base"], ["build-essential"]),
        (["add", "-U", "--no-cache", "-q", "musl-dev"], ["libc6-dev"]),
        (["add", "--repository", "https://mirror.example/edge", "curl"], ["curl"]),
        (["add", "-X", "https://mirror.example/edge", "curl"], ["curl"]),
        (["add", "curl=8.5.0-r0", "git>2", "tini~0.19"], ["curl", "git", "tini"]),
        (["add", "tzdata@edge"], ["tzdata", "tzdata-legacy"]),
        (["add", "py3-yaml"], ["python3-yaml"]),
        (["add", "xyz-dev"], ["libxyz-dev"]),
        (["add", "libc6-compat"], []),
        (["add", "curl-doc"], []),
    ],
    ids=lambda value: " ".join(value),
)  # fmt: skip
def test_packages_are_asked_for_by_debians_names(
    image: Image, words: list[str], packages: list[str]
) -> None:
    done = image.apk(*words)
    assert done.returncode == 0, done.stderr
    assert image.installed() == packages


def test_a_version_that_cannot_be_kept_is_said(image: Image) -> None:
    assert (
        "any version of curl, where curl=8.5.0-r0 was asked for"
        in image.apk("add", "curl=8.5.0-r0").stderr
    )


def test_names_that_nobody_knows_are_told_together_before_anything_is_installed(
    image: Image,
) -> None:
    done = image.apk("add", "curl", "nothing", "py3-nothing")
    assert done.returncode == 1
    assert "unable to select packages: nothing py3-nothing" in done.stderr
    assert "stands in for one on Alpine" in done.stderr
    assert image.installed() == []


def test_what_debian_fails_to_install_fails(image: Image) -> None:
    done = image.apk("add", "bad")
    assert done.returncode == 1
    assert "were not installed: broken" in done.stderr


def test_a_group_of_packages_goes_as_one_but_for_what_was_there(image: Image) -> None:
    image.apk("add", "--no-cache", "--virtual", ".build-deps", "build-base", "curl")
    assert image.apk("del", "--no-network", ".build-deps").returncode == 0
    assert image.did("apt-mark auto") == ["apt-mark auto build-essential"]
    assert len(image.did("apt-get autoremove")) == 1


def test_the_short_form_of_a_group(image: Image) -> None:
    image.apk("add", "-t", "build", "git")
    image.apk("del", "build")
    assert image.did("apt-mark auto") == ["apt-mark auto git"]


def test_bash_is_there_when_it_was_added_and_not_before_or_after(image: Image) -> None:
    bash = image.root / "usr" / "bin" / "bash"
    assert image.apk("add", "curl").returncode == 0
    assert not bash.exists()
    assert image.apk("info", "-e", "bash").returncode == 1
    assert image.apk("add", "bash").returncode == 0
    assert bash.exists()
    assert image.apk("info", "-e", "bash").stdout == "bash\n"
    image.apk("del", "bash")
    assert not bash.exists()


def test_what_alpine_has_in_shadow_is_uncovered(image: Image) -> None:
    image.apk("add", "shadow")
    assert (image.root / "usr" / "sbin" / "useradd").exists()


def test_a_program_lies_where_alpine_has_it(image: Image) -> None:
    image.apk("add", "su-exec", "tini")
    assert (image.root / "sbin" / "su-exec").readlink() == Path("/usr/sbin/gosu")
    assert (image.root / "sbin" / "tini").readlink() == Path("/usr/bin/tini")


def test_package_lists_are_fetched_when_missing_and_never_left(image: Image) -> None:
    image.apk("update")
    image.apk("add", "curl")
    assert len(image.did("apt-get update")) == 1
    assert list((image.root / "var" / "lib" / "apt" / "lists").iterdir()) == []
    image.apk("add", "git")
    assert len(image.did("apt-get update")) == 2


def test_what_was_added_stands_in_world(image: Image) -> None:
    image.apk("add", "curl", "git")
    image.apk("del", "git")
    assert (image.root / "etc" / "apk" / "world").read_text() == "curl\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "no command"),
        (["dot"], "not done by this stand-in"),
        (["add", "./glibc-2.35-r1.apk"], "a package file of Alpine's"),
        (["--root", "/mnt", "add", "curl"], "another root"),
    ],
    ids=["nothing", "command", "file", "root"],
)
def test_what_is_not_understood_is_refused(image: Image, words: list[str], says: str) -> None:
    done = image.apk(*words)
    assert done.returncode == 1
    assert says in done.stderr


def test_every_line_of_the_table_can_be_read() -> None:
    lines = (DIALECT / "packages").read_text().splitlines()
    names = [line.partition(":")[0] for line in lines if not line.startswith("#")]
    assert names == sorted(set(names))
    for line in lines:
        for word in line.partition(":")[2].split() if not line.startswith("#") else ():
            assert not word.startswith("/") or "=" in word


TOOL = '#!/bin/sh\necho "$(basename "$0")" "$@"\n'
GETENT = """#!/bin/sh
case "$1 $2" in 'passwd app'|'group app'|'group team'|'passwd 100') exit 0 ;; esac
exit 2
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    for name in ("useradd", "usermod", "userdel", "groupadd", "groupdel", "gpasswd"):
        (tmp_path / name).write_text(TOOL)
    (tmp_path / "getent").write_text(GETENT)
    for name in ("adduser", "addgroup", "deluser", "delgroup"):
        (tmp_path / name).symlink_to(DIALECT / "adduser")
    for file in tmp_path.iterdir():
        if not file.is_symlink():
            file.chmod(0o755)
    return tmp_path


def users(tools: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", tools / words[0], *words[1:]],
        env={"PATH": os.environ["PATH"], "ADDUSER_TOOLS": str(tools)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ("addgroup -S web", ["groupadd --gid 101 web"]),
        ("addgroup -g 1001 web", ["groupadd --gid 1001 web"]),
        ("addgroup --system --gid 1001 web", ["groupadd --gid 1001 web"]),
        ("addgroup --gid=1001 web", ["groupadd --gid 1001 web"]),
        ("addgroup app team", ["usermod -a -G team app"]),
        ("adduser app team", ["usermod -a -G team app"]),
        ("delgroup app team", ["gpasswd --delete app team"]),
        ("delgroup team", ["groupdel team"]),
        ("deluser --remove-home app", ["userdel --remove app", "groupdel app"]),
    ],
    ids=str,
)
def test_groups_are_made_with_busyboxs_options(tools: Path, words: str, calls: list[str]) -> None:
    done = users(tools, *words.split())
    assert done.stdout.splitlines() == calls, done.stderr


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("adduser -S web -G team", ["--uid 101 --gid team", "/bin/false", "--create-home"]),
        ("adduser -SDH -u 1001 -G team web", ["--uid 1001 --gid team", "--no-create-home"]),
        ("adduser --system --uid 1001 web --ingroup team", ["--uid 1001 --gid team"]),
        ("adduser -S web", ["--gid nogroup"]),
        ("adduser -D web", ["groupadd --gid 1000 web", "--uid 1000 --gid web", "/bin/sh"]),
        ("adduser -D -h /app -s /bin/ash -g Web web", ["--home-dir /app --shell /bin/ash", "Web"]),
        ("adduser --disabled-password --gecos= --home /app web", ["--home-dir /app"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_users_are_made_with_busyboxs_options(tools: Path, words: str, parts: list[str]) -> None:
    done = users(tools, *words.split())
    assert done.returncode == 0, done.stderr
    for part in parts:
        assert part in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("adduser -D app", "user 'app' in use"),
        ("adduser -D -u 100 web", "uid '100' in use"),
        ("adduser -D -G nobodys web", "unknown group nobodys"),
        ("adduser web nobodys", "unknown user web"),
        ("addgroup team", "group 'team' in use"),
        ("adduser --no-such web", "unrecognized option: no-such"),
        ("deluser nobody", "unknown user nobody"),
        ("adduser", "takes a name"),
    ],
    ids=str,
)
def test_users_that_cannot_be_are_refused(tools: Path, words: str, says: str) -> None:
    done = users(tools, *words.split())
    assert done.returncode == 1
    assert says in done.stderr
