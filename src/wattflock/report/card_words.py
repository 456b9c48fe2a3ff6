"""What the card says in sentences: titles, how to read each figure, and what was reached against which bar."""

from typing import Any

from wattflock.report.words import DASH, number

Facts = dict[str, Any]
Row = dict[str, Any]

TITLES = {
    "energy": "Daily energy",
    "bands": "Load by hour",
    "autocorrelation": "Memory from day to day",
    "scale": "Today against yesterday",
    "kinds": "Kinds of weekdays",
    "transitions": "Which kind of day follows which",
    "peak_hours": "Hour of the peak",
    "load_factor": "Load factor",
    "coincidence": "Homes together",
    "pv": "PV: seasons and neighbours",
    "cars": "Electric cars",
    "clusters": "Clusters found across sides",
    "discriminator": "Can made days be told from measured ones?",
    "car_clusters": "Cars: clusters found across sides",
    "car_discriminator": "Cars: can made days be told from measured ones?",
    "privacy": "Is a training day given away?",
}
HOW = {
    "energy": (
        "Left: how often a day has so much energy. Right: homes in order of their mean day. The nearer the blue "
        "line is to the real ones, the better; the gap between the two real lines is chance."
    ),
    "bands": (
        "Half of all days lie within the shaded band of the training homes; lines are the median (thick) and the "
        "10th and 90th percentile (thin) of each hour."
    ),
    "autocorrelation": (
        "How far a home that used more than its mean today did so some days before; 1 is always, 0 is no link. A "
        "bump at 7 and 14 days is the week."
    ),
    "scale": (
        "Each day's energy over the mean of its home, against the day before; dark is frequent. A cloud along the "
        "diagonal means that days are alike."
    ),
    "kinds": (
        "The mean weekday of each kind, as a share of its own energy; beside the name, how many of 100 days are "
        "of that kind on each side. Kinds are K-means clusters of the first side's days by their shape, as in the "
        "paper of HEDGE."
    ),
    "transitions": "Of 100 weekdays of a kind (row), how many are followed by a weekday of which kind (column).",
    "peak_hours": "Of 100 days, how many have their highest hour at which time.",
    "load_factor": (
        "Mean over peak power: left of each day, right of each home over all its days. Low is spiky, high is flat."
    ),
    "coincidence": (
        "Left: peak power per home when so many homes, drawn at random, are added up (after-diversity maximum "
        "demand). Right: that peak as a share of the homes' own peaks."
    ),
    "pv": "Left: the mean day of each month. Right: pairs of homes in order of how their sunny days coincide.",
    "cars": (
        "Above: energy that a session asks for, and the hour at which sessions begin. Below: how many cars are "
        "plugged in."
    ),
    "clusters": (
        "A random forest learns the cluster of a day from its shape on one side and is tested on another. "
        "Synthetic days that teach as well as real ones reach the grey mark; the short line is 95 % of it. "
        "HEDGE's own: 85 % (weekdays) and 90 % (weekends) of real to real."
    ),
    "discriminator": (
        "Gradient boosting learns to tell made days from measured ones and is tested on homes it has not seen: "
        "0.5 is guessing, 1 is always right. The grey mark is the same between two groups of real homes: no "
        "generator can be expected to do better. Thin lines: standard deviation over the folds."
    ),
    "car_clusters": (
        "The same test on days of driving from 6 to 22 h: K-means clusters of weekdays and weekends. HEDGE's own: 93 % "
        "(weekdays) and 90 % (weekends) of real to real."
    ),
    "car_discriminator": (
        "The same on cars: hours at the plug and energies asked for. The grey mark is that of two groups of real cars."
    ),
    "privacy": (
        "Distance of a day to the nearest training day. A generator that copies has its line to the left of that "
        "of held-out homes, near zero."
    ),
}
COLUMN_TITLES = {"load_kw": "Load", "pv_kw": "PV", "ev_charging_need_kwh": "Electric cars"}


def title_of(name: str) -> str:
    """The title of a figure, or of all figures of a column."""
    return TITLES.get(name) or COLUMN_TITLES.get(name, name)


def how(facts: Facts, name: str) -> str:
    """How to read a figure; a side that is not there is not spoken of."""
    if len(facts["sides"]) == 1:
        return HOW[name].partition(" The nearer")[0].replace("of the training homes", "")
    return HOW[name]


def said(facts: Facts, name: str) -> str:
    """The figures reached, and their bars."""
    return " ".join(_sentence(row) for row in facts["rows"] if row["topic"] == name)


def verdicts(facts: Facts) -> tuple[int, int]:
    """How many bars are held, and how many there are."""
    judged = [row["verdict"] for row in facts["rows"] if row["verdict"]]
    return judged.count("held"), len(judged)


def headline(facts: Facts) -> str:
    """The answer in one sentence."""
    held, of = verdicts(facts)
    if not of:
        return "Made homes on their own"
    return f"Made homes hold {held} of {of} bars" if held < of else f"Made homes hold all {of} bars"


def story(facts: Facts) -> str:
    """Below the headline: what falls short, by how much."""
    short = [row for row in facts["rows"] if row["verdict"] == "short"]
    if short:
        return "Short: " + "; ".join(f"{row['figure']}, {value(row)} ({bar(row)})" for row in short) + "."
    if verdicts(facts)[1] and len(facts["sides"]) > 1:
        return "Nothing falls short. Each figure stands beside the same of real homes."
    return "No real homes were given, so the figures stand alone and most bars cannot be judged."


def value(row: Row) -> str:
    """A figure with its unit."""
    return with_unit(row["value"], row["unit"])


def with_unit(amount: float | None, unit: str) -> str:
    """A number and its unit; a unit of 1 is not written."""
    text = number(amount) if amount is None or abs(amount) >= 1e-4 else "0"
    return text if unit == "1" or text == DASH else f"{text} {unit}"


def bar(row: Row) -> str:
    """The bar with its unit; a dash without one."""
    if row["bar"] is None:
        return DASH
    unit = row["unit"].partition(" of ")[0]
    return f"{row['sense']} {row['bar']:g}" + ("" if unit == "1" else f" {unit}")


def of_sides(facts: Facts) -> dict[str, str]:
    """Each side in a few words: homes, period, what was measured."""
    return {side: "; ".join(map(_of_source, sources)) for side, sources in facts["sides"].items()}


def _of_source(one: dict[str, Any]) -> str:
    columns = ", ".join(one["columns"])
    homes = f"{one['homes']:,} home{'s' * (one['homes'] > 1)}"
    return f"{homes}, {one['first_day']} to {one['last_day']}, {one['step_min']:g} min ({columns})"


def _sentence(row: Row) -> str:
    text = f"{row['figure'][:1].upper()}{row['figure'][1:]}: {value(row)}"
    if row["beside"] is not None:
        text += f" ({row['beside_is']}: {with_unit(row['beside'], '1')})"
    return f"{text}; bar: {bar(row)}, {row['verdict']}." if row["verdict"] else f"{text}."
