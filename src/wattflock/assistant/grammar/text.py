"""An utterance in a form that patterns can be written for, each place of which still knows the words it came from."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from wattflock.assistant.grammar import words
from wattflock.assistant.grammar.spelling import mended

LOCALES = ("en-GB", "en-US", "de")
TOKEN = re.compile(
    r"(?<![^\W\d_])[ap]\.\s?m\b\.?"  # a.m.
    r"|\d+(?:[.,:]\d+)*"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*"
    r"|[%°±~&×+/()\[\],.;:!?<>≥≤=\-–—…]",
    re.IGNORECASE,
)
LONGEST = 4  # words of a phrase
MOST_NUMBER = 12  # words of a number
SCALES = {"hundred": 100, "thousand": 1000}
Whole = Callable[[list[str]], tuple[int | None, int]]
MEASURED = ("", ".", "hour", "hours", "kwh", "kw", "kwp", "deg", "degc")
PARTS = {"and a half": ".5", "and three quarters": ".75", "and 3 quarters": ".75", "and three quarter": ".75"}
MOST_CHARACTERS = 4000  # of an answer; what follows is not read
MOST_WORDS = 300


def locale_of(tag: str) -> str | None:
    """The family of a language tag that is read: `en-IE` as en-GB, `de-AT` as de; None for another language."""
    language, _, region = tag.replace("_", "-").lower().partition("-")
    american = region.upper() in ("US", "CA", "PH")
    return {"en": "en-US" if american else "en-GB", "de": "de"}.get(language)


@dataclass(frozen=True)
class Token:
    """A normalised word and where it stands in the raw text."""

    word: str
    start: int
    end: int


@dataclass(frozen=True)
class Text:
    """`flat` is lower case, one space between tokens, numbers as digits; `quote` gives the raw words of a place."""

    raw: str
    flat: str
    tokens: tuple[Token, ...]
    starts: tuple[int, ...]  # of each token in `flat`

    def quote(self, start: int, end: int) -> str:
        """The raw words of `flat[start:end]`."""
        inside = [t for t, at in zip(self.tokens, self.starts, strict=True) if at < end and at + len(t.word) > start]
        return self.raw[inside[0].start : inside[-1].end] if inside else ""


def text_of(raw: str, locale: str) -> Text:
    """Normalise an utterance: numbers in words become digits, units one spelling, German words English ones.

    Args:
        raw: as the resident wrote it; only the first 4,000 characters and 300 words are read.
        locale: en-GB, en-US or de.
    """
    german = locale == "de"
    raw = raw[:MOST_CHARACTERS]
    typed = re.sub(r"(?<=\d);(?=[0-5]\d\b)", ":", raw)  # 5;30
    tokens = _joined(list(islice(_tokens(typed), MOST_WORDS)))
    if german:
        tokens = _phrases(tokens, words.GERMAN_PHRASES, {**words.GERMAN_ORDINALS, **words.GERMAN_WORDS, **words.WORDS})
    else:
        tokens = [Token(mended(token.word), token.start, token.end) for token in tokens]
    tokens = _phrases(tokens, words.PHRASES, words.WORDS)
    tokens = _numbers(tokens, german)
    starts, at = [], 0
    for token in tokens:
        starts.append(at)
        at += len(token.word) + 1
    return Text(raw, " ".join(token.word for token in tokens), tuple(tokens), tuple(starts))


def _tokens(raw: str) -> Iterator[Token]:
    for match in TOKEN.finditer(raw):
        word = match.group().lower().replace("’", "'")
        if re.fullmatch(r"[ap]\.\s?m\.?", word):
            word = word[0] + "m"
        if word.endswith("'s") and word[:-2] != "one" and (word[:-2] in words.UNITS or word[:-2] in words.TENFOLD):
            yield Token(word[:-2], match.start(), match.end() - 2)
            continue
        if word.endswith("ish") and word[:-3] in words.UNITS:
            yield Token(word[:-3], match.start(), match.end() - 3)
            yield Token("ish", match.end() - 3, match.end())
            continue
        yield Token({"–": "-", "—": ";", "…": ";", "~": "around"}.get(word, word), match.start(), match.end())


def _joined(tokens: list[Token]) -> list[Token]:
    """Hyphens inside words go, a dash between words becomes a break of the sentence, a dot between letters goes."""
    kept = []
    for index, token in enumerate(tokens):
        if token.word not in "-.:" or not 0 < index < len(tokens) - 1:
            kept.append(token)
            continue
        before, after = tokens[index - 1], tokens[index + 1]
        tight = before.end == token.start and token.end == after.start
        digits = before.word[-1].isdecimal() and after.word[0].isdecimal()
        if token.word == "-" and not tight and not digits:
            kept.append(Token(";", token.start, token.end))
        elif digits or not tight:
            kept.append(token)
    return kept


def _phrases(tokens: list[Token], phrases: dict[str, str], single: dict[str, str]) -> list[Token]:
    found, index = [], 0
    while index < len(tokens):
        for length in range(min(LONGEST, len(tokens) - index), 0, -1):
            some = tokens[index : index + length]
            phrase = " ".join(token.word for token in some)
            if new := (phrases if length > 1 else single).get(phrase):
                found += [Token(word, some[0].start, some[-1].end) for word in new.split()]
                index += length
                break
        else:
            found.append(tokens[index])
            index += 1
    return found


def _numbers(tokens: list[Token], german: bool) -> list[Token]:
    found, index = [], 0
    while index < len(tokens):
        value, length = _number_at(tokens, index, german)
        if value is None:
            found.append(tokens[index])
            index += 1
            continue
        found.append(Token(value, tokens[index].start, tokens[index + length - 1].end))
        index += length
    return found


def _number_at(tokens: list[Token], index: int, german: bool) -> tuple[str | None, int]:
    """A number that begins here, written as digits, and how many tokens it takes."""
    word = tokens[index].word
    following = [token.word for token in tokens[index + 1 : index + MOST_NUMBER]] + [""] * 6
    if word[0].isdecimal():
        value, length = plain(word, german), 1
        if value.isdecimal() and following[0] in SCALES:
            value, length = _in_words(value, following, False)
    elif index and not _goes_on(following) and tokens[index - 1].word in words.NO_NUMBER.get(word, ()):
        return None, 1
    elif word == "oh" and following[0] in words.UNITS and index and tokens[index - 1].word in words.UNITS:
        return f"0{words.UNITS[following[0]]}", 2
    else:
        value, length = _in_words(word, following, german)
    if value is None or ":" in value:
        return value, length
    value, length = _with_part(value, length, following)
    scale = SCALES.get(following[length - 1]) if "." in value else None  # "five and a half thousand"
    return (f"{scale * float(value):g}", length + 1) if scale else (value, length)


def _goes_on(following: list[str]) -> bool:
    """Whether the words after "one" make it a number: "it's one hundred", "it's one point five"."""
    return following[0] in SCALES or (following[0] == "point" and following[1] in words.UNITS)


def _with_part(value: str, length: int, following: list[str]) -> tuple[str, int]:
    """A whole number with "and a half" or quarters that stand after it."""
    rest, unit = following[length - 1 : length + 2], following[length + 2]
    if "." in value:
        return value, length
    if rest == ["and", "a", "quarter"] and unit in MEASURED:
        return f"{value}.25", length + 3
    part = PARTS.get(" ".join(rest))
    return (f"{value}{part}", length + 3) if part and not (part == ".75" and unit == "of") else (value, length)


def _in_words(word: str, following: list[str], german: bool) -> tuple[str | None, int]:
    if word == "point" and following[0] in words.UNITS:
        return _decimals("0", [word, *following], words.UNITS, 0)
    if german and word != "ein" and (value := words.german_number(word)) is not None:
        return _decimals(str(value), following, words.GERMAN_NUMBERS, 1)
    whole, length = _whole([word, *following])
    if whole is None:
        return None, 1
    return _decimals(str(whole), following[length - 1 :], words.UNITS, length)


def _decimals(whole: str, after: list[str], names: Mapping[str, float], length: int) -> tuple[str, int]:
    """A number with up to three digits after "point" or "Komma", and how many words it takes."""
    if after[0] == "point" and after[1] in words.TENFOLD:  # "seven point twenty five"
        value, more = _below_hundred(after[1:])
        return f"{whole}.{value}", length + 1 + more
    if after[0] not in ("point", "komma") or after[1] not in names:
        return whole, length
    digits = [str(names[after[1]])]
    while len(digits) < 3 and names.get(after[1 + len(digits)], 10) < 10:
        digits.append(str(names[after[1 + len(digits)]]))
    return f"{whole}.{''.join(digits)}", length + 1 + len(digits)


def _whole(said: list[str]) -> tuple[int | None, int]:
    """A whole number below a million that begins here, and how many words it takes; None where there is none."""
    return _scaled(said, "thousand", 1000, lambda some: _scaled(some, "hundred", 100, _below_hundred))


def _scaled(said: list[str], scale: str, size: int, smaller: Whole) -> tuple[int | None, int]:
    """ "Five thousand", "five thousand (and) twenty", "a thousand, two hundred"; without the scale what is smaller."""
    value, length = (1, 1) if said[:2] == ["a", scale] else smaller(said)
    if value is None or said[length : length + 1] != [scale]:
        return value, length
    joined = said[length + 1 : length + 2]
    skip = length + 1 + (joined in (["and"], [","]))
    more, longer = smaller(said[skip:])
    if more is None or more >= size or (joined == [","] and more < 100):
        return value * size, length + 1
    return value * size + more, skip + longer


def _below_hundred(said: list[str]) -> tuple[int | None, int]:
    """The same below a hundred; digits stay what they are."""
    word, after = [*said, "", ""][:2]
    if word.isdecimal():
        return int(word), 1
    if word in words.TENFOLD:
        unit = words.UNITS.get(after, 0)
        return words.TENFOLD[word] + (unit if unit < 10 else 0), 1 + (0 < unit < 10)
    return words.UNITS.get(word), 1


def plain(word: str, german: bool) -> str:
    """Digits with a decimal point and no separator of thousands; what looks like a clock or date stays as it is."""
    if ":" in word:
        return word
    if (german and re.fullmatch(r"\d{1,3}(\.\d{3})+", word)) or re.fullmatch(r"\d{1,3}(,\d{3})+", word):
        return re.sub(r"[.,]", "", word)
    if re.fullmatch(r"\d+,\d{1,2}", word):
        return word.replace(",", ".")
    return word.rstrip(".,")
