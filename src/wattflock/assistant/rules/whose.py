"""Whose a size is: readings are given to the slot whose words are nearest; the best of several is chosen."""

import re
from collections.abc import Sequence

from wattflock.assistant.grammar.mention import (
    ENERGY,
    NUMBER,
    POWER,
    Mention,
)
from wattflock.assistant.grammar.read import Answer
from wattflock.assistant.rules.context import FOREIGN, Said, part_of, said, unsure
from wattflock.assistant.rules.cues import Cue, cues, role_of
from wattflock.assistant.rules.filling import Filling, ambiguous, distinct, filled
from wattflock.assistant.rules.sums import (
    MONEY,
    NOT_A_SIZE,
)

CAR_BATTERY, CHARGER, HOME_BATTERY, PANELS = "ev_battery_kwh", "ev_charger_kw", "home_battery_kwh", "pv_peak_kw"
SLOTS = (CAR_BATTERY, CHARGER, HOME_BATTERY, PANELS)
CUES = [
    (
        "inverter",
        r"\b(?:inverters?|ac limit|ac side|ac output|export limit|boiler|oven|hob|shower|heat pump|fuse"
        r"|kettle uses|immersion)\b",
    ),
    (
        HOME_BATTERY,
        r"\b(?:(?:house|home|garage|wall|storage|static|solar|loft|basement|cellar|stationary"
        r"|domestic) (?:battery|batteries)|batter(?:y|ies) (?:in|on) the"
        r" (?:house|garage|wall|loft|basement|cellar|utility|hall)|power ?walls?|storage|home storage"
        r"|hausspeicher|speicher|heimspeicher|batterie?speicher"
        r"|giv ?energy|sonnen|pylontech|luna|resu|enphase|senec|alpha ess|batteries|stack|wall)\b",
    ),
    (
        PANELS,
        r"\b(?:solar|panels?|pv|roof|array|kwp|strings?|photovoltaics?|system|dach|anlage|modules on the roof"
        r"|peak)\b",
    ),
    (
        CHARGER,
        r"\b(?:charger|charges?|charging|wall ?box|charge point|chargepoint|plug|socket|outlet|cable|evse|rapid"
        r"|onboard|on board|wall connector|laden|zappi|ohme"
        r"|pod ?point|single phase|phase|takes|pull|draws)\b",
    ),
    (
        CAR_BATTERY,
        r"\b(?:car|ev|vehicle|leaf|zoe|tesla|model [3sxy]|kona|niro|id 3|id 4|mg|bolt|ioniq|polestar|golf|drive"
        r"|car's battery|traction|long range|standard range"
        r"|version|auto|battery pack)\b",
    ),
]
KIND = {
    CAR_BATTERY: (ENERGY, 5, 200),
    CHARGER: (POWER, 1, 50),
    HOME_BATTERY: (ENERGY, 1.5, 100),
    PANELS: (POWER, 0.5, 50),
}  # kind, and what a number without a unit may be
COUNTED = re.compile(r" ?(?:x |\w+ )?(?:power ?walls|\w{3,}(?<!ss)s)\b")
ELSEWHERE = re.compile(
    r"\b(?:at (?:tesco|lidl|aldi|sainsbury's|asda|work|the office|the (?:super)?market|the mall|the services"
    r"|the station"
    r"|the gym|costco|walmart|target)|public|motorway|services|supercharger|ionity|instavolt|gridserve|rapid(?:s"
    r"| one| 1)?)\b"
)


def role_among(flat: str, mention: Mention, among: Sequence[Mention], marks: Sequence[Cue]) -> str | None:
    return role_of(flat, mention.start, mention.end, marks, [one.start for one in among if one is not mention])


