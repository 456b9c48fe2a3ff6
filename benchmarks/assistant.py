"""How well the offline rules read residents' answers: set A, its parts' first runs, and short interviews.

python benchmarks/assistant.py            # prints the tables
python benchmarks/assistant.py --write    # also writes benchmarks/assistant.md
"""

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path

from pages.head import head

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.assistant import judge_a

TITLE = "How well the rules read residents' answers"
ABOUT = """\
Set A is `tests/assistant/set_a.jsonl`. Its parts were written one after the other by the author of the rules, each
before the rules were run on it. A first run is of the rules as they then were, and is recorded; the rules were mended
afterwards, so that what they read today of the same part proves only that nothing was lost. Parts e to j are nearly all
of the hard kinds; k, l and m are mixed; n is of the kinds that were weakest on answers by another hand.
Shares are of slots. "Among the candidates": right at once, or one of the values that a question would offer. In an
interview a resident answers, and is then asked at most twice: it says yes to what is right, and to what is wrong either
only "no" or the right value; asked again it says the value plainly."""
FIRST = {  # part: slots, right at once, among the candidates, wrong and not read back [%], at the first run
    "a": (167, 92.2, 94.6, 0.6),
    "b": (120, 90.8, 95.8, 0.8),
    "c": (97, 79.4, 84.5, 2.1),
    "d": (93, 84.9, 86.0, 2.2),
    "e": (404, 60.9, 65.3, 8.2),
    "f": (168, 73.8, 81.5, 1.2),
    "g": (132, 70.5, 77.3, 0.8),
    "h": (140, 82.9, 87.1, 0.7),
    "i": (140, 70.0, 76.4, 2.9),
    "j": (75, 66.7, 78.7, 0.0),
    "k": (115, 91.3, 93.9, 0.0),
    "l": (119, 82.4, 87.4, 0.8),
    "m": (37, 89.2, 89.2, 0.0),
    "n": (64, 65.6, 76.6, 0.0),
}
INTERVIEWS = {  # part: right after at most two clarifications, with "no" and with the value [%], at the first run
    "i": (88.1, 92.7),
    "j": (89.9, 98.6),
    "k": (100.0, 100.0),
    "l": (95.3, 97.7),
    "m": (100.0, 100.0),
    "n": (93.8, 100.0),
}
COLUMNS = "right at once [%] | among the candidates [%] | wrong and not read back [%]"


def table(first: str, counted: dict[str, list[judge_a.Verdict]]) -> str:
    """A section of verdicts by what `first` names."""
    lines = [f"| {first} | slots | {COLUMNS} |", "|---|---:|---:|---:|---:|"]
    for name, found in counted.items():
        shares = [100 * sum(part) / len(found) for part in zip(*map(_parts, found), strict=True)]
        lines.append(f"| {name} | {len(found)} | " + " | ".join(f"{share:.1f}" for share in shares) + " |")
    return "\n".join(lines) + "\n"


def _parts(each: judge_a.Verdict) -> tuple[bool, bool, bool]:
    return each.right, each.later, each.silent


def now() -> str:
    """What the rules of today read, by part and by kind of answer."""
    parts, kinds = defaultdict(list), defaultdict(list)
    for row, found in judge_a.verdicts():
        parts[row["id"][0]].append(found)
        kinds[row.get("kind", "not labelled")].append(found)
    every = [each for found in parts.values() for each in found]
    return (
        "## Tuned on\n\n"
        + table("part", {**parts, "all": every})
        + "\n## Tuned on, by kind\n\n"
        + table("kind", dict(sorted(kinds.items())))
    )


def first_runs() -> str:
    """What was recorded of each part before the rules had been mended on it."""
    lines = ["## First runs", "", f"| part | slots | {COLUMNS} |", "|---|---:|---:|---:|---:|"]
    lines += [f"| {part} | {' | '.join(map(str, row))} |" for part, row in FIRST.items()]
    lines += ["", "## First interviews", "", '| part | after "no" [%] | after the value [%] |', "|---|---:|---:|"]
    lines += [f"| {part} | {' | '.join(map(str, row))} |" for part, row in INTERVIEWS.items()]
    return "\n".join(lines) + "\n"


def speed() -> str:
    """Machine time of a reading, and the share of right values after two clarifications."""
    began = time.process_time()
    judge_a.readings()
    per_answer = 1000 * (time.process_time() - began) / len(judge_a.rows())
    alone = [row for row in judge_a.rows() if len(row["expected"]) == len(row["asked"]) == 1]
    told = [row for row in alone if "value" in next(iter(row["expected"].values()))]
    right = {wordy: sum(judge_a.interviewed(row, wordy) is True for row in told) for wordy in (False, True)}
    lines = ["## Interviews", "", "| what | value |", "|---|---:|"]
    lines += [f'| right after two clarifications, "no" [%] | {100 * right[False] / len(told):.1f} |']
    lines += [f"| right after two clarifications, the value [%] | {100 * right[True] / len(told):.1f} |"]
    return "\n".join([*lines, f"| milliseconds of machine time for an answer | {per_answer:.1f} |"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="How well the offline rules read residents' answers.")
    parser.add_argument("--write", action="store_true", help="write benchmarks/assistant.md")
    write = parser.parse_args().write
    body = f"{ABOUT}\n\n{first_runs()}\n{speed()}\n{now()}"
    print(body)
    if write:
        Path(__file__).with_suffix(".md").write_text(head(TITLE) + body, encoding="utf-8")


if __name__ == "__main__":
    main()
