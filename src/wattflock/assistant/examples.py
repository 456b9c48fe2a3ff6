"""One worked example for a model, chosen by the kind of the slot that was asked for."""

from collections.abc import Sequence
from typing import Any

from wattflock.assistant.slots import SLOTS

Turn = dict[str, Any]  # an action's fields, and its observation

EXAMPLES: dict[str, tuple[str, str, tuple[Turn, ...]]] = {  # slot, answer, actions with what came of them
    "time": (
        "ev_departure_time",
        "Half seven, most mornings, and back at six.",
        (
            {
                "thought": "Leaving is 'half seven'; six is when they are back.",
                "action": "read_clock",
                "phrase": "half seven, most mornings",
                "observation": "07:30",
            },
            {
                "thought": "Morning was inferred, so it is read back.",
                "action": "read_back",
                "slot": "ev_departure_time",
                "value": "07:30",
                "evidence": "Half seven, most mornings",
                "observation": "proposed",
            },
        ),
    ),
    "date": (
        "date_start",
        "From the third of May 2024, I think.",
        (
            {
                "thought": "A day in words.",
                "action": "read_date",
                "phrase": "the third of May 2024",
                "observation": "2024-05-03",
            },
            {
                "thought": "It was said with its year.",
                "action": "store",
                "slot": "date_start",
                "value": "2024-05-03",
                "evidence": "the third of May 2024",
                "observation": "proposed",
            },
        ),
    ),
    "number": (
        "pv_peak_kw",
        "We have twelve panels, 4.2 kW they told me, and the old boiler is 24 kW.",
        (
            {
                "thought": "The boiler is something else.",
                "action": "validate",
                "slot": "pv_peak_kw",
                "value": 4.2,
                "observation": "fine",
            },
            {
                "thought": "4.2 kW was said of the panels.",
                "action": "store",
                "slot": "pv_peak_kw",
                "value": 4.2,
                "evidence": "4.2 kW they told me",
                "observation": "proposed",
            },
        ),
    ),
    "text": (
        "city",
        "I work in Leeds but we live just outside York.",
        (
            {
                "thought": "Leeds is work; they live near York.",
                "action": "store",
                "slot": "city",
                "value": "York",
                "evidence": "we live just outside York",
                "observation": "proposed",
            },
        ),
    ),
}


def example_for(asked: Sequence[str]) -> tuple[str, str, tuple[Turn, ...]]:
    """Slot, answer and turns of the example nearest to the first slot that was asked for."""
    kind = SLOTS[asked[0]].kind if asked else "text"
    return EXAMPLES["number" if kind == "count" else kind]
