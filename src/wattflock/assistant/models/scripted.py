"""A model that says what a script says: for tests and demonstrations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wattflock.assistant.models.model import Message, ModelError


@dataclass
class Scripted:
    """Gives its replies one after the other; `heard` has what it was asked."""

    replies: Sequence[str]
    heard: list[Sequence[Message]] = field(default_factory=list)

    def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
        """The next reply.

        Raises:
            ModelError: the script is at its end.
        """
        self.heard.append(tuple(messages))
        if len(self.heard) > len(self.replies):
            raise ModelError(f"the script has {len(self.replies)} replies, and one more was asked for")
        return self.replies[len(self.heard) - 1]
