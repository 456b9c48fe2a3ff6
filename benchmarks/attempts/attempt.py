"""One attempt: what is tried, what should happen, what happened; and how an act is judged."""

import dataclasses
import re
import tempfile
from collections.abc import Callable

from wattflock.core.errors import ScenarioError, WattflockError

RIGHT, TOLD, REFUSED, WRONG, TRACEBACK = "right", "told", "refused", "WRONG", "TRACEBACK"
VERDICTS = (RIGHT, TOLD, REFUSED, WRONG, TRACEBACK)  # the last two are faults


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A row of the table of attempts."""

    kind: str  # such as `meter file`, `feeder text`, `checkpoint`
    tried: str  # what is tried, in a few words
    expected: str  # what should happen, with the right value
    verdict: str  # one of VERDICTS
    said: str  # what the program said or gave


def attempt(kind: str, tried: str, expected: str, act: Callable[[], tuple[str, str]]) -> Attempt:
    """Does it: `act` gives a verdict and what was said; a WattflockError is a refusal, all else a traceback."""
    try:
        verdict, said = act()
    except ScenarioError as error:
        verdict, said = REFUSED, "; ".join(f"{each.field} = {each.value}: {each.allowed}" for each in error.problems)
    except WattflockError as error:
        verdict, said = REFUSED, str(error)
    except BaseException as error:  # noqa: BLE001, RUF100 (whatever comes is what the row tells)
        if isinstance(error, KeyboardInterrupt):
            raise
        verdict, said = TRACEBACK, f"{type(error).__name__}: {error}"
    said = re.sub(rf"{re.escape(tempfile.gettempdir())}/[^\s/:]*/?", "", " ".join(said.split()))  # no path of a machine
    return Attempt(kind, tried, expected, verdict, said[:160])
