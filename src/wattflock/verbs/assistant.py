"""What a resident says becomes parameters of a plan: read answers, with evidence, candidates and read-backs."""

from pathlib import Path
from typing import Annotated, Any

from wattflock.verbs import planning

BackendName = Annotated[str, "Who reads: rules, openai, embedded or scripted."]
BaseUrl = Annotated[str, "Of an OpenAI-compatible server; WATTFLOCK_LLM_URL where not told. Key: WATTFLOCK_LLM_KEY."]
ModelName = Annotated[
    str, "With openai a name (or WATTFLOCK_LLM_MODEL), with embedded a GGUF file (WATTFLOCK_LLM_FILE)."
]


def extract(
    file: Annotated[Path, "Answers, one JSON object a line: id, question, asked, utterance; locale en-GB by default."],
    backend: BackendName = "rules",
    out: Annotated[Path | None, "Write what was read here, as JSON."] = None,
    today: Annotated[str, "What relative dates count from, YYYY-MM-DD; the day of this computer where not told."] = "",
    base_url: BaseUrl = "",
    model: ModelName = "",
) -> Any:
    """Read slots out of residents' answers: a value, candidates where it is ambiguous, or unknown.

    A value with a read-back was inferred (morning or evening, arithmetic, a look-up) and counts once the resident
    has agreed. An answer that a language model fails at is unknown. Slots and units: docs/assistant.md.

    Example:
        wattflock assistant extract answers.jsonl --backend rules --out read.json
        wattflock assistant extract answers.jsonl --backend openai --base-url http://localhost:8080/v1 --model mistral
    """
    from wattflock.assistant.backends import Wanted, backend_of
    from wattflock.assistant.files import lines_of, read_all
    from wattflock.assistant.slots import SLOTS
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.files import write_json
    from wattflock.core.progress import say
    from wattflock.verbs.results import Extracted

    where = "wattflock assistant extract"
    reader, wrong = backend_of(where, Wanted(backend, base_url, model))
    day = _day(today)
    if today and day is None:
        wrong.append(Problem(where, "--today", today, SLOTS["date_start"].allowed()))
    asked, problems = lines_of(file)
    if wrong or problems:
        raise ScenarioError([*wrong, *problems])
    read, failed = read_all(asked, reader, day)
    for each in failed:
        say(each)
    if out:
        write_json(out, read)
    return Extracted(read, {each.id: each.asked for each in asked})


def chat(  # noqa: PLR0913 (an argument is an option of the command)
    out: Annotated[Path, "The conversation is kept in this JSON file, after every answer."] = Path("chat.json"),
    slots: Annotated[list[str] | None, "Ask for this alone; can be repeated. All slots by default."] = None,
    locale: Annotated[str, "en-GB, en-US or de: clock, order of dates."] = "en-GB",
    resume: Annotated[bool, "Go on with the conversation of --out."] = False,
    backend: BackendName = "rules",
    base_url: BaseUrl = "",
    model: ModelName = "",
    plan: Annotated[bool, "Then plan the home, with what is usual where the conversation does not tell."] = False,
) -> str:
    """Ask a resident for what a plan needs, read back what was inferred, and keep what they agree to.

    Answers are read from the keyboard, or line by line from a pipe; an empty line or Ctrl-D stops. An answer such as
    "actually I leave at 8" corrects what was agreed. Where a language model does not answer, the rules read.

    Example:
        wattflock chat --out home.json
        wattflock chat --out home.json --resume --plan
    """
    import sys

    from wattflock.assistant.backends import OrRules, Wanted, backend_of
    from wattflock.assistant.dialogue import begun, opened, saved, turn
    from wattflock.assistant.grammar.text import LOCALES, locale_of
    from wattflock.assistant.slots import SLOTS
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.files import write_json
    from wattflock.core.progress import say
    from wattflock.core.registry import nearest

    reader, problems = backend_of("wattflock chat", Wanted(backend, base_url, model))
    wrong = problems + [
        Problem("wattflock chat", "--slot", slot, nearest(slot, SLOTS)) for slot in slots or () if slot not in SLOTS
    ]
    family = locale_of(locale) or ""
    if not family:
        wrong.append(Problem("wattflock chat", "--locale", locale, "English or German: " + " | ".join(LOCALES)))
    if wrong:
        raise ScenarioError(wrong)
    state, said = turn(opened(out) if resume else begun(tuple(slots or SLOTS), family), None)
    while True:
        print(said if state.asked else f"{said[0].upper()}{said[1:]} Is anything different?", flush=True)
        words = sys.stdin.readline().strip()
        if not words:
            break
        state, said = turn(state, words, reader=OrRules(reader, say))
        write_json(out, saved(state))
    write_json(out, saved(state))
    return f"kept in {out}; go on with --resume" + _planned(out, plan)


def _planned(out: Path, wanted: bool) -> str:
    """The plan in words below what was said last, or nothing."""
    if not wanted:
        return ""
    boxes = planning.planned(out).sentences
    return "".join(f"\n\n{title}\n" + "\n".join(f"  {each}" for each in said) for title, said in boxes if said)


def _day(text: str) -> Any:
    from datetime import date

    from wattflock.assistant.slots import SLOTS

    return date.fromisoformat(text) if SLOTS["date_start"].accepts(text) else None


VERBS = (extract, planning.plan, planning.export)  # of the group; `chat` stands by itself
