"""A private PostgreSQL server for the tests: real, throwaway, on a port of its own."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import psycopg

TIMEOUT_S = 60


def find_binaries() -> Path | None:
    """Return the folder of the newest installed server, or None."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda path: path.parts[-2].zfill(4), default=None)


def free_port() -> int:
    """Return a TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Postgres:
    """One server with password authentication; run as `postgres` when the tests run as root."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._data = folder / "data"
        self._folder = folder
        self._root = os.geteuid() == 0
        self.port = free_port()
        self.password = secrets.token_urlsafe(16)

    def create(self) -> None:
        """Make the cluster and start it."""
        password = self._folder / "password"
        password.write_text(self.password)
        if self._root:
            for path in (self._folder, password):
                shutil.chown(path, "postgres", "postgres")
        self._run(
            "initdb", "-D", str(self._data), "-U", "owner", "-A", "scram-sha-256", "--no-sync",
            "--locale=C", "-E", "UTF8", f"--pwfile={password}",
        )  # fmt: skip
        settings = {
            "port": self.port,
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{self._folder}'",
            "fsync": "off",
            "max_connections": 20,
            "superuser_reserved_connections": 3,
        }
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(lines)
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = self._folder / "log"
        self._run("pg_ctl", "-D", str(self._data), "-l", str(log), "-w", "-t", "30", "start")

    def offer_tls(self) -> None:
        """Restart with a self-signed certificate, and refuse connections without TLS."""
        subject, files = "/CN=localhost", ("-keyout", "server.key", "-out", "server.crt")
        self._command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                      "-subj", subject, *files, folder=self._data)  # fmt: skip
        (self._data / "server.key").chmod(0o600)
        with (self._data / "postgresql.conf").open("a") as file:
            file.write("ssl = on\n")
        (self._data / "pg_hba.conf").write_text("hostssl all all all scram-sha-256\n")
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop the server at once; its clients lose their connections."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "-t", "30", "stop")

    def start_if_stopped(self) -> None:
        """Start the server unless it runs."""
        if not (self._data / "postmaster.pid").exists():
            self.start()

    def freeze(self) -> list[int]:
        """Stop every process of the server without ending it; return their ids for `thaw`."""
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        processes = [main, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        return processes

    @staticmethod
    def thaw(processes: list[int]) -> None:
        """Let frozen processes go on."""
        for process in reversed(processes):
            os.kill(process, signal.SIGCONT)

    def url(self, database: str, user: str = "owner", password: str | None = None) -> str:
        """Return the URL of a database."""
        secret = self.password if password is None else password
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as the owner, outside a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        self._command(str(self._binaries / program), *arguments, folder=self._folder)

    def _command(self, *command: str, folder: Path) -> None:
        user = pwd.getpwnam("postgres") if self._root else None
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_S,
            cwd=folder,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed ({done.returncode}): {done.stderr}")
