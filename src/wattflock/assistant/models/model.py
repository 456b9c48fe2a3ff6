"""What a language model is to the assistant: messages go in, text comes out; it only proposes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wattflock.core.errors import RunError

MOST_CHARACTERS = 20_000  # of a reply; more is cut off
Message = Mapping[str, str]  # role: system, user or assistant; content


class ModelError(RunError):
    """A model that did not answer; the message has no key and no words of the resident."""


def shaped(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a chat completion is asked for beside the messages, so that its text obeys a schema."""
    return {"type": "json_schema", "json_schema": {"name": "action", "schema": schema}}


def text_of(completion: Any, who: str) -> str:
    """The text of a chat completion, cut off and without what UTF-8 cannot have.

    Raises:
        ModelError: it is none, or has no text; `who` answered so.
    """
    try:
        content = completion["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise ModelError(f"{who} gave no text, but something that is no chat completion") from None
    if not isinstance(content, str):
        raise ModelError(f"{who} answered without text")
    return content[:MOST_CHARACTERS].encode("utf-8", "replace").decode()


class Model(Protocol):
    """Answers a conversation."""

    def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
        """The next message.

        Args:
            messages: so far, the system's first.
            schema: of the JSON object that is wanted; None: plain text. A model may ignore it.

        Raises:
            ModelError: there is no answer.
        """
        ...
