"""Misspelt words that a reading hangs on: number words, units, days, months and times of the day."""

from functools import cache

from wattflock.assistant.grammar import words

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
KEYS = frozenset(
    [
        *words.ONES,
        *words.TENS,
        "hundred",
        *MONTHS,
        *DAYS,
        *[
            "half",
            "past",
            "quarter",
            "until",
            "morning",
            "afternoon",
            "evening",
            "midnight",
            "tonight",
            "tomorrow",
            "today",
            "weekend",
            "fortnight",
        ],
        *[
            "kilowatt",
            "kilowatts",
            "kilowatthours",
            "percent",
            "degrees",
            "degree",
            "celsius",
            "fahrenheit",
            "hours",
            "hour",
            "minutes",
            "minute",
        ],
        *[
            "model",
            "nissan",
            "hyundai",
            "renault",
            "volkswagen",
            "vauxhall",
            "citroen",
            "peugeot",
            "polestar",
            "taycan",
            "enyaq",
            "ioniq",
            "chevrolet",
            "leaf",
            "kona",
            "bolt",
            "niro",
            "powerwall",
            "powerwalls",
            "pylontech",
            "givenergy",
            "enphase",
            "huawei",
            "sonnen",
            "zappi",
            "hypervolt",
            "easee",
            "tesla",
            "tomorrow",
        ],
        *[
            "around",
            "between",
            "before",
            "after",
            "miles",
            "volts",
            "watts",
            "amps",
            "panels",
            "battery",
            "batteries",
            "solar",
            "charger",
        ],
    ]
)
# Right words that differ from a key by a letter; they are not mended.
OTHERS = frozenset(
    [
        "twenties",
        "thirties",
        "forties",
        "fifties",
        "sixties",
        "seventies",
        "eighties",
        "nineties",
        "teens",
        "fort",
        "there",
        "these",
        "those",
        "tree",
        "forth",
        "eights",
        "sevens",
        "evens",
        "part",
        "parts",
        "morn",
        "halt",
        "august",
        "monthly",
        "mouth",
        "hourly",
        "our",
        "ours",
        "house",
        "watt",
        "amp",
        "panel",
        "paneled",
        "charge",
        "charges",
        "charged",
        "chargers",
        "changer",
        "batter",
        "better",
        "solo",
        "minus",
        "minuses",
        "degreed",
        "mile",
        "quarters",
        "mornings",
        "evenings",
        "afternoons",
        "weekends",
        "fortnights",
        "tens",
        "ones",
        "mays",
        "mondays",
        "tuesdays",
        "wednesdays",
        "thursdays",
        "fridays",
        "saturdays",
        "sundays",
        "hundreds",
        "untie",
        "arounds",
        "befores",
        "thirst",
        "thirsty",
        "sixths",
        "sixth",
        "eighth",
        "seventh",
        "ninth",
        "tenth",
        "fifth",
        "third",
        "fourth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
        "twentieth",
        "thirtieth",
        "minutely",
        "matches",
        "hour",
        "half-hour",
        "marched",
        "volt",
        "tonnes",
        "beforehand",
        "afters",
        "percents",
        "decimeter",
        "sit",
        "six's",
        "sold",
        "money",
        "sunny",
        "turned",
        "even",
        "event",
        "evens",
        "seen",
        "morning's",
        "evening's",
        "solid",
        "polar",
    ]
)


def mended(word: str) -> str:
    """The key that a word is a slip of, or the word itself: same first letter, and one slip (two in long words)."""
    if len(word) < 3 or not word.isalpha() or not word.isascii() or word in KEYS or word in OTHERS:
        return word
    return _mended(word)


@cache
def _mended(word: str) -> str:
    found = nearest(word, KEYS)
    return found or word


def nearest(word: str, names: "frozenset[str] | tuple[str, ...]") -> str | None:
    """The only name within the slips that its length allows, else None; of words of four letters only swaps."""
    near = []
    for name in names:
        if name[0] != word[0] or abs(len(name) - len(word)) > 2:
            continue
        if len(name) <= 4:
            slips = 1 if sorted(name) == sorted(word) and slips_between(word, name) == 1 else 9
        else:
            slips = slips_between(word, name)
        if slips <= (1 if len(name) < 7 else 2):
            near.append((slips, name))
    near.sort()
    if not near or (len(near) > 1 and near[0][0] == near[1][0]):
        return None
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
