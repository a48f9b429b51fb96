"""The way out of this machine: directly, or by the proxy that the environment names."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from ssl import PROTOCOL_TLS_CLIENT, SSLContext

import httpx

from harness.supply.authority import ca_bundle, trust

_PORTS = {"http": 80, "https": 443}


def proxy_for(url: httpx.URL, environ: Mapping[str, str]) -> str:
    """Return the address of the proxy that leads to a URL, empty when none does.

    HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY count, in small letters first.
    """

    def named(name: str) -> str:
        return environ.get(name) or environ.get(name.upper()) or ""

    if any(_is_of(url, pattern.strip().lower()) for pattern in named("no_proxy").split(",")):
        return ""
    address = named(f"{url.scheme}_proxy") or named("all_proxy")
    return f"http://{address}" if address and "://" not in address else address


def _is_of(url: httpx.URL, pattern: str) -> bool:
    """Say whether a URL is of a host, of a domain, of HOST:PORT, or of `*`."""
    name, _, port = pattern.partition(":")
    name = name.lstrip(".")
    if port and port != str(url.port or _PORTS.get(url.scheme)):
        return False
    return bool(name) and (name in ("*", url.host) or url.host.endswith("." + name))


class Routes(httpx.BaseTransport):
    """Sends each request, also after a redirection, directly or by the right proxy.

    Args:
        environ: names proxies and certificates.
        connect: seconds within which a name has to be resolved.

    """

    def __init__(self, environ: Mapping[str, str], connect: float) -> None:
        self._environ, self._connect = environ, connect
        self._transports: dict[tuple[str, str], httpx.HTTPTransport] = {}
        self._context: SSLContext | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises what httpx's own transport raises."""
        proxy = proxy_for(request.url, self._environ)
        first = httpx.URL(proxy) if proxy else request.url
        if first.scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"{first.scheme}:// is not supported", request=request)
        _resolve(first, self._connect, request)
        try:
            transport = self._transport(request.url.scheme, proxy)
        except OSError as error:  # what ssl raises is one too
            said = f"the CA bundle {ca_bundle(self._environ)} cannot be read: {error}"
            raise httpx.ConnectError(said, request=request) from error
        return transport.handle_request(request)

    def close(self) -> None:
        """End all connections."""
        for transport in self._transports.values():
            transport.close()

    def _transport(self, scheme: str, proxy: str) -> httpx.HTTPTransport:
        if (scheme, proxy) not in self._transports:
            secure = proxy.startswith("https:")
            self._transports[scheme, proxy] = httpx.HTTPTransport(
                # Reading all certificates takes a tenth of a second that plain HTTP need not pay.
                verify=self._trust() if scheme == "https" else SSLContext(PROTOCOL_TLS_CLIENT),
                trust_env=False,
                proxy=httpx.Proxy(proxy, ssl_context=self._trust() if secure else None)
                if proxy
                else None,
            )
        return self._transports[scheme, proxy]

    def _trust(self) -> SSLContext:
        if self._context is None:
            self._context = trust(self._environ)
        return self._context


def _resolve(url: httpx.URL, seconds: float, request: httpx.Request) -> None:
    """Resolve the name that is connected to, within a bound that the system's resolver lacks."""
    said = [f"the name was not resolved within {seconds:g} s"]

    def look() -> None:
        try:
            socket.getaddrinfo(url.host, url.port or _PORTS[url.scheme], type=socket.SOCK_STREAM)
            said[0] = ""
        except OSError as error:
            said[0] = error.strerror or str(error)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(seconds)
    if said[0]:
        raise httpx.ConnectError(said[0], request=request)
