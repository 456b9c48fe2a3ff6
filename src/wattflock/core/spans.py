"""Names with a number at their end, as spans: H001000..H001199."""

import re
from collections.abc import Iterable

SPAN = re.compile(r"^(.*?)(\d+)\.\.(.*?)(\d+)$")
MOST = 100_000  # names of a span


def spelled(names: Iterable[str]) -> tuple[str, ...]:
    """All names, those of spans one by one; what is no span stays as it is.

    Raises:
        ValueError: a span whose ends have other words or lengths, that falls, or is too long.
    """
    found: list[str] = []
    for name in names:
        match = SPAN.match(name)
        if match is None:
            found.append(name)
            continue
        word, first, same, last = match.groups()
        count = int(last) - int(first) + 1
        if word != same or len(first) != len(last) or not 0 < count <= MOST:
            raise ValueError(f"{name}: a span such as H001000..H001199, at most {MOST:,} names")
        found += [f"{word}{int(first) + k:0{len(first)}}" for k in range(count)]
    return tuple(found)
