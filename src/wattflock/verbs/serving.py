"""The tools as a server of the Model Context Protocol, for assistants that can call tools."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattflock.core.errors import RunError, WattflockError

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

INSTALL = "pip install 'wattflock[mcp]'"


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


VERBS = (mcp,)
