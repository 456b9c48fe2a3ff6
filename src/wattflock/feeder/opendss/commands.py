"""The commands of an OpenDSS model, read and checked before the engine sees any of them.

Files that a file redirects to are read here, so the engine opens none but those with numbers. What builds a circuit is
passed on; what only shows or writes is left out and counted; everything else is refused, all of it at once.
"""

import codecs
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from wattflock.core.errors import Problem, ScenarioError


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


RUN = _listed(
    """
    new edit more m ~ select enable disable reset open close calcvoltagebases setkvbase buildy allocateloads
    init buscoords makebuslist makeposseq reduce interpolate reconductor setloadandgenkv setbusxy latlongcoords
    giscoords batchedit reprocessbuses updatestorage clear clearall
    """
)
LEFT_OUT = _listed(
    """
    save show plot dump help quit ? next panel sample about get export fileedit voltages currents powers
    seqvoltages seqcurrents seqpowers losses phaselosses cktlosses formedit totals capacity classes userclasses
    zsc zsc10 zscrefresh ysc puvoltages varvalues varnames top vdiff summary di_plot comparecases yearlycurves
    visualize closedi estimate addbusmarker clearbusmarkers uuids nodediff relcalc cleanup nodelist
    exportoverloads exportvviolations zsc012 allpceatbus allpdeatbus totalpowers comhelp wait calcincmatrix
    calcincmatrix_o refine_buslevels calclaplacian
    """
)
SETTINGS = _listed(
    """
    type element hour sec year frequency stepsize h time class object circuit tolerance maxiterations loadmodel
    loadmult normvminpu normvmaxpu emergvminpu emergvmaxpu %mean %stddev ldcurve %growth genkw genpf capkvar
    addtype allowduplicates zonelock voltagebases algorithm trapezoidal controlmode genmult defaultdaily
    defaultyearly allocationfactors cktmodel pricesignal pricecurve terminal basefrequency harmonics
    maxcontroliter bus keeplist reduceoption %normal cfactors numallociterations defaultbasefrequency
    loadshapeclass earthmodel neglectloady miniterations keepload zmag linetypes longlinecorrection
    """
)
CODE = ("usermodel", "userdata", "dynadll", "dynadata", "shaftmodel", "shaftdata")  # properties that load native code
LIBRARY = re.compile(r"\.(so|dll|dylib|exe)(\.[\d.]+)?$", re.IGNORECASE)
DATA_FILE = ("file", "csvfile", "pqcsvfile", "sngfile", "dblfile")  # properties whose value is a file with numbers
READS_FILE = ("buscoords", "latlongcoords", "giscoords")  # commands whose value is one
MOST_DEEP, MOST_FILES, MOST_BYTES, MOST_LINE = 25, 5000, 200_000_000, 5_000_000
TOKEN = re.compile(
    r"""[ \t]*(?: "(?P<a>[^"]*)"? | '(?P<b>[^']*)'? | \((?P<c>[^)]*)\)? | \[(?P<d>[^\]]*)\]? | \{(?P<e>[^}]*)\}?
      | (?P<f>(?:(?!//)[^ \t,=!])*) )[ \t]*(?P<end>!.*|//.*|[,=])?""",
    re.VERBOSE,
)


def words(text: str) -> Iterator[tuple[str, str, int]]:
    """Name (or nothing), value, and where the rest begins, of each part of a command, as OpenDSS's own parser has them.

    Parts stand between blanks, commas and equal signs; one pair of quotes or brackets holds a part together; the first
    `!` or `//` outside of them begins a comment.
    """
    at, name, end = 0, None, ""
    while at < len(text) and end[:1] not in ("!", "/") and (found := TOKEN.match(text, at)):
        at, end = max(found.end(), at + 1), found["end"] or ""
        value = next(found[kind] for kind in "abcdef" if found[kind] is not None)
        if end == "=" and name is None:
            name = value
            continue
        if name or value:
            yield name or "", value, at
        name = None
    if name:
        yield name, "", at


