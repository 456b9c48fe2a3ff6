"""What a feeder takes, in words: the headline of a what-if, and what stands below it."""

import polars as pl

from wattflock.report.theme import methods
from wattflock.report.words import counted, joined, number, percent
from wattflock.study.whatif.left import CAP_KW
from wattflock.study.whatif.outcome import CHARGER_KW, Swept

MANY = {"heat_pumps": "heat pumps", "cars": "cars", "panels": "homes with panels", "batteries": "batteries"}
STRICT = (
    "A limit counts as broken where it is exceeded at any place in any step; EN 50160 itself allows 5 % of a week's "
    "ten-minute means."
)

FEW = 0.2  # of the spot loads: below, homes say little of the feeder
WORST = "Lowest, highest, least and worst: the worst seed. All others: means over the seeds."


def headline(found: Swept) -> str:
    """The answer in a sentence: how many of each, alone, the feeder takes under each method."""
    name, homes = found.asked.feeder.rpartition("/")[2], counted(found.asked.all_homes, "home")
    if found.table["kept"].all() and not found.failed:
        most = [f"{most_of(found, sweep)} {MANY[sweep]}" for sweep in several(found)]
        return f"No limit is broken in this sweep: {name} with {homes} takes {joined(most)}"
    if not found.table["kept"].any():
        return f"Limits of {name} with {homes} are broken in every cell of this sweep, under every method"
    looks = methods(found.methods)
    word = " and " if found.asked.together else " or "
    said = [
        f"{word.join(_alone(found, sweep, method) for sweep in several(found))} {_under(looks[method].label)}"
        for method in found.methods
    ]
    return f"{name} with {homes} takes {'; '.join(said)}"


def _under(label: str) -> str:
    label = label.partition(" (")[0]
    return {"uncontrolled": label, "learned": "under learned control"}.get(label, f"under a {label}")


def _alone(found: Swept, sweep: str, method: str) -> str:
    said = reach(at(found, sweep, method, lowest=True), found.asked.all_homes)
    return f"{'no' if said == 'none' else said} {MANY[sweep]}"


def several(found: Swept) -> list[str]:
    """Sweeps of several shares; where there is none, all."""
    return [name for name in found.sweeps if len(found.asked.sweeps[name]) > 1] or list(found.sweeps)


def alike(found: Swept) -> bool:
    """Whether sweeps rise together with the same shares, so that one stands for all."""
    return found.asked.together and len({found.asked.sweeps[name] for name in several(found)}) == 1


def rising(found: Swept, sweep: str) -> str:
    """A sweep in words, with those that rise together with it."""
    if alike(found):
        return joined([MANY[name] for name in several(found)])
    beside = with_it(found, sweep)
    return f"{MANY[sweep]}, {beside}" if beside else MANY[sweep]


def with_it(found: Swept, sweep: str) -> str:
    """What rises together with a sweep, in words; empty where nothing does."""
    others = [MANY[name] for name in several(found) if name != sweep and found.asked.together]
    return f"{joined(others)} rising with them" if others else ""


def at(found: Swept, sweep: str, method: str, lowest: bool) -> dict:
    """What is taken of a sweep where all others are at their lowest, or at their highest, share."""
    table = found.taken.filter((pl.col("sweep") == sweep) & (pl.col("method") == method))
    for other in found.asked.beside(sweep):
        table = table.filter(pl.col(other) == found.asked.sweeps[other][0 if lowest else -1])
    return table.row(0, named=True)


def reach(row: dict, homes: int) -> str:
    """How many homes with a device are taken, over seeds: `22`, `11 to 22`, `all 55`, `22 or more` where none breaks.

    `none`: at the smallest share a limit is broken already, in all seeds; `none to 22`: in some of them.
    """
    if row["none_seeds"] == row["seeds"]:
        return "none"
    most = str(row["most_homes"])
    if row["whole_seeds"] == row["seeds"]:
        return f"all {most}" if row["most_homes"] == homes else f"{most} or more"
    if row["none_seeds"]:
        return f"none to {most}" if row["most_homes"] else "none or 0"
    return most if row["least_homes"] == row["most_homes"] else f"{row['least_homes']} to {most}"


def most_of(found: Swept, sweep: str) -> int:
    """Homes that own the device at the largest share of a sweep."""
    return int(found.asked.sweeps[sweep][-1] * found.asked.homes + 0.5) * found.asked.homes_per_agent


