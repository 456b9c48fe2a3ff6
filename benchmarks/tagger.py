"""Would a small trained model read answers better than the rules? One that ranks what the grammar found, by its words.

    python benchmarks/tagger.py            # prints the table
    python benchmarks/tagger.py --write    # also keeps it in benchmarks/tagger.md

It learns from sentences of simulated residents and is judged on those of a persona that it has not seen, and on set A,
which another hand wrote. City names are a look-up, and left out.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pages.head import head
from pages.table import table
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from wattflock.assistant.extract import extract
from wattflock.assistant.grammar.clock import shown
from wattflock.assistant.grammar.dates import reference
from wattflock.assistant.grammar.mention import CLOCK, NUMBER, TEMPERATURE, Mention
from wattflock.assistant.grammar.read import Answer, amounts_in, answer_of, days_in, times_in
from wattflock.assistant.residents.resident import PAPER, PERSONAS, drawn, eve, sayings
from wattflock.assistant.residents.spoken import facts
from wattflock.assistant.slots import SLOTS

HERE = Path(__file__).parent
SET_A = HERE.parent / "tests" / "assistant" / "set_a.jsonl"
READ = tuple(slot for slot in PAPER if slot != "city")
NEAR = 4  # words on each side that it sees one by one
LEARNT, JUDGED = range(100, 108), range(2)  # seeds of truths
SURE = 0.5


@dataclass(frozen=True)
class Told:
    """An answer and what it says of a slot; None where it says nothing."""

    slot: str
    words: str
    value: Any
    locale: str = "en-GB"
    today: date = date(2024, 5, 1)
    question: str = ""

    def answer(self) -> Answer:
        """The answer as the grammar reads it."""
        question = self.question or SLOTS[self.slot].question
        return answer_of(self.words, question, (self.slot,), self.locale, reference(question, self.today, self.locale))


def of_personas(personas: tuple[str, ...], seeds: range) -> Iterator[Told]:
    """Every sentence of these personas, with these truths."""
    more = {"car": "Renault Zoe", "kids": "three"}
    for seed in seeds:
        truth = drawn(seed)
        for persona in personas:
            for slot in READ:
                for text in sayings()["say"][persona][slot]:
                    words = text.format_map(facts(truth, slot) | more)
                    yield Told(slot, words, truth[slot], today=eve(truth))


def of_set_a() -> Iterator[Told]:
    """The answers of set A to questions about one of these slots."""
    for line in SET_A.read_text(encoding="utf-8").splitlines():
        given = json.loads(line)
        for slot in set(given["asked"]) & set(READ):
            value = given["expected"].get(slot, {}).get("value")
            yield Told(slot, given["utterance"], value, given.get("locale", "en-GB"), question=given["question"])


def candidates(told: Told) -> list[tuple[Any, dict[str, Any]]]:
    """Values that the grammar finds for the kind of a slot, each with what the model sees of it."""
    answer, kind = told.answer(), SLOTS[told.slot].kind
    if kind == "time":
        found = [(each, shown) for each in times_in(answer, bare=True) if each.kind == CLOCK]
    elif kind == "date":
        found = [(each, str) for each in days_in(answer)]
    else:
        kinds = (TEMPERATURE, NUMBER) if kind == "number" else (NUMBER,)
        found = [(each, lambda value: value) for each in amounts_in(answer) if each.kind in kinds]
    values = [(each, place, shape(value)) for each, shape in found for place, value in enumerate(each.values)]
    fit = [(each, place, value) for each, place, value in values if SLOTS[told.slot].accepts(value)]
    order = {id(each): number for number, (each, _) in enumerate(found)}
    return [
        (value, seen(told.slot, answer.flat, each, (order[id(each)], len(found), place))) for each, place, value in fit
    ]


def seen(slot: str, flat: str, each: Mention, where: tuple[int, int, int]) -> dict[str, Any]:
    """Words around a candidate, its place among the others, its size; all of them by slot."""
    before, after = flat[: each.start].split(), flat[each.end :].split()
    features = {f"{slot} before {word}": 1 for word in before[-NEAR:]} | {
        f"{slot} after {word}": 1 for word in after[:NEAR]
    }
    features |= {f"{slot} next {word}": 1 for word in (*before[-1:], *after[:1])}
    features |= {f"{slot} somewhere {word}": 1 for word in (*before[:-NEAR], *after[NEAR:])}
    order, count, place = where
    value = str(each.values[place])
    hour = int(each.values[place]) // 60 if each.kind == CLOCK else value if len(value) < 4 else ""
    told = {"order": order, "alone": count == 1, "reading": place, "kind": each.kind, "size": hour, "exact": each.exact}
    return features | {f"{slot} {name}": str(value) for name, value in told.items()}


def trained(rows: list[Told]) -> Any:
    """A logistic regression: is this candidate the value?"""
    pairs = [(features, value == told.value) for told in rows for value, features in candidates(told)]
    model = make_pipeline(DictVectorizer(), LogisticRegression(C=10.0, max_iter=2000))
    return model.fit([features for features, _ in pairs], [right for _, right in pairs])


def read(model: Any, told: Told) -> Any:
    """The likeliest candidate, where it is likelier than not."""
    found = candidates(told)
    if not found:
        return None
    share = model.predict_proba([features for _, features in found])[:, 1]
    return found[share.argmax()][0] if share.max() > SURE else None


def by_rules(told: Told) -> Any:
    """What the rules take, read back or not; None where it is unknown or ambiguous."""
    question = told.question or SLOTS[told.slot].question
    return extract(told.words, (told.slot,), question, told.locale, told.today)[told.slot].value


def row(name: str, answers: list[tuple[Told, Any]]) -> list[str]:
    """A line of the table."""
    right = sum(value == told.value for told, value in answers)
    wrong = sum(value not in (told.value, None) for told, value in answers)
    return [name, str(len(answers)), *(f"{100 * part / len(answers):.1f}" for part in (right, wrong))]


def rows() -> Iterator[list[str]]:
    """Both readers on every set that the trained one has not seen."""
    for persona in PERSONAS:
        model = trained(list(of_personas(tuple(each for each in PERSONAS if each != persona), LEARNT)))
        some = list(of_personas((persona,), JUDGED))
        yield row(f"{persona}, trained on the others", [(told, read(model, told)) for told in some])
        yield row(f"{persona}, rules", [(told, by_rules(told)) for told in some])
    model, some = trained(list(of_personas(PERSONAS, LEARNT))), list(of_set_a())
    yield row("set A, trained on all personas", [(told, read(model, told)) for told in some])
    yield row("set A, rules (tuned on it)", [(told, by_rules(told)) for told in some])


def main() -> None:
    """Measures both readers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/tagger.md")
    asked = parser.parse_args()
    readers = table(["answers of", "answers", "right at once [%]", "wrong [%]"], rows(), numbers=3)
    print(readers)
    if asked.write:
        text = (
            f"{head('A trained reader beside the rules')}"
            "A logistic regression on the words around each reading of the grammar, trained on sentences of simulated "
            "residents. Wrong: before any read-back. The rest is unknown or ambiguous.\n\n## Readers\n\n"
        )
        (HERE / "tagger.md").write_text(f"{text}{readers}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
