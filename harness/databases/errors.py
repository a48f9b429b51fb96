"""Why a database cannot be used; one class a cause. No message shows a password."""

from __future__ import annotations

from harness.errors import DeployError, Fault


class DatabaseError(DeployError):
    """A database outside the cluster cannot be used."""


class UrlInvalidError(DatabaseError):
    """The text is not the URL of a PostgreSQL database."""

    fault = Fault.INPUT

    def __init__(self, problem: str, source: str) -> None:
        super().__init__(
            needed="the URL of a PostgreSQL database",
            seen=problem,
            looked=source,
            fix="write postgresql://USER:PASSWORD@HOST[:PORT]/NAME[?sslmode=require], with "
            "special characters of user and password percent-encoded",
        )


class HostIsLoopbackError(DatabaseError):
    """The URL names this machine, which a pod cannot reach by that name."""

    fault = Fault.INPUT

    def __init__(self, host: str, source: str) -> None:
        super().__init__(
            needed="a database that pods can reach",
            seen=f"its host is {host}, which inside a pod means the pod itself",
            looked=source,
            fix="name an address that the cluster reaches, or leave the URL out: "
            "the run then starts a database of its own",
        )


class HostUnknownError(DatabaseError):
    """The name of the host cannot be resolved."""

    def __init__(self, host: str, reason: str, source: str) -> None:
        super().__init__(
            needed=f"an address for the database host {host}",
            seen=f"its name cannot be resolved: {reason}",
            looked=f"this machine's DNS, for the host in {source}",
            fix="correct the host, or this machine's DNS",
        )


class ConnectionRefusedByHostError(DatabaseError):
    """The host is there, but nothing listens on the port."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            needed=f"a PostgreSQL that listens at {where}",
            seen=f"the connection was refused: {reason}",
            looked=where,
            fix="start the database, or correct host and port",
        )


class HostTimedOutError(DatabaseError):
    """Nothing came back in time."""

    def __init__(self, where: str, seconds: float) -> None:
        super().__init__(
            needed=f"an answer of the database at {where} within {seconds:.0f} s",
            seen="nothing came back",
            looked=where,
            fix="check the address and firewalls; a sleeping cloud database may need a first call",
        )


class TlsError(DatabaseError):
    """Client and server do not agree on TLS, or the certificate is not trusted."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            needed=f"a TLS connection to the database at {where}, as its URL asks for",
            seen=reason,
            looked=where,
            fix="correct sslmode and sslrootcert in the URL, or TLS on the server",
        )


class TlsRequiredError(DatabaseError):
    """The server takes no plain connection."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            needed=f"a connection to the database at {where}",
            seen=f"the server refuses it without TLS: {reason}",
            looked=where,
            fix="add sslmode=require to the URL",
        )


class LoginRefusedError(DatabaseError):
    """User or password is wrong, or the user may not come in from here."""

    def __init__(self, where: str, user: str, reason: str) -> None:
        super().__init__(
            needed=f"user {user} to be let in to the database at {where}",
            seen=reason,
            looked=where,
            fix="correct user and password in the URL, percent-encoded",
        )


class ConnectionsExhaustedError(DatabaseError):
    """The server, or the user's share of it, has no free connection."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            needed=f"a free connection to the database at {where}",
            seen=reason,
            looked=where,
            fix="end what holds connections, or have the database allow more",
        )


class DatabaseMissingError(DatabaseError):
    """The server has no database of this name."""

    def __init__(self, where: str, name: str) -> None:
        super().__init__(
            needed=f"the database {name} on the server at {where}",
            seen="the server has no database of this name",
            looked=where,
            fix="create it, or correct the name in the URL",
        )


class NotPostgresError(DatabaseError):
    """Something answers there that is no PostgreSQL, or that fails otherwise."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            needed=f"a PostgreSQL at {where}",
            seen=reason,
            looked=where,
            fix="see the server's own words above, and its log",
        )


class DatabaseNotStartedError(DatabaseError):
    """Our own database did not come up."""

    def __init__(self, image: str, reason: str, log: str) -> None:
        super().__init__(
            needed=f"a PostgreSQL from image {image} to start",
            seen=f"{reason}\nits log:\n{log}",
            looked="the container engine and the container's log",
            fix="read its last words above",
        )


class StatementRefusedError(DatabaseError):
    """Our own database does not do what its administrator tells it."""

    def __init__(self, cluster: str, statement: str, said: str) -> None:
        super().__init__(
            needed=f"`{statement}` to be executed",
            seen=said or "no word about why",
            looked=f"the database of cluster {cluster}, by psql in its container",
            fix="see the server's words above, and its log",
        )