def story(found: Swept) -> list[str]:
    """The sentences below the headline."""
    asked, summary = found.asked, found.summary
    section = summary["scenario"]["feeder"]
    limits = [f"voltages of {section['low_pu']:g} to {section['high_pu']:g} pu"]
    limits += [f"{100 * section['loading']:g} % of the ratings that are known"] if section["loading"] else []
    limits += [f"an unbalance of {100 * section['unbalance']:g} %"] if section["unbalance"] else []
    draws = f"{asked.seeds} draws" if asked.seeds > 1 else "one draw alone"
    alone = "Each number is of one device alone, the others at their lowest share."
    every = "" if asked.reliability == 1 else f"at least {100 * asked.reliability:.4g} % of "
    said = [
        *few_homes(found),
        f"{'Shares rise together.' if asked.together else alone} Over {draws} of the homes, who lives "
        "where, who owns what, and the weather.",
        f"Kept are {joined(limits)}, in every step of {every}{counted(summary['test_days'], 'day')} of weeks on which "
        f"no method was fitted. {STRICT}",
        f"Shares that were tried: {'; '.join(map(_tried, asked.sweeps, asked.sweeps.values()))}.",
    ]
    if asked.homes_per_agent > 1:
        said.append(
            f"{counted(asked.homes, 'home')} are simulated, each with devices of its own; each stands for "
            f"{asked.homes_per_agent} alike."
        )
    smallest = found.table.filter(*(pl.col(name) == shares[0] for name, shares in asked.sweeps.items()))
    broken = smallest.filter((pl.col("method") == "idle") & ~pl.col("kept")).height
    if broken:
        said.append(
            f"At the smallest shares a limit is broken already in {broken} of {asked.seeds} draws: in them the feeder "
            "takes nothing more."
        )
    said += [_together(found, sweep) for sweep in found.sweeps if asked.beside(sweep)]
    return said + _warnings(found)


def few_homes(found: Swept) -> list[str]:
    """A sentence where the homes' peak is small beside the spot loads: the answer is about them; else none."""
    peak_kw = found.table.filter(pl.col("method") == "idle")["peak_kw"].max()
    share = float(peak_kw or 0) / (found.asked.spot_kva or float("inf"))  # type: ignore[arg-type]
    if not 0 < share < FEW:
        return []
    return [
        f"This is about {counted(found.asked.all_homes, 'home')}, not the feeder: uncontrolled, in all cells, they "
        f"draw at most {percent(share, 2)} % of its own spot loads of {number(found.asked.spot_kva)} kVA, in whose "
        "place they stand. More homes: --homes."
    ]


def _tried(sweep: str, shares: tuple[float, ...]) -> str:
    return f"{MANY[sweep]} in {', '.join(f'{100 * share:.4g}' for share in shares)} % of the homes"


def _together(found: Swept, sweep: str) -> str:
    """What is taken of a sweep beside the largest shares of all others."""
    looks = methods(found.methods)
    others = [f"{MANY[other]} in {100 * found.asked.sweeps[other][-1]:g} %" for other in found.sweeps if other != sweep]
    each = [
        f"{looks[name].label.partition(' (')[0]} {reach(at(found, sweep, name, lowest=False), found.asked.all_homes)}"
        for name in found.methods
    ]
    return f"{MANY[sweep].capitalize()} that are taken beside {joined(others)} of the homes: {', '.join(each)}."


def _warnings(found: Swept) -> list[str]:
    """What a reader must know before using a number: no solutions, worse methods, cells that failed."""
    said = []
    unsolved = found.cells.filter(pl.col("solved_seeds") < pl.col("seeds")).height
    if unsolved:
        said.append(
            f"{counted(unsolved, 'cell')} (with a method) had steps without a power flow solution: they count as "
            "broken, and no voltage of theirs is shown."
        )
    looks = methods(found.methods)
    for name in found.methods[1:]:
        idle, mine = (
            found.table.filter(pl.col("method") == each).sort(*found.sweeps, "seed") for each in ("idle", name)
        )
        worse, kept = int((idle["kept"] & ~mine["kept"]).sum()), int(idle["kept"].sum())
        if worse:
            said.append(
                f"{looks[name].label} breaks a limit in {worse} of {counted(kept, 'run')} in which the "
                "uncontrolled homes keep all: it was fitted to save money on other days, and a limit may be missed on "
                "these."
            )
        if found.table.filter((pl.col("method") == name) & (pl.col("rounds") < pl.col("rounds_asked"))).height:
            said.append(f"{looks[name].label} was judged before the end of its training: its time was limited.")
    if found.table["places"].max() == 0:
        said.append("What is left at each place was not looked for: the feeder has too many places.")
    return said + [f"Without a result: {each}" for each in found.failed]


def glossary() -> dict[str, str]:
    """What the words of the page mean."""
    return {
        "use of the tightest limit": "How much of a limit is used, of the one that is used most: 0 % at nominal "
        "voltage, no current and no unbalance, 100 % at the limit. The worst seed.",
        "hosting left": "How much more one place alone could draw, at unity power factor, in the two tightest steps: "
        f"the lowest voltage and the highest loading. Looked for up to {CAP_KW:g} kW: where a place reaches that, a "
        "number means so much or more, and columns that end in capped say so. 0 where a limit is broken then.",
        "places for one more charger": f"Places at which one more charger of {CHARGER_KW:g} kW could run in those "
        "steps, each by itself.",
        "violated node-steps": "Share of all judged voltages and hours outside the band.",
        "cost": "Per home and day: energy, wear and discomfort, less what is left in batteries and cars.",
        "worth": "How many more homes fit than uncontrolled until the tightest limit is reached, along a straight line "
        "between cells; how many years later that is, and how much of what reinforcing the network costs is saved by "
        "waiting, in money of the first year.",
        "seed": "A draw of homes, weather, who lives where and who owns what. Within a seed a larger share only adds "
        "devices.",
    }
