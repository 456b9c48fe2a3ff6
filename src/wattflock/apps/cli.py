"""The terminal: every verb is a command; its signature becomes the arguments, its docstring the help."""

import contextlib
import inspect
import os
import re
import signal
import sys
import typing
from collections.abc import Callable, Generator, Iterable, Mapping
from importlib.metadata import version
from types import ModuleType
from typing import Annotated, Any

import typer

from wattflock.core import compile_cache
from wattflock.core.errors import WattflockError

Verb = Callable[..., object]
JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
WIDE = Annotated[bool, typer.Option("--wide", help="Print all columns.")]
WIDEST = 300  # characters of a line with all columns
USUAL = 120  # and of one with those that matter most
SECTION = re.compile(r"^(Args|Returns|Raises|Example|Examples|Source):\s*$", re.MULTILINE)


class Form(typing.NamedTuple):
    """How a result is printed."""

    json: bool = False
    wide: bool = False


def main() -> None:
    """What `wattflock` on the command line starts."""
    from wattflock.verbs import GROUPS, VERBS

    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell; a file opened later would take its place
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "r" if name == "stdin" else "w"))
    make_app(VERBS, GROUPS)()


def make_app(verbs: Iterable[Verb], groups: Mapping[str, ModuleType] | None = None) -> typer.Typer:
    """A terminal application with one command for each verb, and one group of commands for each module.

    A parameter without a default, and one called `scenario`, is an argument; any other is an option. A list
    is an option to repeat, in the singular: `sets` becomes `--set`. What a verb returns is printed.
    """
    app = _group(verbs, None, add_completion=True)
    app.callback()(_start)
    for name, module in (groups or {}).items():
        app.add_typer(_group(module.VERBS, inspect.getdoc(module)), name=name)
    return app


def _group(verbs: Iterable[Verb], about: str | None, add_completion: bool = False) -> typer.Typer:
    group = typer.Typer(
        no_args_is_help=True,
        add_completion=add_completion,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=about,
    )
    for verb in verbs:
        body, example = _help(verb)
        group.command(command_name(verb), help=body, epilog=example)(_command(verb))
    return group


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wattflock {version('wattflock')}")
        raise typer.Exit


def _start(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Say the version and stop.", callback=_say_version, is_eager=True),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Homes on a feeder trade in a market; a learner steers them; an honest judge says what it was worth."""
    context.obj = {"debug": debug}


def _command(verb: Verb) -> Callable[..., None]:
    """The verb as typer wants it: annotated parameters, output printed, errors as plain lines."""
    signature = inspect.signature(verb)
    hints = typing.get_type_hints(verb, include_extras=True)
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=_annotated(parameter, hints[parameter.name]))
        for parameter in signature.parameters.values()
    ]
    if hints.get("return") not in (str, type(None)):  # what is more than a line of text has another form
        parameters.append(_flag("json", JSON))
    if typing.get_origin(hints.get("return")) is Annotated:  # a table with more columns than a terminal has room for
        parameters.append(_flag("wide", WIDE))

    def command(context: typer.Context, json: bool = False, wide: bool = False, **arguments: Any) -> None:
        _run(verb, arguments, context.obj["debug"], Form(json, wide))

    told = signature.replace(parameters=[context, *parameters], return_annotation=None)
    command.__signature__ = told  # pyrefly: ignore[missing-attribute]: inspect reads it, typeshed lacks it
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in [context, *parameters]}
    return command


def _flag(name: str, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)


def _run(verb: Verb, arguments: dict[str, Any], debug: bool, form: Form) -> None:
    if not debug:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what the compiler says to its makers
    compile_cache.enable()
    from wattflock.study.interrupt import heard

    more = "; continue with --resume" if "resume" in arguments else ""

    def stopped() -> None:
        typer.echo(f"\x1b[?25h\rstopped{more}" if sys.stderr.isatty() else f"stopped{more}", err=True)

    with _in_words(debug), _ended() as ended:
        try:
            _show(heard(lambda: verb(**arguments), stopped), form)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: say nothing at exit
            raise typer.Exit(141) from None
        except KeyboardInterrupt:
            stopped()
            raise typer.Exit(143 if ended else 130) from None


@contextlib.contextmanager
def _ended() -> Generator[list[int]]:
    """SIGTERM is as Ctrl-C: what was done is kept. The list says whether it came."""
    came: list[int] = []

    def end(number: int, _: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _in_words(debug: bool) -> Generator[None]:
    """Errors as plain lines: what a person can correct ends with exit code 2, a fault of our own with 1."""
    try:
        yield
    except BaseException as error:  # Polars panics beside Exception, as where a thread of its own gets no memory
        panic = type(error).__name__ == "PanicException"
        if debug or isinstance(error, typer.Exit) or not (panic or isinstance(error, Exception)):
            raise
        if isinstance(error, WattflockError | OSError):
            code, said = 2, str(error)
        elif panic or isinstance(error, MemoryError):
            code, said = 2, "not enough memory; try fewer homes or days"
        else:
            what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            code, said = 1, f"a fault of wattflock itself: {what}; --debug shows where, please report it"
        typer.echo(said, err=True)
        raise typer.Exit(code) from None


def _show(result: object, form: Form) -> None:
    if isinstance(result, str) and not form.json:
        typer.echo(result)
    elif result is not None:
        from rich.console import Console

        from wattflock.apps.render import as_json, shown

        typer.echo(as_json(result)) if form.json else _print(Console(), shown(result, form.wide), form.wide)


def _print(console: Any, found: object, wide: bool) -> None:
    """Columns stand in lines that no terminal may fold; a narrow one scrolls or cuts them."""
    console.width = WIDEST if wide else max(console.width, USUAL)  # rich never prints wider than its console
    console.print(found, soft_wrap=True)


def _annotated(parameter: inspect.Parameter, hint: Any) -> Any:
    kind, *said = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    words = next((text for text in said if isinstance(text, str)), None)
    if parameter.default is inspect.Parameter.empty or parameter.name == "scenario":
        return Annotated[kind, typer.Argument(help=words)]
    name = parameter.name.removesuffix("s") if _is_list(kind) else parameter.name
    return Annotated[kind, typer.Option(f"--{_dashed(name)}", help=words)]


def _is_list(kind: Any) -> bool:
    return any(typing.get_origin(inner) in (list, tuple) for inner in (kind, *typing.get_args(kind)))


def _help(verb: Verb) -> tuple[str, str | None]:
    """The text before the first section of a docstring, and its example kept line by line."""
    body, *sections = SECTION.split(inspect.cleandoc(verb.__doc__ or ""))
    texts = dict(zip(sections[::2], sections[1::2], strict=True))
    example = inspect.cleandoc(texts.get("Example", texts.get("Examples", "")))
    return body.strip(), f"\b\nExample:\n{_indented(example)}" if example else None


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines())


def command_name(verb: Verb) -> str:
    """What a person types: `import` for `import_`, which is a word of Python."""
    return _dashed(verb.__name__.rstrip("_"))


def _dashed(name: str) -> str:
    return name.replace("_", "-")