def sizes_of(answer: Answer, slot: str, found: Sequence[Mention], kinds: Sequence[str]) -> list[Said]:
    """Readings of these kinds that the words near them give to a slot; those near no word belong to what was asked."""
    flat, marks = answer.flat, cues(answer.flat, CUES)
    asked = [each for each in SLOTS if each in answer.asked]
    kept = []
    for each in said(flat, [mention for mention in found if mention.kind in kinds]):
        others = [mention.start for mention in found if mention is not each.mention and mention.kind in kinds]
        role = role_of(flat, each.cue_start, each.mention.end, marks, others)
        role = PANELS if "kwp" in flat[each.mention.start : each.mention.end] or each.mention.why == "panels" else role
        if each.mention.kind == ENERGY and role in (PANELS, CHARGER, None):
            role = next(
                (one for one in (HOME_BATTERY, CAR_BATTERY) if one in asked), CAR_BATTERY if role == CHARGER else None
            )
        if each.mention.kind == POWER and role in (HOME_BATTERY, CAR_BATTERY, None):
            role = next((one for one in (PANELS, CHARGER) if one in asked), CHARGER if role == CAR_BATTERY else None)
        if asked == [slot] and role not in (slot, "inverter") and len(kept) == 0 and each.mention.kind in kinds[:1]:
            role = slot if _only_kind(each.mention, found) else role
        if role == slot and not (slot == CHARGER and ELSEWHERE.search(_part(flat, each.mention))):
            kept.append(each)
    return kept


def _part(flat: str, mention: Mention) -> str:
    start, end = part_of(flat, mention.start, mention.end)
    return flat[start:end]


def _only_kind(mention: Mention, found: Sequence[Mention]) -> bool:
    return sum(other.kind == mention.kind for other in found) == 1


def near_words(answer: Answer, slot: str, found: Sequence[Mention]) -> Filling | None:
    """A number without a unit that stands by the words of a slot, where several slots were asked for."""
    if len(answer.asked) == 1:
        return None
    kind, low, high = KIND[slot]
    marks = cues(answer.flat, CUES)
    lone = [each for each in found if each.kind in (NUMBER, kind)]
    for each in said(answer.flat, [each for each in lone if each.kind == NUMBER and low <= each.value <= high]):
        if each.holds and role_among(answer.flat, each.mention, lone, marks) == slot:
            return filled(slot, each.mention.value, answer.text.quote(each.mention.start, each.mention.end))
    return None


def best_size(answer: Answer, slot: str, options: list[Said], more: tuple = ()) -> Filling | None:
    """The option that is trusted most; equal ones that differ are candidates; past and foreign ones none."""
    if not options or (top := max(each.standing for each in options)) <= FOREIGN:
        return None
    best = [each for each in options if each.standing == top]
    values = distinct(each.mention.value for each in best)
    evidence = answer.text.quote(best[0].mention.start, best[-1].mention.end)
    if len(values) > 1:
        return ambiguous(slot, values, evidence)
    others = (*(each.mention.value for each in options), *more)
    first = best[0]
    bare = first.mention.kind == NUMBER and len(answer.asked) > 1
    inferred = not first.mention.exact or len(options) > 1 or top != 0 or first.corrected or bare or unsure(answer.flat)
    return filled(slot, first.mention.value, evidence, others, inferred)


def numbers_of(answer: Answer, slot: str, found: Sequence[Mention], low: float, high: float) -> list[Said]:
    """Numbers without a unit, where only this slot was asked."""
    if [each for each in SLOTS if each in answer.asked] != [slot]:
        return []
    flat, marks = answer.flat, cues(answer.flat, CUES)
    lone = [each for each in found if each.kind == NUMBER and low <= each.value <= high]
    lone = [each for each in lone if not NOT_A_SIZE.match(flat[each.end :]) and not MONEY.search(flat[: each.start])]
    lone = [each for each in lone if not (each.value in range(10) and COUNTED.match(flat[each.end :]))]
    held = said(flat, lone)
    roles = [
        role_of(flat, each.cue_start, each.mention.end, marks, [one.start for one in lone if one is not each.mention])
        for each in held
    ]
    own = [each for each, role in zip(held, roles, strict=True) if role in (None, slot) or each.corrected]
    return own or held


def other_unit(answer: Answer, slot: str, found: list[Mention], kind: str) -> Filling | None:
    """kW said for kWh, or kWh for kW, where only this slot was asked and the number could be one: read back."""
    if [each for each in SLOTS if each in answer.asked] != [slot]:
        return None
    meant = [each for each in said(answer.flat, [each for each in found if each.kind == kind]) if each.holds]
    if len(meant) != 1 or (slot == CAR_BATTERY and meant[0].mention.value < 15):
        return None
    mention = meant[0].mention
    return filled(slot, mention.value, answer.text.quote(mention.start, mention.end))
