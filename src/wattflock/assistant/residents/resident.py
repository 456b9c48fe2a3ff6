"""A simulated resident: knows the truth about their home, and answers questions and read-backs with it.

Source: the easy, medium and hard users of Michelon, Zhou, Morstyn (e-Energy 2025), whose truths are drawn from the same
ranges; here the number of cars varies too, times are quarters of an hour, and a resident remembers what was asked.
"""

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from wattflock.assistant.dialogue import Conversation
from wattflock.assistant.models.model import Model, ModelError
from wattflock.assistant.residents.spoken import entails, facts
from wattflock.assistant.rules.filling import FILLED, Value
from wattflock.assistant.slots import SLOTS

PERSONAS = ("easy", "medium", "hard", "novice")
PAPER: tuple[str, ...] = (
    "date_start",
    "date_end",
    "ev_count",
    "city",
    "ev_departure_time",
    "ev_arrival_time",
    "comfort_temp_min_c",
    "comfort_temp_max_c",
)
VAGUE, STRAY = 0.25, 0.1  # shares of first questions to which a hard resident tells nothing, or something else
MODELS = ("Renault Zoe", "Nissan Leaf", "Tesla Model 3", "Kia Niro", "Volkswagen ID.3", "Hyundai Kona")
VOICES = {
    "easy": "You answer with the bare fact in few words; dates as YYYY/MM/DD, times on the 24-hour clock.",
    "medium": "You answer in one sentence and also mention your car, your children or breakfast; dates as DD-MM-YYYY.",
    "hard": "You answer in two sentences with an explanation and mention your diesel truck or motorcycle; numbers in "
    "words, months by name, times with AM or PM.",
    "novice": "You know nothing about power and talk as to a neighbour.",
}


def drawn(seed: int) -> dict[str, Value]:
    """The truth of a home: values of the paper's eight parameters."""
    chance = random.Random(seed)
    start = date(2020, 1, 1) + timedelta(days=chance.randrange(90))
    low = chance.randint(16, 18)
    clock = lambda first, last: f"{chance.randint(first, last):02d}:{chance.choice((0, 15, 30, 45)):02d}"  # noqa: E731
    return {
        "date_start": start.isoformat(),
        "date_end": (start + timedelta(days=chance.randint(1, 6))).isoformat(),
        "ev_count": chance.randint(1, 3),
        "city": chance.choice(("London", "Manchester", "Oxford")),
        "ev_departure_time": clock(6, 9),
        "ev_arrival_time": clock(17, 20),
        "comfort_temp_min_c": low,
        "comfort_temp_max_c": min(low + chance.randint(1, 20), int(SLOTS["comfort_temp_max_c"].high)),
    }


def eve(truth: Mapping[str, Value]) -> date:
    """The day of the interview: two weeks before the plan begins."""
    return date.fromisoformat(str(truth["date_start"])) - timedelta(days=14)


@cache
def sayings() -> Mapping[str, Any]:
    """The sentences of all personas."""
    return tomllib.loads((files("wattflock.assistant.residents") / "sayings.toml").read_text(encoding="utf-8"))


@dataclass
class Resident:
    """Answers for one home; the same seed, persona and questions give the same answers.

    Args:
        persona: one of `PERSONAS`.
        truth: value of each slot.
        seed: of the choice of words.
        model: says it in words of its own; what does not entail the truth is replaced by a sentence of the file.
    """

    persona: str
    truth: Mapping[str, Value]
    seed: int = 0
    model: Model | None = None
    heard: dict[str, int] = field(default_factory=dict)  # how often each slot was asked for

    def __post_init__(self):
        self.chance = random.Random(f"{self.persona} {self.seed}")

    def answer(self, conversation: Conversation, said: str) -> str:
        """What the resident answers to the assistant's last words.

        Args:
            conversation: what it asked for and offered.
            said: its words.
        """
        slot = conversation.asked[0]
        offer, before = conversation.offered.get(slot), self.heard.get(slot, 0)
        self.heard[slot] = before + 1
        if offer and offer.state == FILLED:
            return self._of("yes") if offer.value == self.truth[slot] else self._no(slot)
        if before or offer:
            return self._told(slot, sayings()["again"][self.persona][SLOTS[slot].kind])
        return self._vague(slot) or self._spoken(slot, said)

    def _spoken(self, slot: str, said: str) -> str:
        """The truth of a slot, by the model where it says it, else by a sentence of the file."""
        if self.model:
            known = "; ".join(SLOTS[name].told(value) for name, value in self.truth.items())
            system = f"You are a resident. {VOICES[self.persona]} The truth: {known}. Answer the question truthfully."
            messages = [{"role": "system", "content": system}, {"role": "user", "content": said}]
            try:
                words = self.model(messages, None).strip()
            except ModelError:
                words = ""
            if len(words) <= 400 and entails(words, slot, self.truth[slot]):
                return words
        return self._told(slot, sayings()["say"][self.persona][slot])

    def _vague(self, slot: str) -> str | None:
        """A hard resident's first answer, where it tells nothing or answers another question."""
        if self.persona != "hard" or (chance := self.chance.random()) > VAGUE + STRAY:
            return None
        if chance < VAGUE:
            return self.chance.choice(sayings()["vague"][slot])
        other = self.chance.choice([name for name in self.truth if name != slot])
        return self._told(other, sayings()["stray"][other])

    def _no(self, slot: str) -> str:
        again = self._told(slot, sayings()["again"][self.persona][SLOTS[slot].kind])
        return self._of("no").format(again=again)

    def _of(self, kind: str) -> str:
        return self.chance.choice(sayings()[kind][self.persona])

    def _told(self, slot: str, sentences: list[str]) -> str:
        more = {"car": self.chance.choice(MODELS), "kids": self.chance.choice(("two", "three", "four"))}
        text = self.chance.choice(sentences).format_map(facts(self.truth, slot) | more)
        return text[0].upper() + text[1:]
