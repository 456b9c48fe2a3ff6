"""What the server refuses, in the form that is expected: JSON in a conversation, words for a script, else a page."""

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from wattflock.web import pages

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
ASKED_BY_SCRIPTS = ("/data", "/plan")  # by POST; as are the streams


def refusal(scope: Scope, code: int, text: str, **headers: str) -> Response:
    """The answer to a request that is refused.

    Args:
        scope: of the request, as ASGI has it.
        code: of HTTP.
        text: what is wrong and what can be done; lines of plain text.
        headers: more of them.
    """
    path, reads = scope["path"], scope["method"] in ("GET", "HEAD")
    if path == "/talk" and not reads:
        return JSONResponse({"error": text}, code, headers)
    if (path in ASKED_BY_SCRIPTS and not reads) or path.endswith("/events"):
        return PlainTextResponse(text, code, headers)
    page = pages.told("This cannot be shown" if reads else "This cannot be done", text)
    return HTMLResponse(page, code, headers | {"content-security-policy": POLICY})
