"""Misspelt words that a reading hangs on: number words, units, days, months and times of the day."""

import re
from functools import cache

from wattflock.assistant.grammar import words

KEYS = frozenset([*words.ONES, *words.TENS, "hundred", *words.MONTHS, *words.WEEKDAYS]) | frozenset(
    [
        "after",
        "afternoon",
        "amps",
        "around",
        "batteries",
        "battery",
        "before",
        "between",
        "bolt",
        "celsius",
        "charger",
        "chevrolet",
        "citroen",
        "degree",
        "degrees",
        "easee",
        "enphase",
        "enyaq",
        "evening",
        "fahrenheit",
        "fortnight",
        "givenergy",
        "half",
        "hour",
        "hours",
        "huawei",
        "hypervolt",
        "hyundai",
        "ioniq",
        "kilowatt",
        "kilowatthours",
        "kona",
        "leaf",
        "midnight",
        "miles",
        "minute",
        "minutes",
        "model",
        "morning",
        "niro",
        "nissan",
        "panels",
        "past",
        "percent",
        "peugeot",
        "polestar",
        "powerwall",
        "powerwalls",
        "pylontech",
        "quarter",
        "renault",
        "solar",
        "sonnen",
        "taycan",
        "tesla",
        "today",
        "tomorrow",
        "tonight",
        "until",
        "vauxhall",
        "volkswagen",
        "volts",
        "watts",
        "weekend",
        "zappi",
    ]
)
# Right words that differ from a key by a letter; they are not mended.
OTHERS = frozenset(
    [
        "afternoons",
        "afters",
        "alter",
        "amp",
        "arounds",
        "batter",
        "beforehand",
        "befores",
        "better",
        "changer",
        "charge",
        "charged",
        "chargers",
        "charges",
        "decimeter",
        "decree",
        "degreed",
        "ease",
        "eased",
        "eighteenth",
        "eighth",
        "eighties",
        "eights",
        "eleventh",
        "even",
        "evenings",
        "evens",
        "event",
        "fifteenth",
        "fifth",
        "fifties",
        "foresight",
        "fort",
        "forte",
        "forth",
        "forties",
        "fortnights",
        "forts",
        "fourteenth",
        "fourth",
        "fridays",
        "halt",
        "hourly",
        "house",
        "hundreds",
        "mach",
        "males",
        "marc",
        "marched",
        "marco",
        "marsh",
        "match",
        "matches",
        "mays",
        "melts",
        "milder",
        "mile",
        "milks",
        "minus",
        "minuses",
        "minutely",
        "mixes",
        "modal",
        "mode",
        "models",
        "modes",
        "mondays",
        "money",
        "monthly",
        "morn",
        "mornings",
        "mouth",
        "nineteenth",
        "nineties",
        "ninth",
        "ones",
        "our",
        "ours",
        "panel",
        "paneled",
        "part",
        "parts",
        "percents",
        "pints",
        "polar",
        "pollster",
        "quarters",
        "saturdays",
        "seen",
        "sevens",
        "seventeenth",
        "seventh",
        "seventies",
        "sever",
        "severn",
        "sit",
        "sixteenth",
        "sixth",
        "sixths",
        "sixties",
        "sold",
        "solid",
        "solo",
        "steven",
        "sundays",
        "sunny",
        "sven",
        "teens",
        "tens",
        "tenth",
        "there",
        "these",
        "third",
        "thirst",
        "thirsty",
        "thirteenth",
        "thirties",
        "thirtieth",
        "those",
        "thursdays",
        "tonnes",
        "tree",
        "tuesdays",
        "turned",
        "twelfth",
        "twenties",
        "twentieth",
        "untie",
        "util",
        "vaults",
        "volt",
        "waits",
        "wants",
        "watt",
        "wattle",
        "wednesdays",
        "weekends",
    ]
)


def mended(word: str) -> str:
    """The key that a word is a slip of, or the word itself: same first letter, and one slip (two in long words)."""
    if len(word) < 3 or not word.isalpha() or not word.isascii() or word in KEYS or word in OTHERS:
        return word
    return _mended(word)


@cache
def _mended(word: str) -> str:
    """The only key within the slips that its length allows, else the word; of keys of four letters only swaps."""
    near = []
    for name in KEYS:
        if name[0] != word[0] or abs(len(name) - len(word)) > 2:
            continue
        if len(name) <= 4:
            folded = re.sub(r"(.)\1", r"\1", word) == name
            slips = 1 if folded or (sorted(name) == sorted(word) and slips_between(word, name) == 1) else 9
        else:
            slips = slips_between(word, name)
        if slips <= (1 if len(name) < 8 else 2) and (slips < 2 or name[:2] == word[:2]):
            near.append((slips, name))
    near.sort()
    if not near or (len(near) > 1 and near[0][0] == near[1][0]):
        return word
    return near[0][1]


def slips_between(one: str, two: str) -> int:
    """Letters left out, put in, changed, or swapped with their neighbour (optimal string alignment)."""
    before, last = [], list(range(len(two) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(two, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
