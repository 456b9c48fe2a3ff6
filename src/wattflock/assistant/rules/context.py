"""What stands around a reading: corrections, the past, other people's things, what holds only on paper."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wattflock.assistant.grammar.mention import CLOCK, Mention

GONE = re.compile(
    r"\b(?:used to|previously|formerly|before that|last (?:car|job|house|place)|sold(?! us| me)|traded|got rid of"
    r"|scrapped"
    r"|no longer"
    r"|(?:my|our|the|his|her) (?:old|previous|ex|former|first) |(?:my|our) last |old (?:one|car|job|house"
    r"|system|charger|ev)\b"
    r"|had (?:an?|the|\d)\b|(?<!said it )(?<!says it )(?<!said )was (?:an?|the|\d|at)|were\b|until (?:last"
    r"|recently)|ex's|in the past|years ago"
    r"|neighbours?'?s?\b|neighbors?'?s?\b|brother|sister|mother|father|uncle|aunt|cousin|landlord|friend"
    r"|mate's|my mate|colleague|parents|dad's|dad "
    r"|mums?\b|moms?\b|mum's|mom's|in laws"
    r"|next door|son's|daughter's|thinking (?:of|about)|thought (?:of|about)|consider\w*|planning|plan to"
    r"|one day|quoted?\b|would like"
    r"|want to get|might get|hoping|next year|wish|instead of|rather than|salesman|dealer said|installer wanted)"
)
DOUBTED = re.compile(
    r"\b(?:in theory|theoretically|on paper|officially|official|nominal(?:ly)?|supposed\w*|advertised|rated"
    r"|brochure|sticker|gross"
    r"|could do|can do|capable|up to|max|maximum|does|unit|would|weekends?|saturdays?|sundays?|fridays?|except"
    r"|sometimes|occasionally"
    r"|now and then|if |unless|wife'?s?|husband'?s?|partner'?s?|she|he|him|her|they|them|dogs?|cats?|kids?|diesel"
    r"|petrol|hybrid|gas car"
    r"|motorbike|motorcycle|van|truck"
    r"|worst case|late days?|bad days?|latest|at a push|claims?|claimed|says|label|plate|circuit|breaker|fuse"
    r"|not before|not until|not till)\b"
)
MEANT = re.compile(
    r"\b(?:in practice|in reality|realistically|actually|really|effectively|usable|net|these days|nowadays|now"
    r"|currently|with me|myself|for me|my own|i still"
    r"|at the moment|limited to|capped|restricted|throttled|limits? it|we get|i get|more like|set to|mine"
    r"|normally|usually|typically"
    r"|weekdays?|most days|most of the time|gives|deliver\w*|only gets|only|since|switched to|replaced|new)\b"
)
CORRECTS = re.compile(
    r"(?:\bno\b(?! (?:\w+er\b|more|less|solar|battery|idea|clue))|[,;.] well\b|\bsorry\b|\bactually\b"
    r"|\bi mean\b|\bi meant\b"
    r"|\bmake (?:that|it)\b|\bscratch that\b|\bwait\b|\bor rather\b|\brather\b|\bcorrection\b|\bstrike that\b"
    r"|\bw?hoops\b|\boops\b"
    r"|\btell a lie\b|\bhang on\b|\bhold on\b|\bquatsch\b|\bmoment\b|\blet me (?:think|check|correct)\b"
    r"|\bchanged to\b|\bnow it's\b"
    r"|\bpardon\b|\bof course\b|\bthat's wrong\b|\bmy mistake\b|\bmy bad\b|\bscrap that\b|\bcancel that\b"
    r"|\bforget that\b|\bi lie\b|\b(?:er|erm|umm?|uh|hmm+|ach)\b|\bcorrect (?:that|myself)\b|\byou know what\b"
    r"|\bcome to think\b|\bsecond thoughts?\b|\bhang about\b|\bstop\b ?[,.;]|\bread that wrong\b|\bmisread\b"
    r"|\bthat's (?:rather|too|a bit|the old)\b|\bmore like\b|\bor should i say\b|\bon reflection\b"
    r"|\bbetter (?:the|make|say)\b|\bor was it\b|\bor better\b|\bbe (?:realistic|honest)\b|\bi'm lying\b"
    r"|\b(?:i|we|just) (?:looked it up|looked|checked)\b|\b(?:shak\w*|shook) (?:her|his|their) heads?\b|\bcorrects me\b"
    r"|\bscrub that\b|\btake that back\b|\bfine ,"
    r"|\bmeant\b|\bentschuldigung\b|\bverzeihung\b|\bedit\b|\*)"
)
STRONG = re.compile(  # takes back what was said even some words later
    r"\b(?:sorry|scra(?:p|tch) that|my mistake|tell a lie|no wait|wait no|wait|correction|cancel that|forget that"
    r"|i mean|i meant|hang on|hold on|my bad|head|make it|make that|oops|hmm+)\b"
)
DENIED = re.compile(
    r"(?:\bnot (?:at |the |a |an |until |by )?|\bisn't (?:at |the |a |an )?|\bwasn't (?:at |the |a |an )?)$"
)
FOREIGN = -3  # standing of what is of the past, of others or not yet real
MOST_BETWEEN = 50  # characters from what is corrected to what corrects it
CONCLUDES = re.compile(
    r"\b(?:so|therefore|which makes|call it)(?: it's| that's| just| make it| say| only| really| it is| put"
    r"| set it to| go for)? $"
)
LAST = re.compile(r" ?(?:kwh|kwp?|%|deg[cf]?|minutes|of them|then|really|altogether|in all|all in)? ?[.!]?$")
THEN = re.compile(
    r" ?(?:deg[cf]? |kw |kwh |% )?(?:then ?(?:[.,!]|$)|! ?i forgot\b|to be (?:exact|precise)\b)"
)  # "18 ... no. 19 then."
SAME = re.compile(
    r"\b(?:i|we) (?:do|have|go for|got) (?:the same|likewise|exactly that)\b|\bsame (?:here|for (?:me|us))\b"
)
OWN = r"\b(?:i|i'm|i've|i'd|we|me)\b"
OURS = re.compile(r"(?:mum|mom|dad|parents|son|daughter|brother|sister|friend)(?:'s)?")
SPAN = re.compile(r"^ ?(?:deg[cf]? ?|kw |kwh )?(?:-|to|and|till|or) ?$")
SENTENCE = re.compile(r" ?[;.!?](?= |$)| but | though | although | however | whereas | while | , and | instead ")
COMMA = re.compile(r" , | for (?:one|1) | and | so | then | which | because ")


@dataclass(frozen=True)
class Said:
    """A reading that was not taken back, the place of its cue, and how far it is trusted (0 usual, < 0 doubted)."""

    mention: Mention
    cue_start: int
    standing: int
    corrected: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is of the resident's own things as they are."""
        return self.standing > FOREIGN


