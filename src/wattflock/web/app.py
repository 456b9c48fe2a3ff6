"""The addresses of the server and what answers each: thin functions over the report, the checks and the assistant."""

import base64
import contextlib
import functools
import hashlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.responses import StreamingResponse as Stream
from starlette.routing import Route

from wattflock.assistant.reply import reply
from wattflock.core.errors import RunError, WattflockError
from wattflock.core.files import safe_name
from wattflock.core.run_files import SUMMARY
from wattflock.core.scenario import bundled, load
from wattflock.report import check_page, day_page, geojson, html, plan_page, run_data, run_page
from wattflock.study.run import open_run
from wattflock.web import downloads, listing, live, look, pages
from wattflock.web.children import Children
from wattflock.web.guard import Access, Guard, TooLarge
from wattflock.web.places import Absent, inside, is_name, page_of, run_folder, scenario_files
from wattflock.web.refusal import refusal

SCRIPT = re.compile(r"<script>.*?</script>", re.S)
MAKING = threading.Lock()  # who asks for a page that is being made waits for it
READY = 3  # reports that are made at the start
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; frame-ancestors 'none'; "
    "script-src {}; connect-src {}; form-action {}"
)


@dataclass(frozen=True)
class Verbs:
    """What the server asks of the verbs, which lie above it."""

    looked: Callable[..., Any]  # (path, source, settings) → Look
    planned: Callable[..., Any]  # (state of a conversation) → Planned


