"""A turn of a conversation as a message in and a message out, for pages: nothing is kept between two of them."""

from collections.abc import Mapping
from typing import Any

from wattflock.assistant.dialogue import begun, resumed, saved, turn
from wattflock.assistant.extract import extract
from wattflock.assistant.files import Backend
from wattflock.assistant.grammar.text import locale_of
from wattflock.assistant.slots import SLOTS


def reply(message: Any, reader: Backend = extract) -> dict[str, Any]:
    """The answer to a message of a page.

    Args:
        message: `state`, as the last reply gave it, or None to begin; `words` of the resident, None before the first
            question; `locale` to begin in, en-GB where it is missing.
        reader: the backend that reads the words.

    Returns:
        `said`, a question or a summary; `state`, for the next message; `agreed`, what is agreed to, in sentences by
        slot; `done`, whether nothing is asked any more.

    Raises:
        ValueError: it is no such message, or its state is none that a reply gave.
    """
    if not isinstance(message, Mapping):
        raise ValueError("a message is an object with state and words")
    state, words, locale = (message.get(name) for name in ("state", "words", "locale"))
    if not (words is None or isinstance(words, str)):
        raise ValueError("words are text")
    family = locale_of(locale) if isinstance(locale, str) else "en-GB"
    if family is None:
        raise ValueError("locale is a tag of English or German")
    if not (state is None or isinstance(state, Mapping)):
        raise ValueError("state is what the last reply gave")
    before = begun(locale=family) if state is None else resumed(state)
    after, said = turn(before, words, reader=reader)
    agreed = {slot: SLOTS[slot].told(value) for slot, value in after.values.items()}
    return {"said": said[0].upper() + said[1:], "state": saved(after), "agreed": agreed, "done": not after.asked}
