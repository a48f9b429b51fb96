"""Lays an unpacked CPython out as the official image does: arrange.py DEBIAN WHEELS.

It lies in /usr/local and runs this. DEBIAN has packages unpacked: ensurepip, the wheel of pip, and
perhaps the C headers. WHEELS, if it is there, has what goes beside pip.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NAME = "python%d.%d" % sys.version_info[:2]
PREFIX = Path("/usr/local")
LIB = PREFIX / "lib" / NAME
# Parts that the official slim images leave out as well, and what only that build has.
LEFT_OUT = ("bin/*2to3*", "bin/idle*", "bin/pip*", "bin/*-config", "lib/itcl*", "lib/libtcl*", "lib/thread*",
            f"lib/{NAME}/config-*", f"lib/{NAME}/tkinter", f"lib/{NAME}/turtle.py",
            f"lib/{NAME}/lib-dynload/_t[ek]*", f"lib/{NAME}/lib-dynload/_xx*", f"lib/{NAME}/lib-dynload/xx*")
# Where it was built, and with what: extensions are built with Debian's compiler.
REPLACED = (("/install", "/usr/local"), ("clang++", "g++"), ("clang", "gcc"),
            ("/tools/llvm/bin/llvm-ar", "ar"), ("-flto=thin", ""), ("-flto", ""), ("-Wl,--emit-relocs", ""))


def main(debian: Path, wheels: Path) -> None:
    for pattern in LEFT_OUT:
        for path in PREFIX.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    links()
    strip()
    variables()
    headers(debian / "usr" / "include")
    (LIB / "site-packages").mkdir(exist_ok=True)
    ensurepip(debian)
    subprocess.run([PREFIX / "bin" / NAME, "-m", "ensurepip", "--default-pip"], check=True)
    if wheels.is_dir():
        beside_pip(wheels)
    for cache in list(PREFIX.rglob("__pycache__")):
        shutil.rmtree(cache)


def links() -> None:
    """What the archive holds twice, since it knows no links, once."""
    for name in ("python3", "python"):
        (PREFIX / "bin" / name).unlink(missing_ok=True)
        (PREFIX / "bin" / name).symlink_to(NAME)
    library = PREFIX / "lib" / f"lib{NAME}.so"
    library.unlink(missing_ok=True)
    library.symlink_to(f"lib{NAME}.so.1.0")


def strip() -> None:
    """Without debug symbols, which are most of the bytes.

    Where there are none nothing is touched: a binary laid out anew after linking, as that of 3.14,
    would not run any more. The running program is replaced, not changed.
    """
    for file in [PREFIX / "bin" / NAME, *(PREFIX / "lib").glob("*.so*"), *LIB.rglob("*.so")]:
        sections = subprocess.run(["readelf", "-SW", file], check=True, capture_output=True, text=True).stdout
        if not file.is_symlink() and ".debug_info" in sections:
            stripped = file.with_name(file.name + ".stripped")
            subprocess.run(["strip", "--strip-unneeded", "-o", stripped, file], check=True)
            os.replace(stripped, file)
            file.chmod(0o755)


def variables() -> None:
    """Build-time variables, as if it had been built here."""
    file, = LIB.glob("_sysconfigdata_*.py")
    text = file.read_text()
    for old, new in REPLACED:
        text = text.replace(old, new)
    text = re.sub(r"('|\")LIBDIR\1: .*", '"LIBDIR": "/usr/local/lib",', text)
    if "/install" in text or "clang" in text:
        raise SystemExit(f"{file}: names of where it was built are left")
    file.write_text(text)


def headers(include: Path) -> None:
    """Debian's, with pyconfig.h in one piece: it splits that by architecture."""
    if not (include / NAME).is_dir():
        return
    target = PREFIX / "include" / NAME
    shutil.copytree(include / NAME, target)
    split, = include.glob(f"*/{NAME}/pyconfig.h")
    shutil.copy2(split, target)


def ensurepip(debian: Path) -> None:
    """Debian's module without its refusal, and the wheel that `python -m venv` installs."""
    source, = debian.glob("usr/lib/python3.*/ensurepip")
    wheel, = (debian / "usr/share/python-wheels").glob("pip-*.whl")
    target = LIB / "ensurepip"
    shutil.copytree(source, target)
    (target / "_bundled").mkdir()
    shutil.copy2(wheel, target / "_bundled")
    module = target / "__init__.py"
    text, count = re.subn(r"(?m)^_PIP_VERSION = .*$", f'_PIP_VERSION = "{wheel.name.split("-")[1]}"', module.read_text())
    text, more = re.subn(r"(?m)^ +_ensurepip_is_disabled_in_debian_for_system\(\)\n", "", text)
    if (count, more) != (1, 1):
        raise SystemExit(f"{module}: version or Debian's refusal is not where it was")
    module.write_text(text)


def beside_pip(wheels: Path) -> None:
    """What else the official image has in site-packages."""
    ignored = shutil.ignore_patterns("__pycache__", "bin", "requirements.txt", ".lock")
    shutil.copytree(wheels, LIB / "site-packages", dirs_exist_ok=True, ignore=ignored)


main(Path(sys.argv[1]), Path(sys.argv[2]))