@dataclass(frozen=True)
class Command:
    """One command that may run, and where it stands."""

    text: str
    file: Path
    line: int
    folder: str = ""  # in which the names of files begin

    @property
    def where(self) -> str:
        return f"{self.file}, line: {self.line}"


@dataclass
class Script:
    """A master file with all that it redirects to.

    Raises:
        ScenarioError: every command that is refused.
    """

    master: Path
    verbs: Sequence[str]  # of the engine, in its order: an abbreviation is the first that begins so
    options: Sequence[str]  # of its `set`
    commands: list[Command] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: Counter = field(default_factory=Counter)
    files: int = 0
    size: int = 0

    def __post_init__(self) -> None:
        self.verbs, self.options = [one.lower() for one in self.verbs], [one.lower() for one in self.options]
        self.folder = self.master.resolve().parent
        self._read(self.master.resolve(), 0, str(self.master))
        if self.problems:
            raise ScenarioError(self.problems)

    @property
    def notes(self) -> list[str]:
        """What was left out, in one line."""
        said = ", ".join(f"{name} ({count})" for name, count in self.skipped.most_common())
        return [f"left out, for an import is one snapshot and writes nothing: {said}"] if said else []

    def _read(self, file: Path, deep: int, where: str) -> None:
        self.files, self.size = self.files + 1, self.size + file.stat().st_size
        if deep > MOST_DEEP or self.files > MOST_FILES or self.size > MOST_BYTES:
            allowed = f"{MOST_DEEP} files deep, {MOST_FILES} files, {MOST_BYTES // 10**6} MB at most"
            raise ScenarioError([*self.problems, Problem(where, "redirect", file.name, allowed)])
        folder, near, comment = file.parent, _names(file.parent), False
        shown = self.master if deep == 0 else file
        for line, text in enumerate(_lines(file), 1):
            comment = comment or text.lstrip().startswith("/*")
            if not comment:
                folder = self._take(Command(text, shown, line), folder, near, deep) or folder
            comment = comment and "*/" not in text

    def _take(self, one: Command, folder: Path, near: set[str], deep: int) -> Path | None:
        """Sort one command; a folder where the command changes the one that names of files begin in."""
        if len(one.text) > MOST_LINE or "\x00" in one.text:
            allowed = f"text without null bytes, {MOST_LINE // 10**6} MB a line at most"
            self._refuse(one, "OpenDSS", one.text[:100], allowed)
            return None
        parts = list(words(one.text))
        if not parts:
            return None
        name, value, rest = parts[0]
        verb = "" if name else first(value.lower(), self.verbs)
        if name or verb in RUN:
            self._check(one, parts, folder, near, verb)
            self._pass(one, one.text if name else f"{verb} {one.text[rest:]}", folder)
        elif verb in ("redirect", "compile"):
            return self._follow(one, verb, parts, folder, deep)
        elif verb in ("set", "solve"):
            self._set(one, verb, parts[1:], folder)
        elif verb in LEFT_OUT:
            self.skipped[verb] += 1
        elif verb != "//":
            self._refuse(one, verb or value, " ".join(one.text.split()), "a command that builds a circuit")
        return None

    def _pass(self, one: Command, text: str, folder: Path) -> None:
        self.commands.append(Command(text, one.file, one.line, str(folder)))

    def _refuse(self, one: Command, what: str, value: str, allowed: str) -> None:
        if len(self.problems) < 50:
            self.problems.append(Problem(one.where, what, value[:200], allowed))

    def _follow(self, one: Command, verb: str, parts: list, folder: Path, deep: int) -> Path | None:
        value = parts[1][1] if len(parts) > 1 else ""
        path = _found(value, folder)
        if path is None or not path.is_relative_to(self.folder):
            self._refuse(one, verb, value, f"a file in {self.folder} or below")
            return None
        self._read(path, deep + 1, one.where)
        return path.parent if verb == "compile" else None

    def _set(self, one: Command, verb: str, parts: list, folder: Path) -> None:
        """One snapshot whatever the file says: its mode and number are left out, and options that write or show."""
        kept = []
        for name, value, _ in parts:
            option = first(name.lower(), self.options) if name else ""
            if option in SETTINGS:
                kept.append(f"{option}={_quoted(value)}")
            elif not (option == "mode" and value.lower().startswith("snap")):
                self.skipped[f"{verb} {option or name or value}{'=' + value if option == 'mode' else ''}"] += 1
        if kept:
            self._pass(one, f"set {' '.join(kept)}", folder)
        if verb == "solve":
            self._pass(one, "solve", folder)

    def _check(self, one: Command, parts: list, folder: Path, near: set[str], verb: str) -> None:
        for name, value, _ in parts if not verb else parts[1:]:
            last = name.rpartition(".")[2].strip().lower()
            if _begins(last, CODE) or LIBRARY.search(value.strip()):
                self._refuse(one, name or "value", value, "a model of OpenDSS itself: no native code is loaded")
            if _begins(last, ("action",)) and value.lower().startswith(("dbl", "sng")):
                self._refuse(one, name, value, "an action that writes no file")
            for path, sure in _files(last, value):
                self._inside(one, path, folder, near, sure or verb in READS_FILE)

    def _inside(self, one: Command, path: str, folder: Path, near: set[str], sure: bool) -> None:
        if not (sure or "/" in path or "\\" in path or path.lower() in near):
            return
        found = _found(path, folder)
        outside = found is not None and not found.is_relative_to(self.folder)
        if outside or (sure and found is None):
            self._refuse(one, "file", path, f"a file in {self.folder} or below")


