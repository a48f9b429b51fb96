"""Traffic against servers that answer well, badly, late, not at all, or not any more."""

import http.server
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from harness.ports import free_port
from harness.request import Request, Sender
from harness.traffic import Traffic, TrafficEmptyError, TrafficEndedError

QUICK = 0.01


class _Moody(http.server.BaseHTTPRequestHandler):
    """Answers as its mood is; notes who connected."""

    protocol_version = "HTTP/1.1"
    mood: Callable[["_Moody"], None]
    peers: set[tuple[str, int]]

    def do_GET(self) -> None:
        type(self).peers.add(self.client_address)
        type(self).mood(self)

    def answer(self, status: int, text: str = "ok") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        return


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        return  # a client that goes away is what some of these tests are about


@pytest.fixture
def address() -> Iterator[str]:
    _Moody.mood, _Moody.peers = lambda handler: handler.answer(200), set()
    with _Server(("127.0.0.1", 0), _Moody) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_every_request_is_counted_and_has_a_connection_of_its_own(address: str) -> None:
    with Traffic(f"{address}/ready?x=1", pace=QUICK) as traffic:
        traffic.more(20)
    assert traffic.sent == traffic.answered == len(_Moody.peers) >= 21
    assert traffic.failures == ()
    assert all(request.status == 200 and request.seconds >= 0 for request in traffic.requests)
    offsets = [request.at for request in traffic.requests]
    assert offsets == sorted(offsets)
    assert f"{traffic.sent} of {traffic.sent} requests to {address}/ready?x=1" in traffic.describe()


def test_the_first_request_has_ended_when_the_block_begins(address: str) -> None:
    with Traffic(address, pace=60) as traffic:
        assert traffic.sent == 1
    assert traffic.sent == 1


def test_the_pace_is_kept_and_not_caught_up(address: str) -> None:
    slow = iter([True])
    _Moody.mood = lambda handler: (
        time.sleep(0.3 if next(slow, False) else 0),
        handler.answer(200),
    )[1]
    with Traffic(address, pace=0.05) as traffic:
        traffic.more(4)
    starts = [request.at for request in traffic.requests]
    pauses = [late - early for early, late in itertools.pairwise(starts)]
    assert pauses[0] >= 0.3
    assert min(pauses[1:]) >= 0.045


def test_a_bad_status_is_a_failure_with_its_words(address: str) -> None:
    with Traffic(address, pace=QUICK) as traffic:
        traffic.more(2)
        _Moody.mood = lambda handler: handler.answer(503, "the  database\nis away")
        traffic.more(3)
        _Moody.mood = lambda handler: handler.answer(200)
        traffic.more(3)
    assert {request.failure for request in traffic.failures} == {"status 503"}
    assert {request.words for request in traffic.failures} == {"the database is away"}
    assert 0 < len(traffic.failures) < traffic.sent
    assert "status 503: the database is away" in traffic.describe()


def test_other_statuses_can_be_good(address: str) -> None:
    _Moody.mood = lambda handler: handler.answer(401)
    with Traffic(address, pace=QUICK, good=(401,)) as traffic:
        traffic.more(2)
    assert not traffic.failures


def test_headers_go_with_each_request(address: str) -> None:
    _Moody.mood = lambda handler: handler.answer(
        200 if handler.headers["Authorization"] == "Bearer x" else 401
    )
    with Traffic(address, pace=QUICK, headers={"Authorization": "Bearer x"}) as traffic:
        traffic.more(2)
    assert not traffic.failures


def test_a_refused_connection_is_a_failure() -> None:
    with Traffic(f"http://127.0.0.1:{free_port()}/", pace=QUICK) as traffic:
        traffic.more(2)
    assert {request.failure for request in traffic.failures} == {"refused"}
    assert traffic.answered == 0


def test_a_connection_that_is_closed_without_an_answer_is_a_failure(address: str) -> None:
    _Moody.mood = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
    with Traffic(address, pace=QUICK) as traffic:
        traffic.more(2)
    assert {request.failure for request in traffic.failures} == {"reset"}


