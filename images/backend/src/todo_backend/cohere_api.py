"""Cohere's chat API: the vendor's client, loaded late, with named failures."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

if TYPE_CHECKING:
    import httpx
    from cohere.base_client import BaseCohere
    from cohere.core.request_options import RequestOptions
    from cohere.types.assistant_message_response import AssistantMessageResponse

CHECK_TIMEOUT_S = 5.0
RECHECK_GOOD_S = 300.0
RECHECK_BAD_S = 15.0

logger = logging.getLogger(__name__)

type Status = Literal["unknown", "reachable", "rejected", "failing", "unreachable"]


class CohereError(Exception):
    """Cohere gave no usable answer; `http_status` is what our own caller should get."""

    def __init__(self, detail: str, status: Status, *, http_status: int) -> None:
        super().__init__(detail)
        self.status: Status = status
        self.http_status = http_status


@dataclass(frozen=True, slots=True)
class AiReport:
    """What the last contact with Cohere showed."""

    status: Status
    detail: str
    at: float = float("-inf")

    @property
    def stale(self) -> bool:
        """Whether it is time to look again: rarely while all is well."""
        limit = RECHECK_GOOD_S if self.status == "reachable" else RECHECK_BAD_S
        return time.monotonic() - self.at > limit


class CohereApi:
    """One client for the process; safe to use from several threads."""

    def __init__(self, api_key: str, model: str, base_url: str | None = None) -> None:
        self.model = model
        self.report = AiReport("unknown", "not contacted yet")
        self._api_key = api_key
        self._base_url = re.sub(r"/v[12]$", "", base_url) if base_url else None
        self._client: BaseCohere | None = None
        self._http: httpx.Client | None = None
        self._lock = threading.Lock()

    def chat(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]], *, timeout: float
    ) -> AssistantMessageResponse:
        """Send a conversation and return the model's turn.

        Raises:
            CohereError: no usable answer within `timeout` seconds.

        """

        def ask(client: BaseCohere, options: RequestOptions) -> AssistantMessageResponse:
            from cohere.types.assistant_message_response import AssistantMessageResponse

            answer = client.v2.chat(
                model=self.model, messages=messages, tools=tools, request_options=options
            )
            # The vendor's models take any JSON: what is missing is None, whatever the type says.
            if not isinstance(answer.message, AssistantMessageResponse):
                raise TypeError(f"no message in {answer!r:.200}")
            return answer.message

        return self._call(ask, timeout)

    def check(self) -> AiReport:
        """Ask Cohere whether it knows the API key; keep the answer in `report` and return it."""
        try:
            answer = self._call(
                lambda client, options: client.check_api_key(request_options=options),
                CHECK_TIMEOUT_S,
            )
        except CohereError:
            return self.report
        if not answer.valid:
            self._note("rejected", "Cohere does not accept the API key")
        return self.report

    def _call[T](self, ask: Callable[[BaseCohere, RequestOptions], T], timeout: float) -> T:
        # No retries: the vendor's client may sleep for a minute before one, our caller waits.
        options: RequestOptions = {"timeout": timeout, "max_retries": 0}
        try:
            answer = ask(self._loaded(), options)
        except Exception as error:
            self._fail(error)
        self._note("reachable", "Cohere answers")
        return answer

    def _loaded(self) -> BaseCohere:
        with self._lock:
            if self._client is None:
                # 0.4 s of CPU, far more under a container's limit: so not at start-up. And
                # not `cohere.ClientV2`: it adds v1 helpers that import a tokenizer (30 MB).
                import httpx
                from cohere.base_client import BaseCohere

                self._http = httpx.Client(follow_redirects=True)
                self._client = BaseCohere(
                    token=self._api_key,
                    base_url=self._base_url,
                    client_name="todo-backend",
                    httpx_client=self._http,
                )
            return self._client

    def close(self) -> None:
        """Close the connections to Cohere."""
        if self._http is not None:
            self._http.close()

    def _fail(self, error: Exception) -> NoReturn:
        """Turn what the vendor's client raised into a `CohereError`, and remember it."""
        import httpx
        from cohere.core.api_error import ApiError

        known: CohereError
        if isinstance(error, ApiError) and error.status_code in (401, 403):
            text = f"Cohere does not accept the API key (HTTP {error.status_code})"
            known = CohereError(text, "rejected", http_status=502)
        elif isinstance(error, ApiError) and error.status_code == 429:
            known = CohereError("Cohere limits our requests", "failing", http_status=503)
        elif isinstance(error, ApiError):
            text = f"Cohere answered HTTP {error.status_code}"
            known = CohereError(text, "failing", http_status=502)
        elif isinstance(error, httpx.TimeoutException):
            known = CohereError("Cohere does not answer in time", "unreachable", http_status=503)
        elif isinstance(error, httpx.TransportError):
            text = f"Cohere cannot be reached ({error})"
            known = CohereError(text, "unreachable", http_status=503)
        else:
            logger.error("unexpected answer from Cohere", exc_info=error)
            known = CohereError("Cohere's answer cannot be read", "failing", http_status=502)
        self._note(known.status, str(known))
        raise known from error

    def _note(self, status: Status, detail: str) -> None:
        if status != self.report.status:
            level = logging.INFO if status == "reachable" else logging.WARNING
            logger.log(level, "assistant %s: %s", status, detail)
        self.report = AiReport(status, detail, time.monotonic())
