"""How a page of measured figures begins: what made it, of which code, when and where."""

import datetime
import subprocess
import sys
from pathlib import Path

from wattflock.core.machine import machine

ROOT = Path(__file__).resolve().parents[2]
CODE = ("src",)


def head(title: str, command: str = "", date: str = "", where: str = "") -> str:
    """Title, command, commit, date and machine; what is not told is that of this process, now.

    Args:
        title: of the page.
        command: what a person types to measure again.
        date: of the measurement, ISO 8601; the commit is the last one of the code until then.
        where: the machine.
    """
    told = date or datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    facts = {
        "command": f"`{command or _typed()}`",
        "commit": commit(told),
        "date": told[:10],
        "machine": where or machine(),
    }
    return f"# {title}\n\n" + "".join(f"- {name}: {value}\n" for name, value in facts.items()) + "\n"


def renewed(page: str) -> str:
    """A page whose tables are measured one by one, with the head of the one that is written now."""
    title, _, body = page.split("\n\n", 2)
    return head(title.removeprefix("# ")) + body


def commit(until: str) -> str:
    """The last commit of the code until then; "(changed)" where files differ from it now."""
    last = _git("log", "-1", "--format=%h", f"--before={until}", "--", *CODE)
    return last + (" (changed)" if _git("status", "--porcelain", "--", *CODE) else "")


def _typed() -> str:
    """What was typed; of a path of this machine the name alone."""
    script, *words = sys.argv
    told = [Path(word).name if Path(word).is_absolute() else word for word in words]
    return " ".join(["python", str(Path(script).resolve().relative_to(ROOT)), *told])


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
