"""Feeders: import one from OpenDSS, solve it, check it, draw it, and say what it can host."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from wattflock.feeder.tables.network import Network

FeederName = Annotated[str, "A feeder of our own (wattflock parts --room feeder) or a file that `import` wrote."]
Loads = Annotated[str, "constant-power, or as-modelled: with their own dependence on voltage."]
Scale = Annotated[float, "Every spot load times this."]
Taps = Annotated[str, "fixed: as the feeder has them; settle: regulators move until their voltage is in band."]
Preset = Annotated[str, "Limits: ansi-a (0.95 to 1.05 pu), ansi-b (0.917 to 1.058) or en50160 (0.90 to 1.10)."]


def import_(
    master: Annotated[Path, "The OpenDSS file that builds the circuit, such as Master.dss."],
    out: Annotated[Path | None, "File to write; <circuit>.feeder here by default."] = None,
    seconds: Annotated[int, "Stop after so long [s]."] = 120,
) -> object:
    """Read any OpenDSS model into one file of ours, which needs no OpenDSS any more.

    Lines, switches, transformers, regulators with their controls, capacitors, reactors, sources and loads are kept
    exactly, in the state in which OpenDSS's base case leaves them; everything that is approximated is listed. OpenDSS
    runs in a process that can write nothing; it reads only files in the model's own folder.

    Example:
        wattflock feeder import path/to/Master.dss
        wattflock feeder import path/to/Master.dss --out mine.feeder
    """
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.files import safe_name, write_whole
    from wattflock.feeder.file import summary, to_bytes
    from wattflock.feeder.opendss import read_opendss
    from wattflock.feeder.reduce import reduce_circuit
    from wattflock.report.feeder_tables import facts

    if seconds < 1:
        raise ScenarioError([Problem("wattflock feeder import", "--seconds", seconds, "1 or more [s]")])
    circuit = read_opendss(master, seconds)
    reduce_circuit(circuit)  # whatever cannot be solved is told now, and nothing is written
    path = write_whole(out or Path(f"{safe_name(circuit.name)}.feeder"), to_bytes(circuit))
    return facts([*summary(circuit), ("written", f"{path} ({path.stat().st_size / 1e6:.2f} MB)")])


def solve(
    feeder: FeederName,
    loads: Loads = "constant-power",
    scale: Scale = 1.0,
    taps: Taps = "fixed",
    limits: Preset = "ansi-a",
    csv: Annotated[Path | None, "Write node, magnitude [pu], angle [deg]; and beside it OUT-branches.csv [A]."] = None,
) -> object:
    """Solve a feeder at its spot loads in float64: voltages, currents, losses and which limits are broken.

    Example:
        wattflock feeder solve ieee123 --loads as-modelled --taps settle --csv voltages.csv
        wattflock feeder solve mine.feeder --scale 0.5 --limits en50160
    """
    from wattflock.core.errors import RunError
    from wattflock.core.files import csv_bytes, write_whole
    from wattflock.verbs.api import snapshot

    found = snapshot(feeder, loads, scale, taps, limits)
    flow = found.snapshot.flow
    if not bool(flow.converged):
        moving = f"still moving by {float(flow.residual_pu):.1e} pu"
        raise RunError(
            f"{feeder}: no solution after {int(flow.iterations)} iterations ({moving}); try a smaller --scale"
        )
    if csv:
        write_whole(csv, csv_bytes(found.nodes))
        write_whole(csv.with_name(f"{csv.stem}-branches.csv"), csv_bytes(found.branches))
    return found


def check(
    feeder: FeederName,
    master: Annotated[Path | None, "The OpenDSS file of an imported feeder, if it has moved."] = None,
    tolerance_pu: Annotated[float, "Largest difference of a voltage that is accepted [pu]."] = 1e-6,
) -> object:
    """Compare a feeder with OpenDSS, node by node, at several loads; exit code 2 where they differ.

    Example:
        wattflock feeder check ieee13
        wattflock feeder check mine.feeder --master path/to/Master.dss
    """
    from wattflock.core.errors import RunError
    from wattflock.core.progress import console
    from wattflock.feeder.opendss.compare import comparisons, opinion
    from wattflock.report.feeder_tables import comparison_table
    from wattflock.verbs.api import read_feeder

    circuit = read_feeder(feeder)
    rows = list(comparisons(circuit, opinion(circuit, _network(feeder), master)))
    console.print(comparison_table(rows, tolerance_pu))
    if wrong := [row for row in rows if not row.agrees(tolerance_pu)]:
        raise RunError(f"{feeder}: {len(wrong)} of {len(rows)} comparisons differ by more than {tolerance_pu:g} pu")
    return f"{feeder} agrees with OpenDSS within {tolerance_pu:g} pu"


def show(
    feeder: FeederName,
    loads: Loads = "constant-power",
    scale: Scale = 1.0,
    taps: Taps = "fixed",
    limits: Preset = "ansi-a",
    out: Annotated[Path | None, "Folder to write to; here by default."] = None,
) -> str:
    """Draw a feeder: its map and voltage profile at its spot loads, as PNG and as an interactive page.

    Example:
        wattflock feeder show ieee123 --out figures
    """
    from wattflock.core.errors import RunError
    from wattflock.core.files import safe_name, write_whole
    from wattflock.report.feeder_page import snapshot_files
    from wattflock.verbs.api import snapshot

    found = snapshot(feeder, loads, scale, taps, limits)
    if not bool(found.snapshot.flow.converged):
        raise RunError(f"{feeder}: no solution, so nothing is drawn; try a smaller --scale")
    base = (out or Path()) / safe_name(found.snapshot.circuit.name)
    files = snapshot_files(found.snapshot, found.limits)
    return "\n".join(str(write_whole(base.with_name(base.name + ending), content)) for ending, content in files.items())


def _network(name: str) -> "Network | None":
    """The tables of a feeder of our own; None for an imported one."""
    from wattflock.core.registry import files, part
    from wattflock.feeder.source import FeederSource

    return part("feeder", FeederSource, name)().network() if name in files("feeder") else None


def hosting(  # noqa: PLR0913 (an argument is an option of the command)
    feeder: FeederName,
    load: Annotated[float, "Share of the spot loads that is drawn meanwhile."] = 0.3,
    homes: Annotated[int, "Homes on the feeder, in proportion to the spot loads; 0: one at each terminal."] = 0,
    cap_kw: Annotated[float, "Most that one home may export or import, such as its inverter [kW]."] = 10.0,
    taps: Taps = "fixed",
    limits: Preset = "ansi-a",
    csv: Annotated[
        Path | None, "Write a row for each terminal; beside it OUT.png and OUT-sensitivities.parquet."
    ] = None,
) -> object:
    """Say what a feeder can still take: hosting capacity of each terminal, and operating envelopes per home.

    An envelope holds every limit (voltage, loading, unbalance) whatever each home does within its own; it comes as
    equal, in proportion to the spot loads, and with the largest total, each verified by AC power flow.

    Example:
        wattflock feeder hosting european_lv --limits en50160
        wattflock feeder hosting ieee123 --homes 1000 --load 0.3 --csv envelopes.csv
    """
    from wattflock.core.files import csv_bytes, write_table, write_whole
    from wattflock.core.progress import bar
    from wattflock.feeder.limits import PRESETS
    from wattflock.report.feeder_charts import hosting_figure
    from wattflock.report.feeder_tables import hosting_table, sensitivity_table
    from wattflock.report.theme import save
    from wattflock.study.hosting.assessment import HostingRequest, hosted, steps_of
    from wattflock.verbs.api import read_feeder, refuse_options
    from wattflock.verbs.results import HostedFeeder

    refuse_options({"taps": taps, "limits": limits})
    asked = HostingRequest(PRESETS[limits], load, homes, cap_kw, taps)
    circuit = read_feeder(feeder)
    with bar("hosting", steps_of(circuit)) as progress:
        found = hosted(circuit, asked, progress.at)
    if csv:
        write_whole(csv, csv_bytes(hosting_table(found)))
        save(hosting_figure(found), csv.with_suffix(".png"))
        table = sensitivity_table(found)
        if table is not None:
            write_table(csv.with_name(f"{csv.stem}-sensitivities.parquet"), table)
    return HostedFeeder(found)


VERBS = (import_, solve, check, show, hosting)
