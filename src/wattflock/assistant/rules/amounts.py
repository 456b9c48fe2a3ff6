"""Sizes: car battery, charger, target charge, home battery, panels; whose a number is, the nearest words tell."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from wattflock.assistant import facts
from wattflock.assistant.grammar.mention import (
    CURRENT,
    DISTANCE,
    ECONOMY,
    ENERGY,
    NUMBER,
    POWER,
    VOLTAGE,
    Mention,
)
from wattflock.assistant.grammar.quantity import tidy
from wattflock.assistant.grammar.read import Answer, amounts_in
from wattflock.assistant.rules.absent import absent
from wattflock.assistant.rules.context import Said, holds, said
from wattflock.assistant.rules.cues import cues
from wattflock.assistant.rules.filling import Filling, ambiguous, filled
from wattflock.assistant.rules.sums import (
    NOT_A_SIZE,
    Reckoned,
    by_charge,
    of_panels,
    over_time,
    reckoned,
    with_units,
)
from wattflock.assistant.rules.whose import (
    CAR_BATTERY,
    CHARGER,
    CUES,
    HOME_BATTERY,
    KIND,
    PANELS,
    SLOTS,
    best_size,
    near_words,
    numbers_of,
    other_unit,
    role_among,
    sizes_of,
)

GIVEN_UP = re.compile(r"\bno ?,? ?(?:we|i|they|it was|it's|that's)? ?(?:sold|got rid of|gave|don't have|gone|moved)\b")

SMALL = re.compile(r"\b(?:small(?:er|est)?|shorter|short range|entry|basic)\b")
LARGE = re.compile(r"\b(?:big(?:ger|gest)|larger|largest|extended)\b|\b(?:big|large) (?:battery|one|1)\b")


def read_amounts(answer: Answer) -> dict[str, Filling]:
    """Sizes that an answer tells, of the four slots."""
    found, only = amounts_in(answer), _only(answer)
    if only:
        found = with_units(answer.flat, found, *KIND[only])
        if result := _reckoned(answer, only, found):
            quote = answer.text.quote(result.start, result.end)
            if not _ranged(only, found) and (told := filled(only, result.value, quote, result.parts)).value is not None:
                return {only: told}
    readers: dict[str, Callable[[Answer, list[Mention]], Filling | None]] = {
        CAR_BATTERY: _car_battery,
        CHARGER: _charger,
        HOME_BATTERY: _home_battery,
        PANELS: _panels,
    }
    read = {slot: reader(answer, found) for slot, reader in readers.items()}
    told = {slot: filling for slot, filling in read.items() if filling}
    return told | _left_over(answer, found, told)


def _left_over(answer: Answer, found: list[Mention], told: dict[str, Filling]) -> dict[str, Filling]:
    """The only number that is left, for the only slot of several that is still open."""
    left = [slot for slot in SLOTS if slot in answer.asked and slot not in told]
    used = {value for filling in told.values() for value in filling.candidates}
    numbers = [each for each in found if each.kind == NUMBER and each.value not in used]
    numbers = [each for each in numbers if not NOT_A_SIZE.match(answer.flat[each.end :])]
    if len(left) != 1 or len(numbers) != 1 or not told:
        return {}
    low, high = KIND[left[0]][1:]
    quote = answer.text.quote(numbers[0].start, numbers[0].end)
    return {left[0]: filled(left[0], numbers[0].value, quote)} if low <= numbers[0].value <= high else {}


def _only(answer: Answer) -> str | None:
    """The slot of these four that alone was asked for."""
    asked = [slot for slot in SLOTS if slot in answer.asked]
    return asked[0] if len(asked) == 1 and len(answer.asked) == 1 else None


def _reckoned(answer: Answer, slot: str, found: list[Mention]) -> Reckoned | None:
    """A size that the words leave to be worked out."""
    flat, kind = answer.flat, KIND[slot][0]
    if slot == PANELS and (panels := of_panels(flat)):
        return panels
    if slot == CHARGER and not any(each.kind == POWER for each in found) and (power := over_time(flat, found)):
        return power
    if kind == ENERGY and not any(each.kind == ENERGY for each in found) and (energy := by_charge(flat, found)):
        return energy
    if not any(each.kind == kind for each in found):  # no unit was told
        meant = [each.mention for each in numbers_of(answer, slot, found, *KIND[slot][1:])]
        found = [replace(each, kind=kind, exact=False) if each in meant else each for each in found]
    marks = cues(flat, CUES)
    own = [each for each in found if each.kind == kind]
    roles = {id(each): role_among(flat, each, own, marks) for each in own}
    meant = any(roles[id(each)] in (None, slot, CHARGER) for each in own)
    others = [
        each
        for each in own
        if roles[id(each)] not in (None, slot, CHARGER) and (meant or roles[id(each)] == "inverter")
    ]
    return reckoned(flat, [each for each in found if each not in others], kind)


def _ranged(slot: str, found: list[Mention]) -> bool:
    """Whether a range and what a mile takes tell the battery better than any sum."""
    return slot == CAR_BATTERY and {DISTANCE, ECONOMY} <= {each.kind for each in found}


def _car_battery(answer: Answer, found: list[Mention]) -> Filling | None:
    told = sizes_of(answer, CAR_BATTERY, found, (ENERGY,))
    models = [fact for fact in facts.cars(answer.flat) if holds(answer.flat, fact.start, fact.end)]
    known = _by_size(answer.flat, models[0].values) if len(models) == 1 else ()
    if best := best_size(answer, CAR_BATTERY, [each for each in told if each.holds], known):
        return best
    if CAR_BATTERY not in answer.asked:
        return None
    if best := _by_range(answer, found) or other_unit(answer, CAR_BATTERY, found, POWER):
        return best
    lone = numbers_of(answer, CAR_BATTERY, found, 10, 200)
    lone = [each for each in lone if not _named(each.mention, facts.cars(answer.flat))]
    if models and (same := [each for each in lone if each.mention.value in known]):
        return best_size(answer, CAR_BATTERY, [Said(each.mention, each.cue_start, -1) for each in same], known)
    if models:  # a number that is none of the model's sizes is doubted
        lone = [Said(each.mention, each.cue_start, min(each.standing, -1)) for each in lone]
    if lone and (best := best_size(answer, CAR_BATTERY, lone, known)):
        return best
    if not models:
        return None
    evidence = answer.text.quote(models[0].start, models[-1].end)
    if len({model.name for model in models}) > 1:
        return ambiguous(CAR_BATTERY, tuple(tidy(model.values[0]) for model in models), evidence)
    sizes = _by_size(answer.flat, models[0].values)
    return filled(CAR_BATTERY, tidy(sizes[0]), evidence, tuple(map(tidy, sizes[1:])))


def _by_size(flat: str, sizes: tuple[float, ...]) -> tuple[float, ...]:
    """The sizes of a model, best first; those within 10 % of the smallest or largest first where the words tell it."""
    if SMALL.search(flat):
        return tuple(sorted(sizes, key=lambda size: size > 1.1 * min(sizes)))
    return tuple(sorted(sizes, key=lambda size: size < 0.9 * max(sizes))) if LARGE.search(flat) else sizes


def _by_range(answer: Answer, found: list[Mention]) -> Filling | None:
    """The battery from a range and what a mile takes, when both are told."""
    ways = [each for each in found if each.kind == DISTANCE]
    rates = [each for each in found if each.kind == ECONOMY]
    if not ways or not rates:
        return None
    left = re.search(r"\b(?:left )?at (\d+) ?%", answer.flat)
    value = tidy(round(ways[0].value / rates[0].value * 100 / (int(left[1]) or 100 if left else 100), 1))
    places = ways[0], rates[0]
    return filled(CAR_BATTERY, value, answer.text.quote(min(p.start for p in places), max(p.end for p in places)))


def _charger(answer: Answer, found: list[Mention]) -> Filling | None:
    told = [each for each in sizes_of(answer, CHARGER, found, (POWER,)) if each.holds]
    meant = [each for each in numbers_of(answer, CHARGER, found, 1, 50) if each.standing > 0] if told else []
    if best := best_size(answer, CHARGER, [*told, *meant]):
        return best
    named = [
        f
        for f in facts.chargers(answer.flat)
        if not _refused(answer.flat, f.start) and holds(answer.flat, f.start, f.end)
    ]
    if CHARGER not in answer.asked:
        return None
    if near := near_words(answer, CHARGER, found):
        return near
    socket = next((fact for fact in named if fact.name in ("three-pin socket", "Schuko")), None)
    if (amps := _by_current(answer, found)) and not (socket and "13 amp" in answer.flat):
        return amps
    lone = [each for each in numbers_of(answer, CHARGER, found, 1, 50) if not _named(each.mention, named)]
    if best := best_size(answer, CHARGER, lone) or other_unit(answer, CHARGER, found, ENERGY):
        return best
    if not named:
        return None
    best = socket or named[0]
    more = [tidy(value) for fact in named for value in fact.values]
    evidence = answer.text.quote(best.start, best.end)
    first = 1.44 if socket and answer.locale == "en-US" else best.values[0]  # 12 A at 120 V
    return filled(CHARGER, tidy(first), evidence, tuple(more))


def _named(mention: Mention, named: Sequence[facts.Fact]) -> bool:
    """Whether a number is part of a name, such as the 1 of Level 1."""
    return any(fact.start <= mention.start < fact.end for fact in named)


def _by_current(answer: Answer, found: list[Mention]) -> Filling | None:
    """Power of a current: told or usual voltage (230 V, 240 V in en-US), one phase unless three are told."""
    found = with_units(answer.flat, found, CURRENT, 6, 80)
    kept = [each for each in said(answer.flat, [each for each in found if each.kind == CURRENT]) if each.holds]
    if not kept:
        return None
    volts = [each.value for each in found if each.kind == VOLTAGE]
    volts += [int(match[1]) for match in re.finditer(r"\b(?:on|at) (1[12]0|2[0-4]0|400)\b", answer.flat)]
    volt = float(volts[0]) if volts else 240.0 if answer.locale == "en-US" else 230.0
    two = bool(re.search(r"\b(?:2|two) ?phases?\b", answer.flat))
    three = bool(re.search(r"\b(?:3|three) ?(?:phases?|x \d)\b|dreiphasig|threephase|400 v(?:olt)?\b", answer.flat))
    volt = 230.0 if three and volt > 300 else volt
    top = max(each.standing for each in kept)
    drawn = [
        each for each in kept if not re.match(r" ?(?:breaker|fuse|circuit|supply)", answer.flat[each.mention.end :])
    ]
    best = max([each for each in drawn if each.standing == top] or drawn or kept, key=lambda each: each.mention.value)
    powers = [tidy(each.mention.value * volt * (3 if three else 2 if two else 1) / 1000) for each in (best, *kept)]
    value = powers[0] if volts and not three else tidy(round(powers[0], 1))
    value = round(value) if three and abs(value - round(value)) <= 0.11 else value  # 22.1 is sold as 22
    return filled(CHARGER, value, answer.text.quote(best.mention.start, best.mention.end), tuple(powers))


def _home_battery(answer: Answer, found: list[Mention]) -> Filling | None:
    flat = answer.flat
    told = [_times(flat, each) for each in sizes_of(answer, HOME_BATTERY, found, (ENERGY,))]
    if told and (match := GIVEN_UP.search(flat)):
        return filled(HOME_BATTERY, 0, answer.text.quote(*match.span()), tuple(each.mention.value for each in told))
    if best := best_size(answer, HOME_BATTERY, [each for each in told if each.holds]):
        return best
    if none := absent(answer, HOME_BATTERY):
        return none
    named = [f for f in facts.batteries(flat) if not _refused(flat, f.start) and holds(flat, f.start, f.end)]
    lone = numbers_of(answer, HOME_BATTERY, found, 1.5, 100)
    lone = [each for each in lone if not any(fact.start - 4 <= each.mention.start < fact.end for fact in named)]
    if best := best_size(answer, HOME_BATTERY, lone) or other_unit(answer, HOME_BATTERY, found, POWER):
        return best
    if not named or HOME_BATTERY not in answer.asked:
        return None
    fact = named[0]
    count = re.search(r"\b(\d)(?: x)?(?: tesla| of the| of those)? $", flat[: fact.start]) or re.search(
        r"^(?: \w+)? ?x ?(\d)\b", flat[fact.end :]
    )
    number = int(count[1]) if count else 1
    values = tuple(tidy(number * value) for value in fact.values)
    return filled(HOME_BATTERY, values[0], answer.text.quote(fact.start - (2 if count else 0), fact.end), values[1:])


def _times(flat: str, each: Said) -> Said:
    """ "Two 5.2 kWh modules" are 10.4 kWh; "9.5 kWh times two" too."""
    before = re.search(
        r"(?<![\d.])\b([2-9]) (?:x |of |times |lots of |batteries of |modules of |units of |blocks of )?$",
        flat[: each.mention.start],
    )
    after = re.match(r" ?(?:x|times) ([2-9])\b", flat[each.mention.end :])
    if not (match := before or after):
        return each
    mention = each.mention
    start = mention.start - (len(before[0]) if before else 0)
    return Said(
        Mention(ENERGY, (tidy(mention.value * int(match[1])),), start, mention.end, False),
        each.cue_start,
        each.standing,
    )


def _panels(answer: Answer, found: list[Mention]) -> Filling | None:
    told = [each for each in sizes_of(answer, PANELS, found, (POWER,)) if each.holds]
    if PANELS in answer.asked and len(answer.asked) > 1 and (result := of_panels(answer.flat)):
        return filled(PANELS, result.value, answer.text.quote(result.start, result.end))
    if summed := _summed(answer, told):
        return summed
    if best := best_size(answer, PANELS, told):
        return best
    if none := absent(answer, PANELS):
        return none
    if PANELS not in answer.asked:
        return None
    if match := re.search(r"\b(\d{1,2}) (?:\w+ )?(?:panels|modules)\b", answer.flat):
        sizes = tuple(tidy(round(int(match[1]) * watt / 1000, 2)) for watt in (400, 350, 300, 250, 430))
        return ambiguous(PANELS, sizes, answer.text.quote(match.start(), match.end()))
    if near := near_words(answer, PANELS, found):
        return near
    lone = best_size(answer, PANELS, numbers_of(answer, PANELS, found, 0.5, 50))
    return lone or other_unit(answer, PANELS, found, ENERGY)


def _summed(answer: Answer, told: list[Said]) -> Filling | None:
    """Two roofs are one peak: "3 kW on the south side plus 2 on the garage"."""
    if len(told) != 2 or told[0].standing != told[1].standing:
        return None
    one, two = told[0].mention, told[1].mention
    between = re.search(r"\bbetween $", answer.flat[: one.start])
    if between or not re.search(r"\b(?:and|plus|another|\+)", answer.flat[one.end : two.start]):
        return None
    values = (tidy(one.value + two.value), one.value, two.value)
    return filled(PANELS, values[0], answer.text.quote(one.start, two.end), values[1:])


def _refused(flat: str, start: int) -> bool:
    return bool(
        re.search(
            r"\b(?:no|not|don't have|haven't got|haven't|without|isn't|never got|instead of"
            r"|rather than)(?: \w+){0,2} $",
            flat[:start],
        )
    )
