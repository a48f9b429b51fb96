import http.server
import threading
from collections.abc import Iterator

import pytest

from harness.ports import free_port
from harness.probes.outside import NotAnsweringError, wait_until_answers


class _Waking(http.server.BaseHTTPRequestHandler):
    """Answers 503 twice, then 200; on /never always 503."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        awake = self.path != "/never" and type(self).asked > 2
        self.send_response(200 if awake else 503)
        self.end_headers()
        self.wfile.write(b"awake" if awake else b"still waking")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def address() -> Iterator[str]:
    _Waking.asked = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Waking) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_waits_until_the_answer_is_good(address: str) -> None:
    wait_until_answers(f"{address}/ready", within=20)
    assert _Waking.asked == 3


def test_tells_the_last_answer(address: str) -> None:
    with pytest.raises(NotAnsweringError) as caught:
        wait_until_answers(f"{address}/never", within=0.5)
    assert "503: still waking" in caught.value.seen
    assert caught.value.looked == f"{address}/never"


def test_tells_that_nobody_listens() -> None:
    with pytest.raises(NotAnsweringError, match="ConnectError"):
        wait_until_answers(f"http://127.0.0.1:{free_port()}/", within=0.3)
