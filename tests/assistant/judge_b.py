"""Score `wattflock assistant extract` on the utterances of set_b.jsonl.

    python tests/assistant/judge_b.py --table benchmarks/assistant-b.md [--command "wattflock assistant extract"]

A case is one slot of one utterance. A line of the set has these fields (times "HH:MM", dates ISO, other units in the
slot's name):

- `truth`: {slot: value} that the utterance tells; `accept` may widen it to a range [low, high] where sources differ;
- `ambiguous`: {slot: candidates}; a slot that is also in `truth` may be answered either way;
- `clarified`: {slot: value} that the resident gives when asked again; a slot of `asked` in none of these stays unknown;
- `plain`: {slot: easy answer} for the second pass; `also`: values that may be filled but need not be;
- `kind`: what makes the utterance hard.

The command sees only `id`, `locale`, `question`, `asked` and `utterance`. Numbers agree within 1 %, times and
dates exactly. "Without a read-back": right in one turn and, where a value was filled, not read back.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TITLE = "How well the rules read answers by another hand (set B)"
TODAY = "2024-05-01"  # what relative dates count from where a question names no day
SHOWN = ("id", "locale", "question", "asked", "utterance")
ABOUT = """\
Set B is `tests/assistant/set_b.jsonl`; the author of the rules has not read it. Right in one turn: the value is right,
also where it is then read back; or it is rightly left open. Without a read-back: the same, and nothing is read back, so
that the resident is asked nothing more. Most values that are not plain are read back. Before the last mending of the
rules (a full date in the question, "of that week", thousands in words), which followed a review by somebody who could
read the set, the shares were 83.3, 92.5, 0.0 and 30.5 %."""
UNKNOWN = {"value": None, "state": "unknown", "candidates": [], "read_back": None}
ASK_AGAIN = {
    "ev_battery_kwh": "How large is the battery of the electric car, in kWh?",
    "ev_charger_kw": "What is the power of the car charger at home, in kW?",
    "ev_arrival_time": "At what time does the car come home (24-hour clock)?",
    "ev_departure_time": "At what time does the car leave home (24-hour clock)?",
    "ev_target_soc_pct": "To how many percent should the car be charged?",
    "home_battery_kwh": "How large is the home battery, in kWh?",
    "pv_peak_kw": "What is the peak power of the solar panels, in kW?",
    "comfort_temp_min_c": "What is the lowest comfortable temperature, in °C?",
    "comfort_temp_max_c": "What is the highest comfortable temperature, in °C?",
    "appliance_earliest_start": "From what time may the appliance run (24-hour clock)?",
    "appliance_latest_end": "By what time must the appliance be done (24-hour clock)?",
    "appliance_duration_min": "How many minutes does the appliance run?",
    "date_start": "What is the first day of the plan?",
    "date_end": "What is the last day of the plan?",
    "ev_count": "How many electric cars are there?",
    "city": "In which city is the home?",
}


@dataclass
class Score:
    """Counts of cases; `wrong` also holds slots that the utterance does not tell but that were stored unread."""

    cases: int = 0
    first_turn: int = 0
    two_clarifications: int = 0
    wrong: int = 0
    unread: int = 0  # right in one turn without a read-back

    def add(self, other: Score) -> None:
        self.cases += other.cases
        self.first_turn += other.first_turn
        self.two_clarifications += other.two_clarifications
        self.wrong += other.wrong
        self.unread += other.unread


def agrees(value: Any, truth: Any, accept: list[float] | None = None) -> bool:
    """Whether a value is the true one: within 1 % or the accepted range for numbers, equal otherwise."""
    if truth is None or value is None or isinstance(value, bool):
        return False
    if isinstance(truth, str):
        return str(value).strip().casefold() == truth.casefold()
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    low, high = accept or (truth, truth)
    return min(low, truth * 0.99) - 1e-9 <= number <= max(high, truth * 1.01) + 1e-9


def candidates_of(reply: dict) -> list:
    return [c.get("value") if isinstance(c, dict) else c for c in reply.get("candidates") or []]


def judge_slot(line: dict, slot: str, reply: dict, again: dict) -> Score:
    """The score of one case: `reply` to the utterance, `again` to the plain answer if the slot stayed unknown."""
    told, final = slot in line["truth"], {**line["clarified"], **line["truth"]}.get(slot)
    accept = line.get("accept", {}).get(slot)
    offered = any(agrees(c, final, accept) for c in candidates_of(reply))
    right = agrees(reply["value"], final, accept)
    match reply["state"]:
        case "ambiguous":
            first = int(offered and slot in line["ambiguous"])
            return Score(1, first, int(offered), 0, first)
        case "filled":
            confirmed = bool(reply.get("read_back"))
            first, wrong = int(right and told), int(not right and not confirmed)
            return Score(1, first, int(right or (confirmed and offered)), wrong, first * (not confirmed))
        case "unknown":
            first = int(not told and slot not in line["ambiguous"])
            if final is None:
                return Score(1, first, first, 0, first)
            second = judge_slot(line, slot, again, UNKNOWN) if again["state"] != "unknown" else Score(1)
            return Score(1, first, second.two_clarifications, second.wrong, first)
    raise ValueError(f"{line['id']} {slot}: state {reply['state']!r}; allowed: filled, ambiguous, unknown")


def judge_line(line: dict, replies: dict[str, dict], again: dict[str, dict]) -> dict[str, Score]:
    """Scores by slot; a slot that is not a case counts only if something was stored there without a read-back."""
    scores = {
        slot: judge_slot(line, slot, replies.get(slot, UNKNOWN), again.get(slot, UNKNOWN)) for slot in line["plain"]
    }
    for slot in replies.keys() - scores.keys():
        reply, allowed = replies[slot], line.get("also", {}).get(slot)
        stored = reply["state"] == "filled" and not reply.get("read_back")
        scores[slot] = Score(wrong=int(stored and not agrees(reply["value"], allowed)))
    return scores


def extract(lines: list[dict], command: list[str], today: str = TODAY) -> dict[str, dict[str, dict]]:
    """What the command makes of the lines: {id: {slot: reply}}."""
    with tempfile.TemporaryDirectory() as folder:
        asked, out = Path(folder) / "in.jsonl", Path(folder) / "out.json"
        asked.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
        subprocess.run(
            [*command, str(asked), "--out", str(out), "--today", today], check=True, stdout=subprocess.DEVNULL
        )
        return json.loads(out.read_text(encoding="utf-8"))


def ask_again(lines: list[dict], replies: dict[str, dict]) -> list[dict]:
    """The second pass: one plain answer for every slot that stayed unknown and that the resident can tell."""
    return [
        {"id": f"{line['id']}:{slot}", "question": ASK_AGAIN[slot], "asked": [slot], "utterance": line["plain"][slot]}
        for line in lines
        for slot in {**line["clarified"], **line["truth"]}
        if replies.get(line["id"], {}).get(slot, UNKNOWN)["state"] == "unknown"
    ]


def judge(lines: list[dict], command: list[str], today: str = TODAY) -> tuple[dict[str, Score], dict[str, Score]]:
    """Scores by slot and by kind of utterance, after both passes."""
    replies = extract([{key: line[key] for key in SHOWN if key in line} for line in lines], command, today)
    second = ask_again(lines, replies)
    plain = extract(second, command, today) if second else {}
    by_slot, by_kind = defaultdict(Score), defaultdict(Score)
    for line in lines:
        again = {slot: plain.get(f"{line['id']}:{slot}", {}).get(slot, UNKNOWN) for slot in line["plain"]}
        for slot, score in judge_line(line, replies.get(line["id"], {}), again).items():
            by_slot[slot].add(score)
            by_kind[line["kind"]].add(score)
    return dict(by_slot), dict(by_kind)


def table(scores: dict[str, Score], head: str) -> str:
    """A Markdown table of counts and percentages with the total below."""
    total = Score()
    for score in scores.values():
        total.add(score)
    heads = "right in one turn | right after ≤ 2 clarifications | wrong, accepted unread | without a read-back"
    rows = [f"| {head} | cases | {heads} |", "|---|--:|--:|--:|--:|--:|"]
    for name, score in [*sorted(scores.items()), ("**total**", total)]:
        cases, *counts = astuple(score)
        cells = (f"{count} ({100 * count / max(cases, 1):.1f} %)" for count in counts)
        rows.append(f"| {name} | {cases} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def page(body: str) -> str:
    """A page of measured figures: command, commit, date and machine first."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from pages.head import head  # type: ignore[import-not-found]

    return f"{head(TITLE)}{ABOUT}\n\n{body}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Score `wattflock assistant extract` on a set of utterances.")
    parser.add_argument("--set", type=Path, default=Path(__file__).with_name("set_b.jsonl"))
    parser.add_argument(
        "--command", default="wattflock assistant extract", help="what runs as COMMAND IN --out OUT --today DAY"
    )
    parser.add_argument("--today", default=TODAY, help=f"what relative dates count from; {TODAY}, as the set assumes")
    parser.add_argument("--table", type=Path, help="file for the tables; without it they are printed")
    flags = parser.parse_args()
    lines = [json.loads(line) for line in flags.set.read_text(encoding="utf-8").splitlines() if line]
    by_slot, by_kind = judge(lines, shlex.split(flags.command), flags.today)
    text = f"## By slot\n\n{table(by_slot, 'slot')}\n## By kind\n\n{table(by_kind, 'kind')}"
    if flags.table:
        flags.table.write_text(page(text), encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
