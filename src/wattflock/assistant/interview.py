"""A whole interview with a simulated resident, and how well it went: what the study of the interface counts."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date

from wattflock.assistant.dialogue import Action, Conversation, Policy, begun, by_rules, turn
from wattflock.assistant.extract import extract
from wattflock.assistant.files import Backend
from wattflock.assistant.residents.resident import PAPER, Resident, eve
from wattflock.assistant.rules.filling import AMBIGUOUS, Filling, Value, filled
from wattflock.assistant.slots import minutes_between, usual

MOST_TURNS = 80  # of an interview
MOST_QUESTIONS = 8  # about a slot, offers of the usual value included; a read-back is none


@dataclass(frozen=True)
class Setting:
    """Who reads, and how often a slot is asked for before it is left open."""

    reader: Backend = extract
    most: int = MOST_QUESTIONS
    asked_before: int = 0  # how often residents have heard each question; from once on they say the plain value


@dataclass(frozen=True)
class Asked:
    """How the interview went for one slot."""

    slot: str
    truth: Value
    value: Value | None
    questions: int  # read-backs and clarifications included; 0 where another answer told it
    seconds: float  # of the machine, for answers to questions about it

    @property
    def right(self) -> bool:
        """Whether the truth was stored."""
        return self.value == self.truth

    def line(self) -> dict:
        """For a table."""
        wrong = self.value is not None and not self.right
        judged = {"right": self.right, "at_once": self.right and self.questions <= 1, "wrong": wrong}
        return asdict(self) | judged | {"asked_again": self.questions > 1}


@dataclass(frozen=True)
class Unread:
    """A backend whose read-backs are left out: what was inferred counts as if it had been said plainly."""

    reader: Backend

    def __call__(
        self, utterance: str, asked: tuple[str, ...], question: str, locale: str, today: date | None
    ) -> dict[str, Filling]:
        """What the backend reads; of slots that were asked for without a read-back."""
        found = self.reader(utterance, asked, question, locale, today)
        return {slot: replace(each, read_back=None) if slot in asked else each for slot, each in found.items()}


@dataclass(frozen=True)
class First:
    """A backend that reads back the first candidate where there are several, and does not ask which it is."""

    reader: Backend

    def __call__(
        self, utterance: str, asked: tuple[str, ...], question: str, locale: str, today: date | None
    ) -> dict[str, Filling]:
        """What the backend reads, without candidates."""
        found = self.reader(utterance, asked, question, locale, today)
        return {slot: _first(slot, each) for slot, each in found.items()}


@dataclass(frozen=True)
class Usual:
    """A backend that hears nothing: each slot that was asked for has its usual value."""

    def __call__(
        self, utterance: str, asked: tuple[str, ...], question: str, locale: str, today: date | None
    ) -> dict[str, Filling]:
        """Usual values beside one another, none read back."""
        values: dict[str, Value] = {}
        for slot in PAPER:
            values[slot] = usual(slot, values, today or date.today())
        return {slot: filled(slot, values[slot], utterance, inferred=False) for slot in asked}


def patient(most: int) -> Policy:
    """The policy of the rules for one interview, which asks for a slot at most so often and then leaves it open."""
    asked: Counter[str] = Counter()

    def choose(conversation: Conversation, words: str | None) -> Action:
        action = by_rules(conversation, words)
        if action.tool not in ("ask", "default"):
            return action
        left = [slot for slot in conversation.open() if asked[slot] < most]
        if not left:
            return Action("Done.", "finish")
        if left[0] != action.slots[0]:
            action = Action("This was not asked for yet.", "ask", (left[0],))
        asked[left[0]] += 1
        return action

    return choose


def interview(resident: Resident, setting: Setting) -> tuple[list[Asked], list[tuple[str, str]]]:
    """Every slot of the paper, and what was said: the assistant's words and the resident's, turn by turn."""
    policy = patient(setting.most)
    state, said = turn(begun(PAPER, today=eve(resident.truth)), None, policy)
    questions, seconds, talk = dict.fromkeys(PAPER, 0), dict.fromkeys(PAPER, 0.0), []
    while state.asked and len(talk) < MOST_TURNS:
        slot, words = state.asked[0], resident.answer(state, said)
        talk.append((said, words))
        began = time.perf_counter()
        state, said = turn(state, words, policy, setting.reader)
        seconds[slot] += time.perf_counter() - began
        questions[slot] += 1
    values, truth = state.values, resident.truth
    return [Asked(slot, truth[slot], values.get(slot), questions[slot], seconds[slot]) for slot in PAPER], talk


def keeps(values: Mapping[str, Value], truth: Mapping[str, Value]) -> dict[str, bool]:
    """Which of a resident's true constraints a plan with these values keeps, whatever else it does.

    A plan fills the cars while they are home by its values and stays within its comfort band; so it keeps a constraint
    where its values are as strict as the truth. What is missing keeps nothing.
    """
    return {
        "charged by departure": _before(values, truth, "ev_departure_time"),
        "plugged in when home": _before(truth, values, "ev_arrival_time"),
        "never too cold": _least(values, truth, "comfort_temp_min_c"),
        "never too warm": _least(truth, values, "comfort_temp_max_c"),
        "all its days": all(values.get(slot) == truth[slot] for slot in ("date_start", "date_end")),
        "every car": values.get("ev_count") == truth["ev_count"],
        "weather of its city": values.get("city") == truth["city"],
    }


def _first(slot: str, each: Filling) -> Filling:
    if each.state != AMBIGUOUS:
        return each
    return filled(slot, each.candidates[0], each.evidence, each.candidates[1:])


def _before(one: Mapping[str, Value], other: Mapping[str, Value], slot: str) -> bool:
    """Whether one time is the other, or up to half a day before it."""
    if slot not in one or slot not in other:
        return False
    return one[slot] == other[slot] or minutes_between(str(one[slot]), str(other[slot])) <= 720


def _least(one: Mapping[str, Value], other: Mapping[str, Value], slot: str) -> bool:
    return slot in one and slot in other and float(one[slot]) >= float(other[slot])