def said(flat: str, mentions: Sequence[Mention]) -> list[Said]:
    """Readings of one kind without those that were taken back, in order, each with its standing."""
    kept: list[Said] = []
    for index, mention in enumerate(mentions):
        if DENIED.search(flat[: mention.start]):
            continue
        cue, corrected = mention.start, False
        if len(kept) > 1 and mention.values == kept[-1].mention.values:  # "6. She says half 6. Fine, half 6."
            kept, corrected = [], True
        instead = THEN.match(flat[mention.end :])
        if kept and (_corrects(flat[kept[-1].mention.end : mention.start]) or instead):
            cue, corrected = kept[-1].cue_start, True
            mention = _same_half(kept.pop().mention, mention)
            pair = index + 1 < len(mentions) and SPAN.match(flat[mention.end : mentions[index + 1].start])
            if kept and pair and SPAN.match(flat[kept[-1].mention.end : mentions[index - 1].start]):
                cue = kept.pop().cue_start  # "between 19 and 24, sorry, 20 and 24"
        if kept and CONCLUDES.search(flat[: mention.start]) and LAST.match(flat[mention.end :]):
            cue, corrected = kept[0].cue_start, True
            kept = []
        kept.append(Said(mention, cue, standing(flat, mention), corrected))
    return kept


def _same_half(before: Mention, mention: Mention) -> Mention:
    """A corrected time without morning or evening is of the half of the day that was told before."""
    if mention.kind != CLOCK or len(before.values) > 1 or len(mention.values) < 2:
        return mention
    near = min(mention.values, key=lambda value: min((value - before.value) % 1440, (before.value - value) % 1440))
    return replace(mention, values=(near,), exact=False)


def _corrects(between: str) -> bool:
    if len(between) > (2 * MOST_BETWEEN if STRONG.search(between) else MOST_BETWEEN):
        return False
    return bool(CORRECTS.search(between))


def standing(flat: str, mention: Mention) -> int:
    """`FOREIGN`: of the past, of others or not yet real; −1: on paper or an exception; +1: what holds in practice."""
    start, end = part_of(flat, mention.start, mention.end)
    part, after = flat[start:end], flat[mention.end : mention.end + 45]
    gone = GONE.search(part) or re.match(
        r"[^.;]{0,25}?\b(?:sold|traded|gone now|no longer|ages ago|years ago)\b", after
    )
    if (
        gone
        and mention.kind == CLOCK
        and OURS.fullmatch(gone.group().strip())
        and not part[gone.end() :].startswith("'s")
        and re.search(OWN, flat[slice(*sentence_of(flat, start, end))])
    ):
        gone = None  # "once I've picked up mum it's gone six"
    if gone and SAME.search(flat):
        gone = None
    score = FOREIGN if gone else 0
    meant = bool(MEANT.search(part))
    return score + (1 if meant else -bool(DOUBTED.search(part)))


def holds(flat: str, start: int, end: int) -> bool:
    """Whether a name at a place is of the resident's own things as they are."""
    return standing(flat, Mention("name", (0,), start, end)) > FOREIGN


def part_of(flat: str, start: int, end: int) -> tuple[int, int]:
    """The part of a sentence around a place, between commas, "and", "but" and full stops."""
    first, last = sentence_of(flat, start, end)
    for match in COMMA.finditer(flat, first, last):
        if match.end() <= start:
            first = match.end()
        elif match.start() >= end:
            return first, match.start()
    return first, last


def sentence_of(flat: str, start: int, end: int) -> tuple[int, int]:
    """The sentence, or half of one that "but" divides, around a place."""
    first, last = 0, len(flat)
    for match in SENTENCE.finditer(flat):
        if match.end() <= start:
            first = match.end()
        elif match.start() >= end:
            return first, match.start()
    return first, last


UNSURE = re.compile(
    r"\b(?:don't know|no idea|not a clue|haven't a clue|no clue|not sure|couldn't (?:tell|say)|can't (?:say"
    r"|tell|remember)|unsure|who knows"
    r"|haven't (?:the )?(?:foggiest|faintest)|depends|varies|no (?:fixed|set|regular) |it's different every"
    r"|beats me|hard to say"
    r"|you tell me|whatever you think|whatever|up to you|idk|weiß ich nicht|never checked|never looked"
    r"|forgot(?:ten)?|have to (?:check|look|ask))\b"
)


def unsure(flat: str) -> bool:
    """Whether the resident says not to know."""
    return bool(UNSURE.search(flat))