def first(name: str, known: Sequence[str]) -> str:
    """The whole name of an abbreviation as OpenDSS has it: the same name, or the first that begins so; else nothing."""
    return name if name in known else next((one for one in known if name and one.startswith(name)), "")


@functools.cache
def _begins(name: str, known: tuple[str, ...]) -> bool:
    """Whether it is one of them, or an abbreviation of two letters or more."""
    return len(name) > 1 and any(full.startswith(name) for full in known)


def _files(name: str, value: str) -> Iterator[tuple[str, bool]]:
    """Values that can name a file, and whether they do for certain: `csvfile=a.csv`, `mult=(file=a.csv, column=2)`."""
    inner = list(words(value)) if "=" in value else []
    yield value.strip(), _begins(name, DATA_FILE)
    yield from ((each.strip(), key.lower() in DATA_FILE) for key, each, _ in inner)


def _quoted(value: str) -> str:
    return next((f"{a}{value}{b}" for a, b in ("()", "[]", '""', "{}", "''") if b not in value), "()")


def _names(folder: Path) -> set[str]:
    return {each.name.lower() for each in folder.iterdir()}


def _found(name: str, folder: Path) -> Path | None:
    """The file that a name in a script means: backslashes as slashes, `.dss` where there is no ending, any case."""
    name = name.strip()
    if not name or len(name) > 1000 or "\x00" in name or PureWindowsPath(name).drive:
        return None
    path = folder / name.replace("\\", "/")
    tries: list[Callable[[], Path]] = [
        lambda: path,
        lambda: path.with_name(f"{path.name}.dss"),
        lambda: _any_case(path),
    ]
    try:
        return next((each().resolve() for each in tries if each().is_file()), None)
    except (OSError, ValueError, RuntimeError):
        return None


def _any_case(path: Path) -> Path:
    """The path with the case of letters that files really have."""
    at = Path(path.anchor)
    for part in path.parts[1:]:
        exact = at / part
        if not exact.exists() and at.is_dir():
            exact = next((each for each in at.iterdir() if each.name.lower() == part.lower()), exact)
        at = exact
    return at


def _lines(file: Path) -> list[str]:
    data = file.read_bytes()
    try:
        text = data.decode("utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return re.split(r"\r\n|\r|\n", text)
