"""Lays Debian's Python out as the official image does: relocate.py FOLDER.

FOLDER/local becomes /usr/local; FOLDER/packages lists the Debian packages that hold the
shared libraries it needs. Debian's changes to the install paths (dist-packages) are taken
back; text that is not as expected ends the build rather than giving a half-Debian layout.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

NAME = "python%d.%d" % sys.version_info[:2]
# Parts that the official slim images leave out as well, and what only Debian has.
LEFT_OUT = ("test", "idlelib", "tkinter", "turtledemo", "dist-packages", "EXTERNALLY-MANAGED",
            "sitecustomize.py", "_distutils_system_mod.py", "__pycache__", "config-*",
            "_test*.so", "_xxtest*.so", "xxlimited*.so", "xxsubtype*.so")
# Debian's packages for what a plain Debian lacks and programs expect of the official image.
ALWAYS = ("ca-certificates", "netbase", "tzdata")


def main(out: Path) -> None:
    local = out / "local"
    lib = local / "lib" / NAME
    shutil.copytree(f"/usr/lib/{NAME}", lib, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (lib / "site-packages").mkdir()
    (local / "bin").mkdir()
    interpreter(Path(f"/usr/bin/{NAME}"), local / "bin" / NAME)
    for link in ("python3", "python"):
        (local / "bin" / link).symlink_to(NAME)
    headers(local)
    site(lib / "site.py")
    schemes(lib / "sysconfig" / "__init__.py")
    variables(lib)
    bundled_pip(lib)
    (out / "packages").write_text("\n".join(sorted({*ALWAYS, *libraries(local)})) + "\n")
    pip(local)


def interpreter(source: Path, target: Path) -> None:
    """The binary, with upstream's folder name in its frozen copy of site.py.

    The interpreter takes that copy before the file; both names have the same length.
    """
    binary = source.read_bytes()
    if b"dist-packages" not in binary:
        raise SystemExit(f"{source}: the frozen site module names no dist-packages")
    target.write_bytes(binary.replace(b"dist-packages", b"site-packages"))
    target.chmod(0o755)


def headers(local: Path) -> None:
    target = local / "include" / NAME
    shutil.copytree(f"/usr/include/{NAME}", target)
    # Debian splits pyconfig.h by architecture: the copy in the shared folder only includes it.
    shutil.copy2(f"/usr/include/{sysconfig.get_config_var('MULTIARCH')}/{NAME}/pyconfig.h", target)


def site(file: Path) -> None:
    """site-packages below the prefix, inside and outside of virtual environments."""
    text = file.read_text()
    start = text.index("            if is_virtual_environment:\n")
    end = text.index("        else:\n            sitepackages.append(prefix)\n", start)
    file.write_text(text[:start] + '''            for libdir in libdirs:
                sitepackages.append(os.path.join(
                    prefix, libdir, f"{implementation}{ver[0]}.{ver[1]}{abi_thread}",
                    "site-packages"))
''' + text[end:])


def schemes(file: Path) -> None:
    text = file.read_text()
    text, count = re.subn(r"os\.environ\.get\('DEB_PYTHON_INSTALL_LAYOUT', 'posix_local'\)",
                          "'posix_prefix'", text)
    text, more = re.subn(r"prefix_scheme = 'posix_local'", "prefix_scheme = 'posix_prefix'", text)
    if (count, more) != (1, 1):
        raise SystemExit(f"{file}: Debian's install layout is not where it was")
    file.write_text(text)


def variables(lib: Path) -> None:
    """Build-time variables: /usr becomes /usr/local for what was copied."""
    for file in lib.glob("_sysconfigdata_*.py"):
        if file.is_symlink():
            continue
        text = file.read_text()
        for part in (f"include/{NAME}", f"lib/{NAME}", f"bin/{NAME}"):
            text = text.replace(f"/usr/{part}", f"/usr/local/{part}")
        for name in ("BINDIR", "prefix", "exec_prefix", "INCLUDEDIR", "SCRIPTDIR"):
            text = re.sub(rf"('{name}': ')/usr\b", r"\1/usr/local", text)
        text = re.sub(r"('WHEEL_PKG_DIR': )'[^']*'", r"\1None", text)
        file.write_text(text)


def bundled_pip(lib: Path) -> None:
    """The wheel that `python -m venv` installs, where upstream keeps it."""
    wheel, = Path("/usr/share/python-wheels").glob("pip-*.whl")
    bundled = lib / "ensurepip" / "_bundled"
    bundled.mkdir(exist_ok=True)
    shutil.copy2(wheel, bundled)
    module = lib / "ensurepip" / "__init__.py"
    version = wheel.name.split("-")[1]
    text, count = re.subn(r"(?m)^_PIP_VERSION = .*$", f'_PIP_VERSION = "{version}"', module.read_text())
    text, more = re.subn(r"(?m)^ +_ensurepip_is_disabled_in_debian_for_system\(\)\n", "", text)
    if (count, more) != (1, 1):
        raise SystemExit(f"{module}: version or Debian's refusal is not where it was")
    module.write_text(text)


def pip(local: Path) -> None:
    """pip itself, installed by the interpreter that it will belong to."""
    shutil.copytree(local, "/usr/local", dirs_exist_ok=True, symlinks=True)
    python = "/usr/local/bin/python3"
    subprocess.run([python, "-m", "ensurepip", "--default-pip"], check=True)
    shutil.rmtree(local)
    shutil.copytree("/usr/local", local, symlinks=True,
                    ignore=shutil.ignore_patterns("__pycache__", "dist-packages"))


def libraries(local: Path) -> set[str]:
    """Debian packages of every shared library that the interpreter and its modules need."""
    files = [local / "bin" / NAME, *local.rglob("*.so")]
    listed = subprocess.run(["ldd", *files], check=True, capture_output=True, text=True).stdout
    found = {Path(path).resolve() for path in re.findall(r"=> (/\S+)", listed)}
    found = {path for path in found if local not in path.parents}
    owners = set()
    for path in found:
        said = subprocess.run(["dpkg-query", "--search", f"*{path}"], check=True,
                              capture_output=True, text=True).stdout
        owners.add(said.split(":")[0])
    return owners


main(Path(sys.argv[1]))
