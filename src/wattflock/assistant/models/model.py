"""What a language model is to the assistant: messages go in, text comes out; it only proposes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wattflock.core.errors import RunError

MOST_CHARACTERS = 20_000  # of a reply; more is cut off
Message = Mapping[str, str]  # role: system, user or assistant; content


class ModelError(RunError):
    """A model that did not answer; the message has no key and no words of the resident."""


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
