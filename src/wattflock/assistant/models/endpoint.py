"""Any server with an OpenAI-compatible chat: a local one or a provider.

The key is read from the environment, sent to the server of `base_url` only (redirects are refused) and stands in no
message, file or representation.
"""

import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from wattflock.assistant.models.model import Message, ModelError, shaped, text_of
from wattflock.core.errors import Problem

URL, NAME, KEY, WAIT = "WATTFLOCK_LLM_URL", "WATTFLOCK_LLM_MODEL", "WATTFLOCK_LLM_KEY", "WATTFLOCK_LLM_TIMEOUT_S"
MOST_BYTES = 400_000  # of an answer
MOST_WAIT_S = 20.0  # that a server may ask for before the next try
PASSING = (408, 409, 425, 429, 500, 502, 503, 504, 529)
REFUSED = (400, 415, 422, 501)  # of servers that do not know a field of what they are asked
FORMS = ("json_schema", "json_object", "text", "bare")  # from all fields to messages alone


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
    form: int = field(default=0, repr=False)  # of `FORMS`, the best that the server takes

    def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
        """The next message; without a schema, or where the server knows none, plain text.

        Raises:
            ModelError: no answer after all tries, or one that is too long or no chat.
        """
        form = max(self.form, FORMS.index("text") if schema is None else 0)
        while True:
            asked = {"model": self.name, "messages": list(messages)} | _fields(FORMS[form], schema)
            status, body = self._tried(json.dumps(asked).encode())
            if status not in REFUSED or form == len(FORMS) - 1:
                break
            form += 1
        if status != 200:
            raise ModelError(f"{self._place()} answered with status {status}{_hint(status)}")
        self.form = self.form if schema is None else form
        return _content(body, self._place())

    def _tried(self, asked: bytes) -> tuple[int, bytes]:
        """Status and body of the first try that did not fail in passing."""
        failure, wait = "", self.wait_s
        for number in range(self.tries):
            if number:
                time.sleep(wait)
                wait *= 2
            try:
                status, headers, body = _within(self.timeout_s, lambda: self._sent(asked))
            except (OSError, http.client.HTTPException) as error:
                failure = _reason(error)
                continue
            if status not in PASSING:
                return status, body
            failure, wait = f"status {status}", max(wait, _asked_for(headers))
        raise ModelError(f"{self._place()} did not answer in {self.tries} tries: {failure}")

    def _sent(self, asked: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """One try; no more than `MOST_BYTES` of an answer are read."""
        headers = {"Content-Type": "application/json"} | _authorised()
        request = urllib.request.Request(f"{self.base_url.rstrip('/')}/chat/completions", asked, headers)
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=self.timeout_s) as answer:
                body = answer.read(MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), b""
        if len(body) > MOST_BYTES:
            raise ModelError(f"{self._place()} answered with more than {MOST_BYTES:,} bytes")
        return answer.status, dict(answer.headers), body

    def _place(self) -> str:
        """The server, without what a URL may have of passwords."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def endpoint(where: str, base_url: str, name: str) -> tuple[Endpoint, list[Problem]]:
    """A server by options or, where they are empty, by the environment; and everything that is wrong with them."""
    url, model = base_url or os.environ.get(URL, ""), name or os.environ.get(NAME, "")
    problems = []
    if not _is_url(url):
        shown = "…" if "@" in url else url
        problems.append(Problem(where, f"--base-url (or {URL})", shown, "http:// or https:// with a host"))
    if not model:
        problems.append(Problem(where, f"--model (or {NAME})", model, "the name of a model of the server"))
    key = os.environ.get(KEY, "").strip()
    if not _is_plain(key):
        problems.append(Problem(where, KEY, "…", "printable ASCII without spaces"))
    seconds = os.environ.get(WAIT, "60")
    if not (seconds.isdecimal() and int(seconds)):
        problems.append(Problem(where, WAIT, seconds, "seconds for one try, 1 or more"))
    return Endpoint(url, model, float(seconds) if seconds.isdecimal() else 0.0), problems


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        return known and _is_plain(url) and "@" not in url
    except ValueError:
        return False


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _authorised() -> dict[str, str]:
    key = os.environ.get(KEY, "").strip()
    return {"Authorization": f"Bearer {key}"} if key else {}


def _fields(form: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is asked for beside an answer; a bare form has nothing of it."""
    plain = {} if form == "bare" else {"temperature": 0, "max_tokens": 400}
    if form == "json_schema":
        return plain | {"response_format": shaped(schema)}
    return plain | ({"response_format": {"type": form}} if form == "json_object" else {})


def _within(seconds: float, work: Callable[[], Any]) -> Any:
    """The result of some work, or a time-out: a socket's own is for one piece of an answer, and there may be many."""
    ended: list[Any] = []

    def done() -> None:
        try:
            ended.append(work())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=done, daemon=True)
    thread.start()
    thread.join(seconds)
    found = ended[0] if ended else TimeoutError()
    if isinstance(found, BaseException):
        raise found
    return found


def _content(body: bytes, place: str) -> str:
    try:
        completion = json.loads(body)
    except (ValueError, RecursionError):
        completion = None
    return text_of(completion, place)


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
