"""Start the server; SIGTERM ends it."""

from __future__ import annotations

import os
import signal
import sys
import threading

from cohere_standin.server import Server

_CONFIGURATION = 78  # EX_CONFIG of sysexits.h


def main() -> int:
    port = os.environ.get("PORT", "8080")
    if not port.isdecimal() or not 0 <= int(port) <= 65535:
        print(f"PORT is {port!r}: a number from 0 to 65535 is needed", file=sys.stderr)
        return _CONFIGURATION
    server = Server((os.environ.get("HOST", "0.0.0.0"), int(port)), os.environ.get("STANDIN_API_KEY"))

    def stop(*_: object) -> None:
        # shutdown() waits for the serving loop, which runs in this very thread.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"listening on port {server.server_address[1]}", flush=True)
    with server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
