"""Any server with an OpenAI-compatible chat: a local one or a provider.

The key is read from the environment, sent to the server of `base_url` only (redirects are refused) and stands in no
message, file or representation.
"""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from wattflock.assistant.models.model import MOST_CHARACTERS, Message, ModelError
from wattflock.core.errors import Problem

URL, NAME, KEY = "WATTFLOCK_LLM_URL", "WATTFLOCK_LLM_MODEL", "WATTFLOCK_LLM_KEY"
MOST_BYTES = 400_000  # of an answer
MOST_WAIT_S = 20.0  # that a server may ask for before the next try
PASSING = (408, 409, 425, 429, 500, 502, 503, 504, 529)
REFUSED_FORMAT = (400, 415, 422, 501)  # of servers that do not know `response_format`
FORMATS = ("json_schema", "json_object", "text")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key to another server."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        return None


@dataclass
class Endpoint:
    """Asks a server; tries again after time-outs and passing failures, with longer and longer waits [s].

    Args:
        base_url: with its version, such as http://localhost:8080/v1.
        name: of the model.
        timeout_s: for one try, all of it.
        tries: in all.
        wait_s: before the second try; it doubles each time.
    """

    base_url: str
    name: str
    timeout_s: float = 60.0
    tries: int = 3
    wait_s: float = 1.0
    form: str = field(default=FORMATS[0], repr=False)  # of the reply, the best that the server takes

    def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
        """The next message; without a schema, or where the server knows none, plain text.

        Raises:
            ModelError: no answer after all tries, or one that is too long or no chat.
        """
        while True:
            form = self.form if schema else "text"
            asked = {"model": self.name, "messages": list(messages), "temperature": 0, "max_tokens": 400}
            status, body = self._tried(json.dumps(asked | _format(form, schema)).encode())
            if status in REFUSED_FORMAT and form != "text":
                self.form = FORMATS[FORMATS.index(form) + 1]
                continue
            if status != 200:
                raise ModelError(f"{self._place()} answered with status {status}{_hint(status)}")
            return _content(body, self._place())

    def _tried(self, asked: bytes) -> tuple[int, bytes]:
        """Status and body of the first try that did not fail in passing."""
        failure, wait = "", self.wait_s
        for number in range(self.tries):
            if number:
                time.sleep(wait)
                wait *= 2
            try:
                status, headers, body = self._sent(asked)
            except (OSError, http.client.HTTPException) as error:
                failure = _reason(error)
                continue
            if status not in PASSING:
                return status, body
            failure, wait = f"status {status}", max(wait, _asked_for(headers))
        raise ModelError(f"{self._place()} did not answer in {self.tries} tries: {failure}")

    def _sent(self, asked: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """One try: all of it within the time-out, and no more than `MOST_BYTES`."""
        ends = time.monotonic() + self.timeout_s
        headers = {"Content-Type": "application/json"} | _authorised()
        request = urllib.request.Request(f"{self.base_url.rstrip('/')}/chat/completions", asked, headers)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            answer = opener.open(request, timeout=self.timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), b""
        with answer:
            return answer.status, dict(answer.headers), self._whole(answer, ends)

    def _whole(self, answer: Any, ends: float) -> bytes:
        body = b""
        while part := answer.read1(65_536):
            body += part
            if len(body) > MOST_BYTES:
                raise ModelError(f"{self._place()} answered with more than {MOST_BYTES:,} bytes")
            if time.monotonic() > ends:
                raise TimeoutError
        return body

    def _place(self) -> str:
        """The server, without what a URL may have of passwords."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def endpoint(where: str, base_url: str, name: str) -> tuple[Endpoint, list[Problem]]:
    """A server by options or, where they are empty, by the environment; and everything that is wrong with them."""
    url, model = base_url or os.environ.get(URL, ""), name or os.environ.get(NAME, "")
    problems = []
    if not _is_url(url):
        shown = urlsplit(url)._replace(netloc="…").geturl() if "@" in url else url
        problems.append(Problem(where, f"--base-url (or {URL})", shown, "http:// or https:// with a host"))
    if not model:
        problems.append(Problem(where, f"--model (or {NAME})", model, "the name of a model of the server"))
    key = os.environ.get(KEY, "").strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        problems.append(Problem(where, KEY, "…", "printable ASCII without spaces"))
    return Endpoint(url, model), problems


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in url and parts.port != 0
    except ValueError:
        return False


def _authorised() -> dict[str, str]:
    key = os.environ.get(KEY, "").strip()
    return {"Authorization": f"Bearer {key}"} if key else {}


def _format(form: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    if form == "json_schema":
        named = {"name": "action", "schema": schema}
        return {"response_format": {"type": form, "json_schema": named}}
    return {"response_format": {"type": form}} if form == "json_object" else {}


def _content(body: bytes, place: str) -> str:
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise ModelError(f"{place} answered with something that is no chat completion") from None
    if not isinstance(content, str):
        raise ModelError(f"{place} answered without text")
    return content[:MOST_CHARACTERS]


def _hint(status: int) -> str:
    if status in (401, 403):
        return f"; is the key in {KEY} right?"
    return "; is there such a model, and does the URL end in /v1?" if status == 404 else ""


def _reason(error: Exception) -> str:
    """In words of our own: those of others may have what was sent."""
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return "it took too long"
    if isinstance(cause, ConnectionRefusedError):
        return "the connection was refused"
    return f"{type(cause if isinstance(cause, Exception) else error).__name__}"


def _asked_for(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to wait, at most `MOST_WAIT_S`."""
    told = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return min(float(told), MOST_WAIT_S) if told.isdecimal() else 0.0
