"""Servers: of pages for a browser, and of tools for assistants (Model Context Protocol)."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from wattflock.core.errors import Problem, RunError, ScenarioError, WattflockError
from wattflock.verbs.study import Runs

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

    from wattflock.web.app import Site
    from wattflock.web.guard import Access

INSTALL = "pip install 'wattflock[mcp]'"


def serve(
    runs: Runs = Path("runs"),
    port: Annotated[int, "Port to listen on."] = 8420,
    host: Annotated[str, "Address to listen on; another than this computer's own needs a token."] = "127.0.0.1",
    token: Annotated[str, "What a browser must bring, 16 letters or more; WATTFLOCK_TOKEN where not told."] = "",
) -> None:
    """Serve a folder of runs to a browser: reports, training as it goes, a meter file's report card, a conversation.

    Runs can be started, stopped and gone on with from the page; Ctrl-C stops them too, and what they learned is kept.
    Nothing is loaded from elsewhere. Needs the extra `web`; docs/serve.md.

    Example:
        wattflock serve
        wattflock serve --runs results --port 8080
    """
    import os
    import tempfile

    try:
        from wattflock.web.app import Site, Verbs
    except ImportError as error:
        missing = f"the package {error.name} is missing; pip install 'wattflock[web]'"
        raise RunError(f"wattflock serve: {missing}") from error
    from wattflock.verbs.data import looked
    from wattflock.verbs.planning import planned_of
    from wattflock.web.children import Children
    from wattflock.web.guard import Access

    access = Access(host, port, token or os.environ.get("WATTFLOCK_TOKEN", ""))
    if problems := _refused(access):
        raise ScenarioError(problems)
    with tempfile.TemporaryDirectory(prefix="wattflock-serve-") as logs:
        children = Children(runs, Path(logs))
        try:
            _answer(Site(runs, Verbs(looked, planned_of), children), access)
        finally:
            children.end()


def _answer(site: "Site", access: "Access") -> None:
    """Listen and answer until Ctrl-C."""
    import socket
    import threading

    import uvicorn

    from wattflock.core.progress import say
    from wattflock.study.interrupt import ends_by
    from wattflock.web.app import application

    try:
        family = socket.AF_INET6 if ":" in access.host else socket.AF_INET
        listening = socket.create_server((access.host, access.port), family=family)
    except OSError as error:
        where = f"{access.host}, port {access.port}"
        raise RunError(f"wattflock serve: cannot listen on {where} ({error.strerror or error})") from error
    threading.Thread(target=site.warm, daemon=True).start()
    config = uvicorn.Config(
        application(site, access), log_level="warning", access_log=False, server_header=False, ws="none",
        lifespan="off", loop="asyncio", timeout_graceful_shutdown=1,
        limit_concurrency=100,  # connections, idle ones too; `guard` says so first, in words
    )  # fmt: skip
    say(f"{access.address}\nCtrl-C stops it.")
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    with listening, ends_by(stop):
        server.run(sockets=[listening])
    if server.should_exit:
        raise KeyboardInterrupt


def _refused(access: "Access") -> list[Problem]:
    from wattflock.web.guard import LEAST_TOKEN, LOCAL

    where = "wattflock serve"
    wrong = [] if 1 <= access.port <= 65535 else [Problem(where, "--port", access.port, "1 to 65535")]
    if access.token and len(access.token) < LEAST_TOKEN:
        wrong.append(Problem(where, "--token", "***", f"{LEAST_TOKEN} letters or more"))
    if access.host not in LOCAL and not access.token:
        wrong.append(Problem(where, "--host", access.host, "127.0.0.1, or another together with --token"))
    return wrong


def mcp() -> None:
    """Serve the verbs to a language model over standard input and output (Model Context Protocol).

    Files are read and written below the folder in which this is started. Tools that write ask to be confirmed. A
    client starts it by itself: give it this command (docs/plan-my-home.md). Needs the extra `mcp`.

    Example:
        wattflock mcp
    """
    server(Path.cwd()).run("stdio")


def server(folder: Path) -> "MCPServer":
    """A server whose tools read and write below `folder`.

    Raises:
        RunError: the extra is not installed.
    """
    try:
        from mcp.server.mcpserver import MCPServer
        from mcp_types import ToolAnnotations
    except ImportError as error:
        raise RunError(f"wattflock mcp: the package mcp is missing; {INSTALL}") from error
    from importlib.metadata import version

    from wattflock.verbs.tools import PROMPT, READING, WRITING, Tools

    made, tools = MCPServer("wattflock", version=version("wattflock"), log_level="WARNING"), Tools(folder)
    for name in (*READING, *WRITING):
        hints = ToolAnnotations(
            read_only_hint=name in READING,
            destructive_hint=name in WRITING,
            idempotent_hint=True,
            open_world_hint=False,
        )
        made.add_tool(_told(getattr(tools, name)), name, annotations=hints, structured_output=False)
    made.prompt("plan-my-home", description="Talk about a home, then plan it.")(lambda: PROMPT)
    return made


def _told(tool: Callable[..., Any]) -> Callable[..., Any]:
    """The tool, with what the user can correct as an error result; its signature and docstring are kept."""
    from mcp.server.mcpserver.exceptions import ToolError

    from wattflock.verbs.tools import as_text

    @functools.wraps(tool)
    def told(**arguments: Any) -> str:
        try:
            return as_text(tool(**arguments))
        except (WattflockError, OSError) as error:
            raise ToolError(str(error)) from error

    return told


VERBS = (serve, mcp)
