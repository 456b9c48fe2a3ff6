"""Whether a resident says that there is no home battery, or that there are no panels."""

import re

from wattflock.assistant.grammar.read import Answer
from wattflock.assistant.rules.filling import Filling, filled

HOME_BATTERY, PANELS = "home_battery_kwh", "pv_peak_kw"
BOTHERED = re.compile(
    r"\b(?:never|didn't|not|haven't|hasn't|couldn't be) (?:really )?(?:bother\w*|go for (?:it|them|1|one)"
    r"|got (?:a?round|into)"
    r"|get a?round|taken the plunge|happened)\b|\b(?:won't|doesn't|not|wouldn't|don't) (?:allow\w*|let us"
    r"|permitted)\b"
    r"|\bcan't (?:have|put|fit|get)\b|\bdecided against\b|\bonly what's in the car\b"
    r"|\bonly battery[\w ]{0,20} (?:is|are) in\b|\bnothing (?:stored|of the sort)\b"
    r"|\bnot (?:my|our) (?:own )?roof\b|\b(?:sold|got rid of|gave away|took out) (?:it|them|that)\b(?! and)"
)
NONE = (
    r"(?:no|not|don't have|do not have|haven't|have not|hasn't|haven't got|without|zero|never had|never got"
    r"|isn't|aren't|got rid of|don't own|0)"
)
THINGS = {
    HOME_BATTERY: r"(?:batter(?:y|ies)|storage|power ?walls?|speicher|batterie)",
    PANELS: r"(?:solar|panels?|pv|photovoltaics?|roof|solaranlage)",
}
REFUSED = re.compile(
    r"^ ?(?:(?:oh|um|er|well|sorry|hm+|haha|ha|ah|i'm afraid|honestly|unfortunately|sadly) ?,? ?)*"
    r"(?:no|none|nothing|neither|negative|(?:naff|sod|bugger|damn) all|nowt|diddly(?: squat)?|squat|zippo"
    r"|not a (?:sausage|bean|single|thing)|no chance|fat chance|nil|nix|zip|not yet|not at all|zero|0|nada|zilch"
    r"|only (?:the )?(?:one "
    r"|battery )?in the car|just the (?:car|one in the car)|sadly not|afraid not"
    r"|unfortunately not|i wish|if only|chance would be|(?:i |we )?(?:don't|do not|haven't|have not))\b"
    r"(?! ?[,.] ?\d)(?! (?:idea|clue|more than|problem|less than|know|sure|later|earlier|checked|the foggiest))"
)
LAST_WORD = re.compile(
    r"(?:, |but |so |; |\. |\? )(?:no|not yet|nothing yet|nope|not here|not any ?more|decided against it|didn't"
    r"|never did|too expensive"
    r"|never happened)(?! idea| clue)(?: |,|\.|$)"
)
BOTH = re.compile(r"\b(?:neither|none of (?:them|that|those|these)|nothing like that|no to both|nor)\b")
ONLY_NO = re.compile(
    r"\W*(?:no|none|nothing|neither|nope)\W*(?:(?:sorry|at all|thanks|yet|here|of (?:that|those|them))\W*)*"
)
NOT_STORED = re.compile(r"\b(?:nothing|none|not|no) (?:stored|to store|in the house|at home|for the house)\b")
NO_ROOF = re.compile(r"\b(?:in|live in|rent) an? (?:\w+ )?(?:flat|apartment|condo|tower block|basement)\b")
DENIED = re.compile(
    r"\b(?:never|didn't|don't|doesn't|haven't|hasn't|can't|couldn't|won't|no|none|not|nothing|says no|said no"
    r"|without)\b"
    r"(?: \w+){0,3}? (?:want|need|went|go|going|allow|get|getting|got|have|plan\w*|worth|saw|point|use for"
    r"|see why|afford|fit|room|house"
    r"|in the house"
    r"|home|roof|installed|bought|buy|yet|listed|for it|at all|storage|sun|of that|here)\b"
    r"|\b(?:thought about it|council says no|needs doing first|too (?:expensive|shady|dear|pricey|many trees)"
    r"|waiting for|not possible|impossible|not feasible|thatched|saving up|maybe (?:next|one day)|one day"
    r"|listed building|conservation area)\b"
)
POSITIVE = re.compile(
    r"\b(?:yes|we've got|there (?:is|are)|some|a few|i think|check|measured|remember|know|sure|big)\b"
)


def _denied(flat: str) -> re.Match | None:
    """A refusal in other words, in an answer that has no number and says nothing of what there is."""
    return None if re.search(r"\d", flat) or POSITIVE.search(flat) else DENIED.search(flat)


def absent(answer: Answer, slot: str) -> Filling | None:
    """0 where the resident says that there is none."""
    flat, thing = answer.flat, THINGS[slot]
    named = re.search(rf"\b{NONE}(?: (?!but\b|and\b)\w+){{0,3}}? {thing}", flat) or re.search(
        rf"\b{thing}(?: \w+)? ?[:,;-]? ?(?:no|none|not yet|nope)\b(?! idea)", flat
    )
    if not named and slot not in answer.asked:
        return None
    both, refused = BOTH.search(flat), REFUSED.search(flat)
    if len(answer.asked) > 1 and not both and not named and not ONLY_NO.fullmatch(flat):
        refused = None
    match = named or both or refused or _in_other_words(answer, slot)
    if not match:
        return None
    plain = bool(refused or named) and not re.search(r"\b(?:yes|but|except|thought|planning)\b", flat)
    return filled(slot, 0, answer.text.quote(match.start(), match.end()), (), not plain)


def _in_other_words(answer: Answer, slot: str) -> re.Match | None:
    """A refusal that ends or fills the answer to one question, or tells of a home where there can be none."""
    flat = answer.flat
    if len(answer.asked) == 1:
        last = LAST_WORD.search(flat) or BOTHERED.search(flat) or _denied(flat)
        if last and not re.search(r"\d", flat[last.end() :]):
            return last
    if slot == HOME_BATTERY:
        return NOT_STORED.search(flat)
    return None if re.search(r"\d", flat) else NO_ROOF.search(flat)
