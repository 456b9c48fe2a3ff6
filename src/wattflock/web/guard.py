"""What every request passes before a page answers: who asks, from where, and how much they send.

A page of another site that the same browser shows must neither read nor start anything. Sources: RFC 6454 (Origin),
W3C CSP level 3, OWASP cheat sheets "Cross-Site Request Forgery Prevention" and "DNS rebinding".
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattflock.web.refusal import refusal

LOCAL = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")
LEAST_TOKEN = 16  # letters
UPLOAD_BYTES = 64 << 20  # of a meter file
BODY_BYTES = 1 << 20  # of all else
MOST_STREAMS, MOST_OTHERS = 30, 50  # requests at once; a stream lasts as long as its page is open
HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",  # a page has one of its own
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",  # with less, a browser names no origin when it posts
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Access:
    """Where the server listens, and what a visitor must bring: nothing where the token is empty."""

    host: str = LOCAL[0]
    port: int = 8420
    token: str = ""

    @property
    def cookie(self) -> str:
        """The cookie's name: browsers share cookies over the ports of a host."""
        return f"wattflock-{self.port}"

    @property
    def pass_(self) -> str:
        """What the cookie holds: made of the token, which is not told again."""
        return hmac.digest(self.token.encode(), b"wattflock", hashlib.sha256).hex()

    @property
    def address(self) -> str:
        """What a person opens first."""
        name = LOCAL[0] if self.host in EVERYWHERE else self.host
        where = f"http://{f'[{name}]' if ':' in name else name}:{self.port}/"
        return where + (f"?{urlencode({'token': self.token})}" if self.token else "")

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server; a name that an attacker has pointed here is refused.

        With a token every name will do: its cookie belongs to one name, so that none comes with an attacker's.
        """
        return bool(self.token) or _parts(f"//{host}").hostname in (*LOCAL, self.host)

    def admits(self, headers: Mapping[str, str], query: str) -> bool:
        """Whether the token stands in the cookie, in the address or in `Authorization: Bearer`."""
        if not self.token or self.is_program(headers) or _same(dict(parse_qsl(query)).get("token", ""), self.token):
            return True
        return _same(_cookie(headers, self.cookie), self.pass_)

    def is_program(self, headers: Mapping[str, str]) -> bool:
        """Whether it was sent with `Authorization: Bearer`, which no page of another site can make a browser do."""
        kind, _, said = headers.get("authorization", "").partition(" ")
        return bool(self.token) and kind == "Bearer" and _same(said, self.token)


class TooLarge(Exception):
    """More was sent than is taken; the application answers it with 413."""


class Guard:
    """Answers itself what is refused, and passes on the rest; every answer carries `HEADERS`."""

    def __init__(self, app: ASGIApp, access: Access):
        self.app, self.access = app, access
        self.free = {True: MOST_STREAMS, False: MOST_OTHERS}  # for streams, and for all else

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        answer = self._refused(scope) or self._first(scope)
        if answer:
            return await answer(scope, receive, _with_headers(send))
        is_stream = scope["path"].endswith("/events")
        if not self.free[is_stream]:
            busy = refusal(scope, 503, "Too many pages ask at once: try again in some seconds.", **{"retry-after": "5"})
            return await busy(scope, receive, _with_headers(send))
        limit = UPLOAD_BYTES if scope["path"] == "/data" else BODY_BYTES
        self.free[is_stream] -= 1
        try:
            await self.app(scope, _counted(receive, limit), _with_headers(send))
        finally:
            self.free[is_stream] += 1

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host, query = headers.get("host", ""), scope["query_string"].decode("latin-1")
        if not self.access.knows(host):
            return refusal(scope, 421, "This server answers to its own address alone.")
        if not self.access.admits(headers, query):
            return refusal(scope, 401, "Open the address that wattflock serve printed: it ends with ?token=…")
        if scope["method"] not in ("GET", "HEAD") and not (
            _same_origin(headers, host) or self.access.is_program(headers)
        ):
            return refusal(scope, 403, "Only a page of this server can ask for this.")
        if _from_elsewhere(headers):
            return refusal(scope, 403, "A page of another site can lead here by a link alone.")
        length = headers.get("content-length", "0")
        if not re.fullmatch(r"\d{1,12}", length):
            return refusal(scope, 400, "Content-Length is no number.")
        return None

    def _first(self, scope: Scope) -> RedirectResponse | None:
        """A token in the address moves into a cookie, so that it stands in no address from then on."""
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        if not self.access.token or scope["method"] != "GET" or not any(name == "token" for name, _ in query):
            return None
        rest = urlencode([each for each in query if each[0] != "token"])
        path = "/" + scope["path"].lstrip("/\\")  # `//name` would lead to another site
        answer = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(self.access.cookie, self.access.pass_, httponly=True, samesite="strict")
        return answer


def _same(said: str, kept: str) -> bool:
    """In a time that does not tell how much of it is right."""
    return hmac.compare_digest(said.encode(), kept.encode())


def _cookie(headers: Mapping[str, str], name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _same_origin(headers: Mapping[str, str], host: str) -> bool:
    """Whether a page of this very server sent it; a browser always says so."""
    origin = _parts(headers.get("origin", ""))
    return origin.scheme in ("http", "https") and origin.netloc == host


def _from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site asks for anything but to be followed to a page of ours in a tab of its own.

    Source: W3C Fetch Metadata Request Headers. Browsers alone send these headers, and no script can change them.
    """
    if headers.get("sec-fetch-site") != "cross-site":
        return False
    return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) != ("navigate", "document")


def _parts(address: str) -> SplitResult:
    """An address in its parts; none where it is no address, such as `[::1`."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            there: list[Any] = list(message.get("headers", []))
            names = {name.lower() for name, _ in there}
            more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in names]
            message = {**message, "headers": there + more}
        await send(message)

    return sent


def _counted(receive: Receive, limit: int) -> Receive:
    """Raises TooLarge as soon as more than `limit` bytes have come, whatever the headers say."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge(f"No more than {limit >> 20} MB can be sent here.")
        return message

    return counted
