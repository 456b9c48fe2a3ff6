"""Cue words near a time: who leaves, who comes back, when work begins; the nearest cue tells what a time is of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wattflock.assistant.grammar.mention import blanked

LEAVE, RETURN, WORK_STARTS, WORK_ENDS, OTHER = "leave", "return", "work starts", "work ends", "other"
START, END, LATEST_START = "start", "end", "latest start"
WORKPLACE = (
    r"(?:the |my |our |from )*(?:work|office|shift|job|desk|school|hospital|site|lab|factory|warehouse"
    r"|shop|uni|nursery|creche|daycare|preschool|kindergarten|clinic|depot)"
)

CAR = [
    (
        OTHER,
        r"\b(?:wake|wakes|alarm|get up|gets up|getting up|up at|awake|dinner|lunch|breakfast|bed|bedtime|gym"
        r"|football|swimming|cheap rate"
        r"|off peak|tariff|yoga|training|news|sunrise|sunset|coffee|shower|walk the dog|dog walk|postman|eat|eats"
        r"|supper|bus|bins|bin men|bin lorry|passes|traffic(?:'s| is))\b",
    ),
    (
        WORK_ENDS,
        rf"\b(?:leave|leaves|leaving|left|get out of|get away from|out of|off|finish|finishes|finishing"
        rf"|done with|get off|gets off)"
        rf" (?:at )?{WORKPLACE}\b(?! (?:at home|for))|\b(?:i |we |she |he )?(?:finish|finishes|finishing)\b"
        rf"|\bclock(?:s|ing)? (?:off|out)\b"
        r"|\bknock(?:s|ing)? off\b|\bpunch out\b|\bget off\b|\bgets off\b|\bshift (?:ends|finishes|is over)\b"
        r"|\bwork ends\b"
        r"|\b(?:day|meetings?|lessons?|school) (?:ends|finish(?:es)?)\b|\bwrap up\b|\bshut the shop\b"
        r"|\blets? out\b|\bkicks? out\b|\block up\b|\b(?:shift|day|work) wraps?(?: up)?\b|\bclose (?:up"
        r"|the shop)\b|\bdone at\b"
        r"|\b(?:train|bus|flight|plane|ferry|tram)(?: usually)? (?:gets in|arrives|lands|is in|comes in|pulls in)\b"
        r"|\b(?:school|class|work|practice|college)(?:'s| is) (?:out|over|done)\b|\bhome time\b|\blast (?:lesson"
        r"|patient|class)\b"
        r"|\bfeierabend\b|\bwork till\b|\bworks? until\b",
    ),
    (
        WORK_STARTS,
        rf"\bon site\b|\b(?:at|in|into|to) {WORKPLACE}\b|\bstart(?:s|ing)? work\b|\b(?:work|shift|school|class|lessons?"
        rf"|meetings?|day|job) (?:starts?|begins?)\b"
        r"|\bclock(?:s|ing)? (?:in|on)\b|\bbe in\b|\bbe there\b|\bget there\b|\bdue (?:in|at|on)\b"
        r"|\bfirst (?:lesson|meeting|lecture|patient|client|class)\b"
        r"|\bmeeting\b|\bi start\b|\bstart at\b|\bstarts at\b|\bbe at\b|\barrive at (?:work|the office)\b"
        r"|\bhave school\b|\bshift\b|\bopen up\b"
        r"|\bexpected (?:in|at)\b|\bdrop (?:the )?kids\b|\bdrop ?off\b|\bstart\b|\btrain (?:is|leaves|goes)\b"
        r"|\bflight\b|\b(?:school )?bell(?: goes| rings)?(?: at)?\b|\bassembly\b|\bregistration\b"
        r"|\bgates? (?:open|shut|close)s?\b|\bcatch the\b"
        rf"|\b(?:parked|parking)(?: up)? (?:at|outside|by|near) {WORKPLACE}\b"
        r"|\bappointment\b|\broll call\b|\bbriefing\b|\bstand ?up\b",
    ),
    (
        LEAVE,
        r"\b(?:(?:leave|leaves|leaving|left) (?:from )?(?:home|the house)"
        r"|leave|leaves|leaving|depart\w*|sets? off|setting off|sets? out|heads? (?:off|out|to)"
        r"|heading (?:off|out|to)|off to work|off by|off at"
        r"|out the door|out of the (?:house|door)|out by|out at|out|ready|needs?(?: it| the car| her"
        r"| him)?(?: \w+)? (?:by|for|at)|needed|unplug\w*"
        r"|gone by|gone(?! \d| half| quarter)|go(?:es)? (?:out|off)|drives? (?:off|out)|on the road|away|(?:pull"
        r"|back|reverse)s? (?:it )?out(?: of the drive(?: ?way)?)?|school run"
        r"|take off|charged by|full by|go(?:es)? to work"
        r"|goes?(?= at| by| around| about)|go(?= at| by| around| about)|get going|get away|hit the road"
        r"|first trip|disconnect\w*|be full|fully charged|charged|done by"
        r"|commute|los|am off|i'm off|we're off)\b",
    ),
    (
        RETURN,
        r"\b(?:back home|get(?:s|ting)? (?:back|home|in)|got home|back|home|in by|in at|return\w*|arriv\w*"
        r"|plug(?:s|ged|ging)?(?: it| the car| her| him)?"
        r"(?: back)? in|plug\w*|in the door|through the door|walk in|parks?|parked|rolls? in|pulls? (?:in|up)"
        r"|driveway|drive way|comes? (?:home|in|back)"
        r"|connect\w*|hook (?:it|her) up|in from|in(?= (?:at|by|around|about|for|before|roughly))|lands?)\b",
    ),
]
APPLIANCE = [
    (
        END,
        r"\b(?:quiet|silent|nothing|never|not|no noise|no running|off|asleep|no washing|can't run|mustn't run"
        r"|not allowed|complain\w*|moan\w*|noise|racket|sleep\w*)"
        r" (?:\w+ )?(?:after|past|beyond)\b",
    ),
    (
        LATEST_START,
        r"\b(?:must|should|has to|needs to|can)? ?(?:start|started|go on|begin|be on|running) (?:by|before"
        r"|no later than|at the latest)\b",
    ),
    (
        START,
        r"\b(?:wait till|hold off till|leave it till|set it (?:for|going|off)|not (?:start )?before"
        r"|no earlier than|no sooner than|not until|not till|don't (?:start|run"
        r"|want)[\w ]{0,20}(?:before|till)"
        r"|never before|isn't allowed before|after|from|earliest|start\w*|begins?|kick off|once|goes? on"
        r"|put (?:it|them) on"
        r"|turn(?:ed)? on|switch(?:ed)? on|loads?|loaded|since|onwards?|beginning|between|opens?|past|full at"
        r"|finish (?:dinner|eating)|cheap rate|starting)\b",
    ),
    (
        END,
        r"\b(?:by|done|finish\w*|before|latest|no later than|till|end|ends|ready|needed?|needs? to be|over"
        r"|emptied|unload\w*|stop\w*|off by|complete\w*"
        r"|quiet|deadline|want it|wear|hang(?! on| about))\b",
    ),
]
SEPARATORS = ((re.compile(r" [.;!?] "), 40), (re.compile(r" but "), 30), (re.compile(r" , | and | then "), 15))
TAKEN = 40
FAR = 75  # from here on a cue is of something else


@dataclass(frozen=True)
class Cue:
    """A place of a text that tells what a time near it is of."""

    role: str
    start: int
    end: int


def cues(flat: str, table: Sequence[tuple[str, str]]) -> list[Cue]:
    """All cues of a text in its order; of two that overlap the one whose role is listed first."""
    found, taken = [], flat
    for role, pattern in table:
        for match in re.finditer(pattern, taken):
            taken = blanked(taken, *match.span())
            found.append(Cue(role, match.start(), match.end()))
    return sorted(found, key=lambda cue: cue.start)


def roles_of(flat: str, places: Sequence[tuple[int, int]], marks: Sequence[Cue]) -> list[str | None]:
    """The role of each place: of the cue that is nearest, and nearer to it than to the other places.

    Args:
        flat: the normalised utterance.
        places: where each time begins (a corrected one: where the first one stood) and ends.
        marks: cues of the text.
    """
    starts = [start for start, _ in places]
    costs = [[_cost(flat, *place, mark, [at for at in starts if at != place[0]]) for mark in marks] for place in places]
    roles: list[str | None] = []
    for place, own in zip(places, costs, strict=True):
        taken = [_taken(flat, place, places, [row[at] for row in costs], own[at]) for at in range(len(marks))]
        ranked = sorted(
            (cost + more, mark.start, mark.role) for cost, more, mark in zip(own, taken, marks, strict=True)
        )
        roles.append(ranked[0][2] if ranked and ranked[0][0] < FAR else None)
    return roles


def _taken(flat: str, place: tuple[int, int], places: Sequence[tuple[int, int]], costs: list[int], own: int) -> int:
    """What a cue costs more because another place is nearer to it and not joined with this one by "or" or "to"."""
    nearest = places[costs.index(min(costs))]
    if min(costs) >= own or nearest == place:
        return 0
    first, last = sorted((nearest, place))
    return 0 if re.fullmatch(r" ?(?:-|to|till|and|or|,)? ?", flat[first[1] : last[0]]) else TAKEN


def role_of(flat: str, start: int, end: int, marks: Sequence[Cue], others: Sequence[int]) -> str | None:
    """The role of the cue that is nearest to a place; commas, full stops and `others` in between count as far."""
    ranked = sorted((_cost(flat, start, end, mark, others), mark.start, mark.role) for mark in marks)
    return ranked[0][2] if ranked and ranked[0][0] < FAR else None


def _cost(flat: str, start: int, end: int, mark: Cue, others: Sequence[int]) -> int:
    before = mark.start < start
    first, last = (mark.end, start) if before else (end, mark.start)
    between = flat[max(0, first - 1) : last + 1]
    cost = max(0, last - first) + (0 if before else 3)
    cost += sum(price * len(pattern.findall(between)) for pattern, price in SEPARATORS)
    cost += 25 * sum(first <= other < last for other in others)
    owned = not before and any(0 <= other - mark.end <= 10 for other in others if other >= mark.end)
    return cost + 12 * owned + (20 if mark.role == OTHER else 0)