@dataclass(frozen=True)
class Site:
    """A folder of runs, served."""

    folder: Path
    verbs: Verbs
    children: Children

    def warm(self) -> None:
        """Make the newest reports before anybody asks for them; what cannot be shown is told when it is asked for."""
        html.scripts()
        every = listing.entries(self.folder)
        for name in [each.name for each in every if each.state == listing.DONE and not each.is_study][:READY]:
            with contextlib.suppress(WattflockError, OSError):
                self._report(run_folder(self.folder, name))

    def index(self, request: Request) -> Response:
        """The list of runs and studies."""
        del request
        choices = [(f"bundled:{name}", name) for name in bundled()]
        choices += [(f"file:{name}", f"{name} in the folder") for name in scenario_files(self.folder)]
        return _page(pages.index(self.folder, listing.entries(self.folder), choices))

    async def start(self, request: Request) -> Response:
        """Start the scenario that the form names, once it is sound."""
        value = (await _form(request)).get("scenario", "")
        return await run_in_threadpool(self._started, value)

    def _started(self, value: str) -> Response:
        kind, _, name = value.partition(":")
        known = bundled()
        path = inside(self.folder, name) if kind == "file" and name.endswith(".toml") else known.get(name)
        if path is None:
            raise Absent(f"There is no scenario {name}; there are {', '.join(known)}.")
        run = open_run(load(path), self.folder).folder.name
        self.children.start(run, str(path.resolve()))
        return RedirectResponse(f"/run/{run}", 303)

    def run(self, request: Request) -> Response:
        """A run: its report once it is judged, its progress before."""
        path, child = self._run(request)
        judged = path.is_dir() and (path / SUMMARY).exists() and live.state(path, child) != listing.UNDER_WAY
        if not judged:
            return _page(pages.under_way(path, child))
        return _page(self._report(path))

    def events(self, request: Request) -> Response:
        """The stream of a run's changes."""
        path, _ = self._run(request)
        name, seen = request.path_params["name"], request.headers.get("last-event-id", "")
        stream = live.events(path, lambda: self.children.known.get(name), seen)
        return Stream(stream, media_type="text/event-stream")

    def stop(self, request: Request) -> Response:
        """Stop the server's own process of a run."""
        name = request.path_params["name"]
        self.children.stop(name)
        return RedirectResponse(f"/run/{name}", 303)

    def resume(self, request: Request) -> Response:
        """Go on with a run that was stopped."""
        path, _ = self._run(request)
        self.children.start(path.name, str((path / "scenario.toml").resolve()))
        return RedirectResponse(f"/run/{path.name}", 303)

    def file(self, request: Request) -> Response:
        """A table of a run, its feeder as GeoJSON, or its page as one file."""
        path, file = run_folder(self.folder, request.path_params["name"]), Path(request.path_params["file"])
        if file.name == "feeder.geojson":
            return _attached(geojson.as_bytes(run_data.read(path)), "application/geo+json", f"{path.name}.geojson")
        if file.name == "report.html":
            return _attached(run_page.page(run_data.read(path)).encode(), "text/html", f"{path.name}.html")
        return _sheet(path.name, file, lambda: downloads.table_of_run(path, file.stem))

    def study(self, request: Request) -> Response:
        """The page of a study as it was written, with our scripts alone and links above it."""
        page = self._study(request)
        path, text = page.parent, page.read_text(encoding="utf-8")
        bar = pages.study_bar(path.name, downloads.tables_of_study(path), downloads.files_of_study(path))
        style = f"<style>{html.STYLE}{look.STYLE}</style></head>"
        text = SCRIPT.sub("", text).replace("</head>", style, 1)
        text = text.replace('<header class="top">', f'<header class="top">{bar}', 1)
        scripts = "".join(f"<script>{each}</script>" for each in html.scripts())
        return HTMLResponse(f"{text}{scripts}", headers={"content-security-policy": _policy(())})

    def study_file(self, request: Request) -> Response:
        """A table of a study, or a file that it wrote."""
        path, file = self._study(request).parent, Path(request.path_params["file"])
        if file.name in downloads.files_of_study(path):
            kind = downloads.FILES[file.suffix]
            return _attached((path / file.name).read_bytes(), kind, f"{path.name}{file.suffix}")
        return _sheet(path.name, file, lambda: downloads.table_of_study(path, file.stem))

    async def check(self, request: Request) -> Response:
        """The report card of the file that is sent, as HTML; the file is deleted again."""
        name, zone = (unquote(request.headers.get(each, "")) for each in ("x-file-name", "x-zone"))
        content = await request.body()
        return await run_in_threadpool(self._checked, name, zone, content)

    def _checked(self, name: str, zone: str, content: bytes) -> Response:
        with tempfile.TemporaryDirectory(prefix="wattflock-") as folder:
            path = Path(folder) / safe_name(name)
            path.write_bytes(content)
            try:
                seen = self.verbs.looked(path, "", [f"zone={zone}"] if zone else [])
            except WattflockError as error:  # where the file lay for a moment is nobody's concern
                raise RunError(str(error).replace(f"{folder}{os.sep}", "")) from error
        boxes = check_page.boxes(path.name, seen, _lines(content, check_page.named_rows(seen)))
        text = "".join(map(html.box, boxes)).replace("<h2>", '<h2 tabindex="-1">', 1)
        return PlainTextResponse(text)

    async def talk(self, request: Request) -> Response:
        """The answer to a turn of the conversation."""
        message = _json(await request.body())
        return JSONResponse(await run_in_threadpool(reply, message))

    async def plan(self, request: Request) -> Response:
        """The plan of a conversation as HTML, or its table as a file."""
        ending = Path(request.url.path).suffix
        if ending:
            state = _json((await _form(request)).get("state", "").encode())
            found = await run_in_threadpool(self.verbs.planned, state)
            return _attached(downloads.sheet(found.table, "plan", ending), downloads.SHEETS[ending], f"plan{ending}")
        state = _json(await request.body()).get("state")
        found = await run_in_threadpool(self.verbs.planned, state)
        boxes = plan_page.boxes(found.sentences, found.figures["plan"])
        return PlainTextResponse("".join(map(html.box, boxes)) + PLAN_FILES)

    def _report(self, path: Path) -> str:
        with MAKING:
            return _finished(path, (path / SUMMARY).stat().st_mtime_ns)

    def _run(self, request: Request) -> tuple[Path, Any]:
        """The folder of a run and the server's own process of it; it may not have made the folder yet."""
        name = request.path_params["name"]
        child, path = self.children.known.get(name), self.folder / name
        if child is None or path.exists():
            path = run_folder(self.folder, name)
        if child is None and not (path / "scenario.toml").is_file():
            raise Absent(f"There is no run {name} in this folder.")
        return path, child

    def _study(self, request: Request) -> Path:
        path = run_folder(self.folder, request.path_params["name"])
        page = page_of(path)
        if page is None or not page.is_file():
            raise Absent(f"There is no study {path.name} in this folder.")
        return page


