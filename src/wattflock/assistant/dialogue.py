"""The interview as one loop of thought, action and observation; a policy proposes actions, the tools keep the rules.

Nothing is stored that the resident did not say plainly or agree to: `store` refuses it, whoever asks. Source: the
ReAct agent of Michelon, Zhou, Morstyn (e-Energy 2025), with candidates, evidence and read-backs in place of free text.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from wattflock.assistant.extract import extract
from wattflock.assistant.files import Backend
from wattflock.assistant.grammar.text import LOCALES, text_of
from wattflock.assistant.rules.context import unsure
from wattflock.assistant.rules.filling import AMBIGUOUS, FILLED, NOTHING, Filling, Value, ambiguous, filled
from wattflock.assistant.slots import SLOTS, notes, problems, usual
from wattflock.core.errors import RunError
from wattflock.core.files import read_json

YES = re.compile(
    r"^\W*(?:yes|yeah|right|correct|ok|okay|sure|exactly|that's (?:right|it|fine)|fine|y|ja|stimmt"
    r"|genau|perfect|indeed)\b"
)
NO = re.compile(r"^\W*(?:no|n|wrong|not (?:right|quite|really)|incorrect)\b")
LATER = re.compile(r"\b(?:second|latter|later|last|evening|pm|afternoon|night|higher|bigger|larger)\b")
EARLIER = re.compile(r"\b(?:first|former|earlier|morning|am|lower|smaller)\b")
CHANGE = re.compile(r"^\W*(?:change|correct(?:ion)?|actually|wait|sorry)\b")
SKIP = re.compile(
    r"^\W*(?:skip|pass|next(?: question| one| please)?|leave (?:it|that)(?: open| out)?|i'd rather not)\W*\w*\W*$"
)
MOST_TRIES = 2  # clarifications of a slot before its default is offered
USUAL, LEFT = "not known", "I leave this open, you can tell me later: "
MOST_STEPS = 8  # actions in one turn


@dataclass(frozen=True)
class Action:
    """What a policy wants done, and why: a tool and the slots that it is about."""

    thought: str
    tool: str
    slots: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """An action and what came of it."""

    action: Action
    observation: str


@dataclass(frozen=True)
class Conversation:
    """All that an interview knows; it can be saved and resumed."""

    wanted: tuple[str, ...]
    locale: str = "en-GB"
    today: str = field(default_factory=lambda: date.today().isoformat())
    values: Mapping[str, Value] = field(default_factory=dict)  # agreed
    offered: Mapping[str, Filling] = field(default_factory=dict)  # waits for a yes, or for a choice
    asked: tuple[str, ...] = ()  # what the last question was about
    tries: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()  # slots whose usual value the resident does not want
    left: tuple[str, ...] = ()  # slots that are asked for no more
    steps: tuple[Step, ...] = ()  # of the last turn

    def open(self) -> list[str]:
        """Slots that are wanted, have no agreed value, and were not left open."""
        return [slot for slot in self.wanted if slot not in self.values and slot not in self.left]


class Policy(Protocol):
    """Proposes the next action of a turn."""

    def __call__(self, conversation: Conversation, words: str | None) -> Action:
        """The next action; `words` are what the resident said in this turn, None before the first question."""
        ...


def begun(wanted: tuple[str, ...] = tuple(SLOTS), locale: str = "en-GB", today: date | None = None) -> Conversation:
    """A conversation in which nothing has been said."""
    return Conversation(wanted, locale, (today or date.today()).isoformat())


def turn(
    conversation: Conversation, words: str | None, policy: "Policy | None" = None, reader: Backend = extract
) -> tuple[Conversation, str]:
    """What the assistant answers to the resident's words, and the conversation after it.

    Args:
        conversation: so far.
        words: of the resident; None to begin or to resume.
        policy: proposes the actions; by default the rules.
        reader: the backend that reads the words.
    """
    choose, state = policy or by_rules, replace(conversation, steps=())
    tools = TOOLS | {"read": partial(_read, reader=reader)}
    for _ in range(MOST_STEPS):
        action = choose(state, words)
        state, observation = tools.get(action.tool, _unknown)(state, action, words)
        state = replace(state, steps=(*state.steps, Step(action, observation)))
        if action.tool in SPEAKS:
            return state, observation
    return state, "I could not follow. " + _question(state, tuple(state.open()[:1]))


def by_rules(conversation: Conversation, words: str | None) -> Action:
    """The policy without a language model: read, store what is plain, read back what is not, else ask."""
    done = {step.action.tool for step in conversation.steps}
    if words is not None and "read" not in done:
        return Action("The resident said something; it may tell one slot or several.", "read", conversation.asked)
    plain = tuple(slot for slot, each in conversation.offered.items() if each.state == FILLED and not each.read_back)
    if plain:
        return Action("These were said plainly.", "store", plain)
    if waiting := tuple(conversation.offered):
        return Action("This was inferred or is ambiguous; the resident decides.", "read_back", waiting[:1])
    tries, refused = conversation.tries, conversation.refused
    lost = tuple(slot for slot in conversation.open() if tries.get(slot, 0) > MOST_TRIES - (slot in refused))
    if lost and lost[0] in refused:
        return Action("Its usual value is not wanted, and two answers did not tell it.", "leave", lost[:1])
    if lost:
        return Action("Asked often enough; the usual value is offered.", "default", lost[:1])
    if left := tuple(conversation.open()):
        return Action("This is not known yet.", "ask", left[:1])
    if "validate" not in done:
        return Action("All is told; does it fit together?", "validate", conversation.wanted)
    return Action("Done.", "finish")


def _unknown(state: Conversation, action: Action, words: str | None) -> tuple[Conversation, str]:
    return state, f"no tool {action.tool!r}; there are {', '.join(TOOLS)}"


def _read(
    state: Conversation, action: Action, words: str | None, reader: Backend = extract
) -> tuple[Conversation, str]:
    """Read the answer; yes and no are about what was read back."""
    text = text_of(words or "", state.locale).flat
    waiting = next(iter(state.offered), None)
    if waiting and waiting in state.asked:
        agreed = _agreed(state, waiting, text)
        if agreed is not None:
            return agreed
    asked = state.asked
    told = _told(state, words or "", asked, reader)
    if CHANGE.search(text) and not told:  # of any slot, and then never without a yes
        told = {slot: _doubted(slot, each) for slot, each in _told(state, words or "", state.wanted, reader).items()}
    if not told and asked and (SKIP.search(text) or (unsure(text) and asked[0] in state.refused)):
        return _leave(state, Action("", "leave", asked[:1]), words)
    if not told and unsure(text) and asked:
        return _default(state, Action("", "default", asked[:1]), words)
    values = {slot: value for slot, value in state.values.items() if slot not in told}
    kept = {slot: each for slot, each in state.offered.items() if slot not in asked}
    state = replace(state, values=values, offered={**told, **kept})
    said = [f"{slot}: {each.value or each.candidates} from {each.evidence!r}" for slot, each in told.items()]
    return state, "; ".join(said) or "nothing"


def _told(state: Conversation, words: str, asked: tuple[str, ...], reader: Backend) -> dict[str, Filling]:
    """What the words tell that is new."""
    found = reader(words, asked, _question(state, asked), state.locale, date.fromisoformat(state.today))
    told = {slot: each for slot, each in found.items() if each.state in (FILLED, AMBIGUOUS) and slot in state.wanted}
    new = {slot: each for slot, each in told.items() if each.value is None or each.value != state.values.get(slot)}
    return {slot: _checked(state, slot, each) for slot, each in new.items()}


def _doubted(slot: str, each: Filling) -> Filling:
    return each if each.value is None else filled(slot, each.value, each.evidence, each.candidates)


def _checked(state: Conversation, slot: str, each: Filling) -> Filling:
    """What replaces an agreed value, or does not fit the others, is read back even where it was said plainly."""
    if each.state != FILLED or each.value is None or each.read_back:
        return each
    if slot in state.values or problems({**state.values, slot: each.value}):
        return _doubted(slot, each)
    return each


def _agreed(state: Conversation, slot: str, text: str) -> "tuple[Conversation, str] | None":
    """The state after a yes, a no or a choice; None where the words are something else."""
    offer = state.offered[slot]
    rest = {name: each for name, each in state.offered.items() if name != slot}
    if offer.state == FILLED and YES.search(text) and offer.value is not None:
        return replace(state, offered={slot: replace(offer, read_back=None), **rest}), f"yes to {slot}"
    if offer.state == AMBIGUOUS and (choice := _chosen(offer, text)) is not None:
        return replace(
            state, offered={slot: Filling(choice, FILLED, (choice,), offer.evidence), **rest}
        ), f"chose {choice}"
    if NO.search(text) and not any(character.isdigit() for character in text):
        left = tuple(value for value in offer.candidates if value != offer.value)
        tries = {**state.tries, slot: state.tries.get(slot, 0) + 1}
        if offer.evidence == USUAL:
            refused = (*state.refused, slot)
            return replace(state, offered=rest, tries={**tries, slot: 0}, refused=refused), f"no to the usual {slot}"
        again = {slot: ambiguous(slot, left, offer.evidence)} if left and offer.state == FILLED else {}
        return replace(state, offered={**again, **rest}, tries=tries), f"no to {slot}"
    return None


def _chosen(offer: Filling, text: str) -> Value | None:
    ordered = sorted(offer.candidates, key=lambda value: (isinstance(value, str), value))
    if bool(LATER.search(text)) != bool(EARLIER.search(text)) and len(ordered) == 2:
        return ordered[-1] if LATER.search(text) else ordered[0]
    named = [value for value in ordered if re.search(rf"(?<![\d.:]){re.escape(str(value).lower())}(?![\d.:])", text)]
    return named[0] if len(named) == 1 else None


def _store(state: Conversation, action: Action, words: str | None) -> tuple[Conversation, str]:
    """Keep values that were said plainly or agreed to; everything else is refused."""
    kept, refused = {}, []
    for slot in action.slots:
        offer = state.offered.get(slot, NOTHING)
        if (
            offer.state == FILLED
            and offer.value is not None
            and not offer.read_back
            and SLOTS[slot].accepts(offer.value)
        ):
            kept[slot] = offer.value
        else:
            refused.append(slot)
    offered = {slot: each for slot, each in state.offered.items() if slot not in kept}
    said = ", ".join(f"{slot} = {value}" for slot, value in kept.items()) or "nothing"
    more = f"; refused, the resident has not agreed: {', '.join(refused)}" if refused else ""
    return replace(state, values={**state.values, **kept}, offered=offered), f"stored {said}{more}"


def _read_back(state: Conversation, action: Action, words: str | None) -> tuple[Conversation, str]:
    slot = action.slots[0]
    offer = state.offered.get(slot, NOTHING)
    if offer.state == AMBIGUOUS:
        choices = ", ".join(map(str, offer.candidates[:-1])) + f" or {offer.candidates[-1]}"
        said = f"You said {offer.evidence!r}. Which is it: {choices}?"
    else:
        said = f"So {offer.read_back}" if offer.read_back else _question(state, (slot,))
    return replace(state, asked=(slot,)), said


def _default(state: Conversation, action: Action, words: str | None) -> tuple[Conversation, str]:
    """Offer the named usual value of a slot."""
    slot = SLOTS[action.slots[0]]
    value = usual(slot.name, state.values, date.fromisoformat(state.today))
    offer = filled(slot.name, value, USUAL)
    offer = replace(offer, read_back=f"I take what is usual: {slot.told(value)}. Is that all right?")
    return replace(state, offered={slot.name: offer, **state.offered}), f"offered the usual {value}"


def _leave(state: Conversation, action: Action, words: str | None) -> tuple[Conversation, str]:
    """Ask for a slot no more; it can still be told."""
    offered = {slot: each for slot, each in state.offered.items() if slot not in action.slots}
    return replace(state, left=(*state.left, *action.slots), offered=offered), LEFT + _question(state, action.slots)


def _ask(state: Conversation, action: Action, words: str | None) -> tuple[Conversation, str]:
    tries = {**state.tries, **{slot: state.tries.get(slot, 0) + 1 for slot in action.slots}}
    amiss = [f"That does not fit: {step.observation}." for step in state.steps if step.action.tool == "validate"]
    said = [*_left_open(state), *amiss, _question(state, action.slots)]
    return replace(state, asked=action.slots, tries=tries), " ".join(said)


def _left_open(state: Conversation) -> list[str]:
    """What was said in this turn of slots that are asked for no more."""
    return [step.observation for step in state.steps if step.observation.startswith(LEFT)]


def _question(state: Conversation, slots: tuple[str, ...]) -> str:
    return " ".join(SLOTS[slot].question for slot in slots)


def _validate(state: Conversation, action: Action, words: str | None) -> tuple[Conversation, str]:
    """Check all values together; of those that do not fit, the last one is asked for again."""
    found = problems(state.values)
    if not found:
        return state, "all fits"
    faulty = [slot for slot in state.wanted if slot in state.values and not problems(_without(state.values, slot))]
    values = _without(state.values, faulty[-1]) if faulty else {}
    return replace(state, values=values), "; ".join(found)


def _without(values: Mapping[str, Value], slot: str) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name != slot}


def _finish(state: Conversation, action: Action, words: str | None) -> tuple[Conversation, str]:
    said = "; ".join(SLOTS[slot].told(state.values[slot]) for slot in state.wanted if slot in state.values)
    more = [f"Note: {each}. The plan will tell what comes nearest." for each in notes(state.values)]
    return replace(state, asked=()), " ".join([*_left_open(state), f"{said or 'nothing is agreed'}.", *more])


Tool = Callable[[Conversation, Action, "str | None"], tuple[Conversation, str]]
TOOLS: dict[str, Tool] = {
    "read": _read,
    "store": _store,
    "read_back": _read_back,
    "default": _default,
    "leave": _leave,
    "ask": _ask,
    "validate": _validate,
    "finish": _finish,
}
SPEAKS = ("ask", "read_back", "finish")


def saved(conversation: Conversation) -> dict[str, Any]:
    """A conversation as JSON values; the steps of the last turn are left out."""
    return {name: value for name, value in asdict(conversation).items() if name != "steps"}


def opened(path: Path) -> Conversation:
    """The conversation that `wattflock chat` kept.

    Raises:
        RunError: there is no such file, or it is no conversation.
    """
    try:
        return resumed(read_json(path))
    except ValueError as error:
        raise RunError(f"{path}: {error}") from error


def resumed(given: Mapping[str, Any]) -> Conversation:
    """The conversation that `saved` made.

    Raises:
        ValueError: it is of another program, or has slots or values that cannot be.
    """
    try:
        made = _made(given)
        wrong = _impossible(made)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a saved conversation ({error})") from error
    if wrong:
        raise ValueError(f"slots that cannot be: {', '.join(map(str, wrong))}")
    return made


def _made(given: Mapping[str, Any]) -> Conversation:
    offers = {
        slot: Filling(**(each | {"candidates": tuple(each["candidates"])})) for slot, each in given["offered"].items()
    }
    lists: dict[str, Any] = {name: tuple(given[name]) for name in ("wanted", "asked")}
    lists |= {name: tuple(given.get(name, ())) for name in ("refused", "left")}
    plain = {name: given[name] for name in ("locale", "values", "tries")}
    plain |= {"today": given["today"]} if given.get("today") else {}
    made = Conversation(**lists, **plain, offered=offers)
    if not SLOTS["date_start"].accepts(made.today):
        raise TypeError("its day")
    if made.locale not in LOCALES or not all(isinstance(count, int) for count in made.tries.values()):
        raise TypeError("its locale or its tries")
    return made


def _impossible(made: Conversation) -> list[str]:
    """Names that are no slots, and slots with a value or an offer that no answer gives."""
    unknown = {*made.wanted, *made.values, *made.offered, *made.asked, *made.refused, *made.left} - set(SLOTS)
    told = {slot: value for slot, value in made.values.items() if slot in SLOTS}
    offers = {slot: each for slot, each in made.offered.items() if slot in SLOTS}
    return [
        *sorted(unknown),
        *(slot for slot, value in told.items() if not SLOTS[slot].accepts(value)),
        *(slot for slot, each in offers.items() if not _offerable(slot, each)),
    ]


def _offerable(slot: str, each: Filling) -> bool:
    """Whether an offer can be read back: a value, or candidates to choose from, all of them within the slot's range."""
    told = each.candidates if each.state == AMBIGUOUS else (each.value, *each.candidates)
    many = len(told) > 1 if each.state == AMBIGUOUS else each.state == FILLED
    return many and all(SLOTS[slot].accepts(value) for value in told)
