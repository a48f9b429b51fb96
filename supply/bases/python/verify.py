"""Checks the finished layout from the inside; run while the image is built."""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

# One of every kind that needs a shared library.
import bz2, ctypes, curses, decimal, hashlib, lzma, readline, sqlite3, ssl, uuid, zlib  # noqa: E401, F401
import venv  # noqa: F401

home = f"/usr/local/lib/python{sys.version_info[0]}.{sys.version_info[1]}"
expected = {
    "sys.prefix": (sys.prefix, "/usr/local"),
    "sys.base_prefix": (sys.base_prefix, "/usr/local"),
    "os.__file__": (sys.modules["os"].__file__, f"{home}/os.py"),
    "purelib": (sysconfig.get_path("purelib"), f"{home}/site-packages"),
    "scripts": (sysconfig.get_path("scripts"), "/usr/local/bin"),
    "include": (sysconfig.get_path("include"), home.replace("/lib/", "/include/")),
    "sys.path": (sys.path[-1], f"{home}/site-packages"),
}
wrong = [f"{name} is {seen}, not {wanted}" for name, (seen, wanted) in expected.items() if seen != wanted]
if wrong:
    raise SystemExit("\n".join(wrong))
subprocess.run(["pip", "--version"], check=True)
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([f"{folder}/bin/pip", "--version"], check=True)
    where = subprocess.run([f"{folder}/bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                           check=True, capture_output=True, text=True).stdout.strip()
    if not Path(where).is_relative_to(folder):
        raise SystemExit(f"a virtual environment installs to {where}")
print("layout as the official image has it")