def application(site: Site, access: Access) -> Guard:
    """The server as ASGI has it."""
    get, post = ["GET"], ["POST"]
    routes = [
        Route("/", site.index, methods=get),
        Route("/start", site.start, methods=post),
        Route("/run/{name}", site.run, methods=get),
        Route("/run/{name}/events", site.events, methods=get),
        Route("/run/{name}/stop", site.stop, methods=post),
        Route("/run/{name}/resume", site.resume, methods=post),
        Route("/run/{name}/{file}", site.file, methods=get),
        Route("/study/{name}", site.study, methods=get),
        Route("/study/{name}/{file}", site.study_file, methods=get),
        Route("/data", lambda _: _page(pages.data()), methods=get),
        Route("/data", site.check, methods=post),
        Route("/talk", lambda _: _page(pages.conversation()), methods=get),
        Route("/talk", site.talk, methods=post),
        *(Route(f"/plan{ending}", site.plan, methods=post) for ending in ("", *downloads.SHEETS)),
    ]
    handlers = dict.fromkeys((WattflockError, TooLarge, *listing.UNSOUND), _wrong) | {
        404: _absent,
        405: _misused,
        500: _failed,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), access)


PLAN_FILES = (
    '<form class="line" method="post"><input type="hidden" name="state">'
    + "".join(
        f'<button formaction="/plan{ending}">The plan as {ending[1:].upper()}</button>' for ending in downloads.SHEETS
    )
    + "</form>"
)


def _wrong(request: Request, error: Exception) -> Response:
    """What a person can correct, in words, in the form that the page expects."""
    code = 404 if isinstance(error, Absent) else 413 if isinstance(error, TooLarge) else 400
    text = str(error)
    if not isinstance(error, (WattflockError, ValueError, TooLarge)):
        text = f"What is told here does not fit together ({type(error).__name__}: {text[:200]})"
    return refusal(request.scope, code, text)


def _absent(request: Request, error: Exception) -> Response:
    del error
    return refusal(request.scope, 404, f"There is no page {request.url.path} here.")


def _misused(request: Request, error: Exception) -> Response:
    """An address that takes another method of HTTP."""
    allowed = (getattr(error, "headers", None) or {}).get("Allow", "")
    return refusal(request.scope, 405, f"{request.url.path} takes {allowed} alone.", allow=allowed)


def _failed(request: Request, error: Exception) -> Response:
    """A fault of ours, which the server's terminal shows."""
    del error
    return refusal(request.scope, 500, "The server failed here; what it says in its terminal tells why.")


@functools.lru_cache(maxsize=8)
def _finished(path: Path, changed_ns: int) -> str:
    """The page of a judged run; `changed_ns` tells one state of its summary from another."""
    del changed_ns
    return pages.finished(path)


def _page(text: str) -> Response:
    own = day_page.script(), look.FILTER, look.LIVE, look.UPLOAD, look.TALK
    return HTMLResponse(text, 200, {"content-security-policy": _policy(own)})


@functools.cache
def _policy(more: tuple[str, ...]) -> str:
    """Our own scripts run and nothing else; with none beside the report's, the page cannot ask the server either."""
    hashes = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (*html.scripts(), *more))
    own = "'self'" if more else "'none'"
    return POLICY.format(" ".join(f"'sha256-{each}'" for each in hashes), own, own)


async def _form(request: Request) -> dict[str, str]:
    """Fields of a form that came in the usual encoding."""
    return {name: values[-1] for name, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("no such message") from error


def _lines(content: bytes, wanted: set[int]) -> dict[int, str]:
    """The rows of a text file by their numbers, counted from 1; none of a file that is no text."""
    if b"\0" in content[:4096]:
        return {}
    text = re.split(r"\r\n|\r|\n", content.decode("utf-8", "replace"))  # and not at a form feed in a cell
    return {row: text[row - 1] for row in wanted if 0 < row <= len(text)}


def _sheet(owner: str, file: Path, table: Callable[[], Any]) -> Response:
    if file.suffix not in downloads.SHEETS or not is_name(file.name):
        raise Absent(f"There is no {file.name} here.")
    content = downloads.sheet(table(), file.stem, file.suffix)
    return _attached(content, downloads.SHEETS[file.suffix], f"{owner}-{file.name}")


def _attached(content: bytes, kind: str, name: str) -> Response:
    """A download; a header holds ASCII alone, so that other letters are told as RFC 6266 has it."""
    told = f'filename="{name}"' if name.isascii() else f"filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=kind, headers={"content-disposition": f"attachment; {told}"})