def test_an_answer_that_is_cut_off_is_a_failure(address: str) -> None:
    def cut(handler: _Moody) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    _Moody.mood = cut
    with Traffic(address, pace=QUICK) as traffic:
        traffic.more(2)
    assert {request.failure for request in traffic.failures} == {"broken"}


def test_silence_is_a_failure_after_the_timeout(address: str) -> None:
    forever = threading.Event()
    _Moody.mood = lambda handler: (forever.wait(5), None)[1]
    with Traffic(address, pace=QUICK, timeout=0.1) as traffic:
        traffic.more(1)
    forever.set()
    assert {request.failure for request in traffic.failures} == {"timeout"}
    assert all(0.1 <= request.seconds < 2 for request in traffic.failures)


def test_a_name_that_nobody_has_is_a_failure() -> None:
    with Traffic("http://nobody.invalid/", pace=QUICK) as traffic:
        pass
    assert {request.failure for request in traffic.failures} == {"unreachable"}


def test_the_longest_gap_reaches_from_one_good_answer_to_the_next(address: str) -> None:
    with Traffic(address, pace=QUICK) as traffic:
        traffic.more(2)
        _Moody.mood = lambda handler: handler.answer(500)
        time.sleep(0.3)
        _Moody.mood = lambda handler: handler.answer(200)
        traffic.more(3)
    assert 0.25 <= traffic.longest_gap < 5
    assert f"{traffic.longest_gap:.2f} s" in traffic.describe()


def test_the_longest_gap_is_all_of_it_when_nothing_was_answered() -> None:
    with Traffic(f"http://127.0.0.1:{free_port()}/", pace=QUICK) as traffic:
        time.sleep(0.2)
    assert traffic.longest_gap >= 0.2


def test_only_the_first_failures_are_shown() -> None:
    with Traffic(f"http://127.0.0.1:{free_port()}/", pace=0.001) as traffic:
        traffic.more(20)
    shown = traffic.describe().splitlines()
    assert len(shown) == 12
    assert shown[-1] == f"  and {traffic.sent - 10} more"


def test_proxies_of_the_environment_are_ignored(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with Traffic(address, pace=QUICK) as traffic:
        traffic.more(1)
    assert not traffic.failures


@pytest.mark.parametrize(
    ("bounds", "words"),
    [({"most": 3}, "3 requests were used up"), ({"longest": 0.2}, "its 0 s were over")],
)
def test_requests_that_end_too_early_are_an_error(
    address: str, bounds: dict[str, float], words: str
) -> None:
    traffic = Traffic(address, pace=QUICK, **bounds)  # type: ignore[arg-type]
    with pytest.raises(TrafficEndedError) as caught, traffic:
        traffic._thread.join(5)
    assert words in caught.value.seen
    assert caught.value.looked == address


def test_a_thread_that_dies_is_an_error(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Request:
        raise KeyError("of the harness")

    with Traffic(address, pace=QUICK) as traffic:
        monkeypatch.setattr(Sender, "send", broken)
        with pytest.raises(TrafficEndedError, match="KeyError"):
            traffic.more(1)
        monkeypatch.undo()
        traffic._ended = ""  # seen already; leaving would say it again


def test_not_one_request_is_an_error(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Traffic, "_run", lambda self: self._stop.wait(5))
    traffic = Traffic(address)
    traffic._thread = threading.Thread(target=traffic._run, daemon=True)
    monkeypatch.setattr(
        Traffic, "more", lambda self, count, _more=Traffic.more: _more(self, count, 0.1)
    )
    with pytest.raises(TrafficEmptyError, match="not one has ended"), traffic:
        pytest.fail("the block was entered")


def test_an_error_of_the_block_stays_and_learns_what_was_seen(address: str) -> None:
    with pytest.raises(ZeroDivisionError) as caught, Traffic(address, pace=QUICK, most=1):
        raise ZeroDivisionError
    assert "meanwhile: 1 of 1 requests" in caught.value.__notes__[0]


@pytest.mark.parametrize("url", ["ftp://x/", "example.org/", "http:///path"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        Traffic(url)
