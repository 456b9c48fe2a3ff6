"""Writes docs/commands.md from the commands themselves: `python tests/house/commands.py`."""

from pathlib import Path

from typer.testing import CliRunner

from wattflock.apps.cli import command_name, make_app
from wattflock.verbs import GROUPS, VERBS

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def text() -> str:
    """The page: the help of every command, 100 characters wide."""
    app, run = make_app(VERBS, GROUPS), CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100"})
    calls = [[], *([command_name(verb)] for verb in VERBS)]
    for group, module in GROUPS.items():
        calls += [[group], *([group, command_name(verb)] for verb in module.VERBS)]
    pages = [run.invoke(app, [*call, "--help"], prog_name="wattflock").output.strip() for call in calls]
    parts = [
        f"## {' '.join(['wattflock', *call])}\n\n```\n{page}\n```\n" for call, page in zip(calls, pages, strict=True)
    ]
    return "# Commands\n\nWritten by `python tests/house/commands.py`; a test compares.\n\n" + "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
