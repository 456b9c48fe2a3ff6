"""The tools for language models, through the official client: in memory and over standard input and output."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="the package mcp is not installed: pip install 'wattflock[mcp]'")

from mcp import Client, StdioServerParameters

from wattflock.verbs.serving import server
from wattflock.verbs.tools import READING, WRITING

START = "from wattflock.apps.cli import main; main()"


def talk(target: Any, work: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    """Do something with a client that is connected to a server."""

    async def connected() -> None:
        async with Client(target, read_timeout_seconds=120) as client:
            await work(client)

    asyncio.run(connected())


async def called(client: Client, tool: str, /, **arguments: Any) -> tuple[bool, str]:
    """Whether a call is an error result, and its text."""
    result = await client.call_tool(tool, arguments)
    return bool(result.is_error), "".join(getattr(part, "text", "") for part in result.content)


def test_tools_are_few_named_and_marked(tmp_path):
    async def work(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == [*READING, *WRITING] and len(tools) <= 15
        for tool in tools:
            assert len(tool.name) <= 40 and tool.description and tool.annotations
            assert tool.annotations.read_only_hint == (tool.name in READING)
            assert ("confirm" in tool.input_schema["properties"]) == (tool.name in WRITING)
        (prompt,) = (await client.list_prompts()).prompts
        assert prompt.name == "plan-my-home"
        (message,) = (await client.get_prompt("plan-my-home")).messages
        assert "plan_home" in getattr(message.content, "text", "")

    talk(server(tmp_path), work)


def test_a_home_is_talked_about_planned_and_kept(tmp_path):
    async def work(client: Client) -> None:
        _, read = await called(
            client, "read_answer", utterance="I leave at half seven in the morning", asked=["ev_departure_time"]
        )
        assert json.loads(read)["ev_departure_time"]["value"] == "07:30"
        values = {"ev_battery_kwh": 60, "heat_pump_kw": 0}
        failed, planned = await called(client, "plan_home", values=values)
        assert not failed and json.loads(planned)["said"][0].startswith("The car charges each time 00:00–03:32")
        assert (await called(client, "plan_steps", values=values))[1].startswith("begins,")
        assert 'name = "my-home"' in (await called(client, "export_home", to="scenario", values=values))[1]
        assert (await called(client, "save_home", file="home.json", values={"ev_battery_kwh": 60}, confirm=True))[
            0
        ] is False
        assert "00:00–03:32" in (await called(client, "plan_home", kept="home.json"))[1]
        for name in ("list_slots", "list_tariffs", "list_parts", "list_scenarios", "list_runs"):
            assert isinstance(json.loads((await called(client, name))[1]), list)
        assert "trust region" in (await called(client, "explain_name", name="gradmap"))[1]

    talk(server(tmp_path), work)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("plan_home", {"values": {"ev_battery_kwh": "much"}}, "allowed: 5 to 250 kWh"),
    ("plan_home", {"values": 3}, "valid dictionary"),
    ("plan_home", {"kept": "../home.json"}, "below the working folder"),
    ("plan_home", {"kept": "missing.json"}, "is missing"),
    ("plan_home", {"horizon_h": 1}, "12 to 168"),
    ("read_answer", {"utterance": "7", "asked": ["ev_arival_time"]}, "did you mean 'ev_arrival_time'?"),
    ("export_home", {"to": "evc"}, "did you mean 'evcc'?"),
    ("list_parts", {"room": "learner"}, "did you mean"),
    ("write_plan", {"file": "plan.csv"}, "once the user has agreed: this writes plan.csv"),
    ("write_plan", {"file": "plan.exe", "confirm": True}, "ends in .csv"),
    ("write_export", {"file": "/etc/x.json", "to": "evcc", "confirm": True}, "below the working folder"),
    ("save_home", {"file": "link/home.json", "confirm": True}, "below the working folder"),
    ("compare_methods", {"scenario": "mixed"}, "once the user has agreed"),
    ("compare_methods", {"scenario": "mixed", "sets": ["homes.file=../x.csv"], "confirm": True}, "working folder"),
    ("no_such_tool", {}, "Unknown tool"),
]  # fmt: skip


def test_bad_arguments_are_error_results_and_write_nothing(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)

    async def work(client: Client) -> None:
        for name, arguments, word in BAD:
            failed, text = await called(client, name, **arguments)
            assert failed and word in text and "Traceback" not in text, (name, text)

    talk(server(folder), work)
    assert [path.name for path in folder.iterdir()] == ["link"]
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@pytest.mark.slow
def test_the_command_serves_over_standard_input_and_output(tmp_path):
    async def work(client: Client) -> None:
        failed, text = await called(client, "write_plan", file="plan.csv", values={"ev_count": 0}, confirm=True)
        assert not failed, text
        failed, text = await called(client, "plan_home", values={"ev_count": -1})
        assert failed and "allowed: 0 to 20" in text

    command = StdioServerParameters(
        command=sys.executable, args=["-c", START, "mcp"], cwd=tmp_path, env=dict(os.environ)
    )
    talk(command, work)
    assert Path(tmp_path / "plan.csv").read_text().startswith("begins,")
