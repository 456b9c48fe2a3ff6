"""OpenDSS models as circuits: admittances and voltages as in OpenDSS, one file of ours, and errors that help."""

import dataclasses
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import splu

from wattflock.core.errors import ScenarioError
from wattflock.core.files import pack, unpack
from wattflock.feeder.circuit import GROUND, injection, system_admittance, terminals, with_taps
from wattflock.feeder.file import from_bytes, summary, to_bytes
from wattflock.feeder.snapshot import snapshot

pytest.importorskip("dss", reason="OpenDSS is not installed: pip install 'wattflock[opendss]'")

from wattflock.feeder.opendss.compare import comparisons, opinion
from wattflock.feeder.opendss.crosscheck import BaseCase
from wattflock.feeder.opendss.engine import start
from wattflock.feeder.opendss.read import read_here
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.tap_control import settle_taps

HERE = Path(__file__).resolve().parents[2]
SHARED = HERE.parent / "shared" / "feeders"
LARGE = pytest.param("ieee8500", marks=pytest.mark.study)
CASES = sorted(path.parent.name for path in HERE.glob("cases/import_*/input.dss"))
MASTERS = {
    "ieee13": "ieee13/IEEE13Nodeckt.dss",
    "ieee37": "ieee37/ieee37.dss",
    "ieee123": "ieee123/IEEE123Master.dss",
    "eulv906": "eulv906/Master.dss",
    "ieee8500": "ieee8500/Master-unbal.dss",
}
KERSTING = (7, -1, 0, -1, 8, 1, 5)  # the taps of the stored admittance of ieee123


def master_of(name):
    if name in CASES:
        return HERE / "cases" / name / "input.dss"
    if not (path := SHARED / MASTERS[name]).is_file():
        pytest.skip(f"no reference feeders: {path} is missing")
    return path


def column(circuit, name):
    return np.array([getattr(spot, name) for spot in circuit.spots])


def share(circuit, v, exponent):
    """Share of the rated power drawn at v, as OpenDSS has it in and around the band."""
    low, high, floor, edge = (column(circuit, name) for name in ("low_pu", "high_pu", "floor_pu", "edge_exponent"))
    edge = np.where(np.isnan(edge), exponent, edge)
    with np.errstate(all="ignore"):
        current = floor + (low ** (edge - 1) - floor) * (v - floor) / (low - floor)
        above = v**2 * high ** (edge - 2)
    inside = np.where(v > high, above, v**exponent)
    return np.where(v <= floor, v**2, np.where(v <= low, current * v, inside))


def solve(circuit):
    """Fixed point with loads as impedances on the left and the rest on the right; node voltages [V]."""
    kw, kvar, rated_v = column(circuit, "kw"), column(circuit, "kvar"), column(circuit, "rated_kv") * 1e3
    ends = np.stack([column(circuit, "plus"), column(circuit, "minus")], -1)
    at, side = np.nonzero(ends != GROUND)
    shape = (len(circuit.spots), len(circuit.nodes))
    across = sparse.coo_array((1.0 - 2 * side, (at, ends[at, side])), shape=shape).tocsr()
    rated_s = (kw - 1j * kvar) * 1e3 / rated_v**2
    bare, source = system_admittance(circuit), injection(circuit)
    factor = splu((bare + across.T @ sparse.diags_array(rated_s) @ across).tocsc())
    voltage = splu(bare).solve(source)
    for _ in range(200):
        u = across @ voltage
        v = np.abs(u) / rated_v
        drawn = kw * share(circuit, v, column(circuit, "kw_exponent"))
        drawn = drawn + 1j * kvar * share(circuit, v, column(circuit, "kvar_exponent"))
        new = factor.solve(source + across.T @ (rated_s * u - np.conj(drawn * 1e3 / u)))
        if np.abs(new - voltage).max() < 1e-9 * np.abs(new).max():
            return new
        voltage = new
    raise AssertionError("the fixed point of the test did not converge")


@pytest.mark.study
@pytest.mark.parametrize("name", [*CASES, *(name for name in MASTERS if name != "ieee8500"), LARGE])
def test_an_imported_circuit_has_the_voltages_of_opendss(name):
    master = master_of(name)
    circuit = read_here(master)
    truth = BaseCase(master).solve()
    assert truth.converged
    error_pu = np.abs(solve(circuit) - truth.at(circuit.nodes)) / circuit.node_kv / 1e3
    assert error_pu.max() < 1e-7


@pytest.mark.study
@pytest.mark.parametrize("name", MASTERS)
def test_admittances_add_up_to_those_of_opendss(name):
    circuit = read_here(master_of(name))
    if name == "ieee123":
        circuit = with_taps(circuit, KERSTING)
    stored = np.load(SHARED / "truth" / f"{name}_constPQ.npz")
    place = {node.lower(): index for index, node in enumerate(stored["order"])}
    picked = [place[node] for node in circuit.nodes]
    truth = sparse.csc_array((stored["Ydata"], stored["Yind"], stored["Yptr"]))[picked][:, picked]
    assert len(picked) == len(place)
    assert abs(system_admittance(circuit) - truth).max() < 1e-12 * abs(truth).max()
    # 3e-10: OpenDSS cuts off its number of radians per degree
    assert np.abs(injection(circuit) - stored["Inorton"][picked]).max() < 1e-9 * np.abs(stored["Inorton"]).max()


@pytest.mark.parametrize("name", ["ieee13", "ieee37", "eulv906"])
def test_constant_power_without_cut_offs_is_that_of_the_stored_solution(name):
    base = BaseCase(master_of(name))
    base.drop_cut_offs()
    stored = np.load(SHARED / "truth" / f"{name}_constPQ.npz")
    found = base.solve().at(tuple(node.lower() for node in stored["order"]))
    assert np.abs(np.abs(found) - np.abs(stored["Vref_constPQ"])).max() < 1e-7 * stored["vbase"].max()


@pytest.mark.parametrize("name", [*CASES, "ieee123", LARGE])
def test_a_stored_circuit_comes_back_bit_for_bit(name):
    circuit = read_here(master_of(name))
    data = to_bytes(circuit)
    back = from_bytes(data, name)
    assert to_bytes(back) == data
    assert len(data) < 5e6
    assert (back.nodes, back.notes, back.origin) == (circuit.nodes, circuit.notes, circuit.origin)
    assert repr(back.spots) == repr(circuit.spots)
    assert repr(back.buses) == repr(circuit.buses)
    for one, other in zip(back.regulators, circuit.regulators, strict=True):
        assert one.control == other.control
        np.testing.assert_array_equal(one.shape, other.shape)
    for one, other in zip(back.elements, circuit.elements, strict=True):
        assert (one.name, one.ends) == (other.name, other.ends)
        np.testing.assert_array_equal(one.admittance, other.admittance)
    assert dict(summary(back))["feeder"] == f"{circuit.name}, {circuit.frequency_hz:g} Hz"


@pytest.mark.parametrize("name", ["import_open_delta", "ieee123"])
def test_any_tap_is_that_of_opendss(name):
    master = master_of(name)
    circuit = read_here(master)
    base = BaseCase(master)
    controls = base.engine.ActiveCircuit.RegControls
    taps = []
    for unit, control in zip(circuit.regulators, controls.AllNames, strict=True):
        taps.append(unit.tap - 3 if unit.tap > 0 else unit.tap + 4)
        np.testing.assert_allclose(unit.admittance(unit.tap), circuit.elements[unit.element].admittance, atol=1e-9)
        controls.Name = control
        controls.TapNumber = taps[-1]
    truth = base.solve().at(circuit.nodes)
    found = solve(with_taps(circuit, tuple(taps)))
    assert (np.abs(found - truth) / circuit.node_kv / 1e3).max() < 1e-7


def test_controls_of_an_open_delta():
    one, two = read_here(master_of("import_open_delta")).regulators
    circuit = read_here(master_of("import_open_delta"))
    ends = [(circuit.nodes[unit.control.plus], circuit.nodes[unit.control.minus]) for unit in (one, two)]
    assert ends == [("mid.1", "mid.2"), ("mid.3", "mid.2")]
    assert [circuit.elements[unit.element].conductors[unit.control.conductor] for unit in (one, two)] == [
        one.control.plus,
        two.control.plus,
    ]
    assert (one.control.direction, two.control.direction) == (1, -1)
    assert (one.lowest, one.highest, one.control.most_steps) == (-12, 12, 2)
    assert one.step_pu == pytest.approx(0.0125)
    assert two.control.drop_v == 1 + 2j
    assert one.control.winding_v == 4800


@pytest.mark.parametrize("connection", ["phases=3 bus1=s conn=wye", "phases=3 bus1=s conn=delta", "phases=1 bus1=s.1"])
@pytest.mark.parametrize(
    "model",
    ["1", "2", "3", "4 cvrwatts=0.8 cvrvars=2.7", "5", "6", "7", "8 zipv=(0.2 0.3 0.5 0.4 0.35 0.25 0)"],
)
def test_a_load_draws_what_it_draws_in_opendss(tmp_path, connection, model):
    rated_kv = 1.0 if "phases=1" in connection else math.sqrt(3)
    master = tmp_path / "load.dss"
    master.write_text(
        f"clear\nnew circuit.c bus1=s basekv={math.sqrt(3)!r} r1=1e-9 x1=1e-9 r0=1e-9 x0=1e-9\n"
        f"new line.l bus1=s bus2=t\nset loadmult=0.8\n"
        f"new load.l {connection} kv={rated_kv!r} kw=30 kvar=12 vminpu=0.9 vmaxpu=1.1 vlowpu=0.4 model={model}\n"
        f"set voltagebases=({math.sqrt(3)!r})\ncalcvoltagebases\n"
    )
    circuit, base = read_here(master), BaseCase(master)
    outside = () if model in "67" else (0.2, 0.39)  # documented: these two are not followed below vlowpu
    for v in (*outside, 0.41, 0.6, 0.89, 0.91, 1.0, 1.09, 1.11, 1.3):
        base.command(f"vsource.source.pu={v}")
        base.solve()
        base.engine.ActiveCircuit.SetActiveElement("load.l")
        truth = base.engine.ActiveCircuit.ActiveCktElement.Powers.reshape(-1, 2).sum(0)
        kw = column(circuit, "kw") @ share(circuit, v, column(circuit, "kw_exponent"))
        kvar = column(circuit, "kvar") @ share(circuit, v, column(circuit, "kvar_exponent"))
        np.testing.assert_allclose([kw, kvar], truth, rtol=1e-7)


@pytest.mark.study
@pytest.mark.parametrize("name", ["import_neutrals", "import_generators"])
def test_a_check_scales_what_draws_and_leaves_what_feeds_in(name):
    circuit = read_here(master_of(name))
    rows = list(comparisons(circuit, opinion(circuit, None, None)))
    assert len(rows) == 9
    assert [row for row in rows if not row.agrees(1e-6)] == []


def test_a_regulator_against_the_flow_and_no_regulator_keep_still(tmp_path):
    master = tmp_path / "backward.dss"
    master.write_text(
        "clear\nnew circuit.c bus1=s basekv=12.47 mvasc3=100 mvasc1=90\n"
        "new transformer.t buses=(s t) kvs=(12.47 12.47) kvas=(5000 5000) xhl=1\n"
        "new regcontrol.r transformer=t winding=2 vreg=122 band=2 ptratio=60 reversible=yes revvreg=121 revband=2\n"
        "new generator.g bus1=t kv=12.47 kw=2000 pf=1\nnew load.l bus1=t.1 phases=1 kv=7.2 kw=100\n"
    )
    circuit = read_here(master)
    assert [unit.control for unit in circuit.regulators] == [None]
    assert "backward" in " ".join(circuit.notes)
    for one in (circuit, dataclasses.replace(circuit, regulators=())):
        assert (settle_taps(one, one.spots).actions, settle_taps(one, one.spots).settled) == (0, True)


def test_a_feeder_without_loads_says_so():
    circuit = dataclasses.replace(read_here(master_of("import_meshed")), spots=())
    with pytest.raises(ScenarioError, match="at least one load"):
        reduce_circuit(circuit)


def test_a_voltage_base_that_is_lacking_is_the_nominal_one(tmp_path):
    master = tmp_path / "bases.dss"
    master.write_text(
        "clear\nnew circuit.c bus1=s basekv=10 pu=1.04\nnew line.l bus1=s bus2=t\nnew load.l bus1=t kw=1\n"
    )
    np.testing.assert_allclose(read_here(master).node_kv, 10 / math.sqrt(3), rtol=1e-3)


def test_what_is_kept_otherwise_stands_in_the_notes():
    generators = " ".join(read_here(master_of("import_generators")).notes)
    for name in ("generator.wye (-120 kW)", "generator.delta", "pvsystem.roof", "storage.cell (18"):
        assert name in generators
    left_out = read_here(master_of("import_left_out"))
    assert "line.alone" in " ".join(left_out.notes)
    assert not {"behind.1", "beyond.1", "x.1"} & set(left_out.nodes)
    assert {one.name for one in left_out.elements} == {"line.feed", "line.switch"}
    assert "no voltage base" in " ".join(read_here(master_of("import_delta_wye")).notes)


def test_an_explicit_neutral_is_the_other_end_of_a_load():
    circuit = read_here(master_of("import_four_wire"))
    assert circuit.frequency_hz == 50
    places = terminals(circuit).values()
    assert {"mid.1.4", "far.2.4", "far.3.1", "mid.3.1"} <= set(places)
    ratings = {one.name: (one.rating_a, one.rating_kva) for one in circuit.elements}
    assert ratings["line.two"][0] == 180
    assert ratings["transformer.tr"][1] == 250
    assert math.isnan(ratings["capacitor.c"][0])


@pytest.mark.parametrize(
    ("units", "km"), [("mi", 1.609344), ("kft", 0.3048), ("km", 1.0), ("m", 1e-3), ("ft", 3.048e-4), ("none", math.nan)]
)
def test_every_length_is_read_in_kilometres(tmp_path, units, km):
    lines = [f"new line.l{k} bus1=s bus2=b{k} r1=0.1 x1=0.1 length={k} units={units}\n" for k in (1, 2, 3)]
    master = tmp_path / "master.dss"
    master.write_text(START + "".join(lines) + "solve\n")
    found = {one.name: one.length_km for one in read_here(master).elements}
    assert found == pytest.approx({f"line.l{k}": k * km for k in (1, 2, 3)}, nan_ok=True)


START = "clear\nnew circuit.c bus1=s basekv=0.4\n"
LINE = "new line.a bus1=s bus2=b r1=0.1 x1=0.1 r0=0.1 x0=0.1\n"
DEAD = "new line.x bus1=p bus2=q c1=0 c0=0\nnew load.lost bus1=q kv=0.4 kw=1\nnew load.high phases=1 bus1=b.4 kw=1\n"
WRONG = {
    "a linecode that is not there": (START + "new line.a bus1=s bus2=b linecode=nix\n", ["nix", "line: 3"]),
    "no impedance": (START + "new line.a bus1=s bus2=b r1=0 x1=0 r0=0 x0=0\n", ['Line "a"', "switch=yes"]),
    "a loop without impedance": (
        START + LINE + "".join(f"new line.{name} bus1=b bus2=c r1=0 x1=0 r0=0 x0=0\n" for name in "pq"),
        ['Line "q"', "switch=yes"],
    ),
    "a torn file": (
        START + LINE + "new load.l bus1=b kv=0.4 kw=1 conn=del\x00\x1fta\nnew lin",
        ["new load.l", "OpenDSS"],
    ),
    "loads that nothing reaches": (START + LINE + DEAD, ["load.lost", "q.1, q.2, q.3", "load.high", "b.4"]),
    "foreign elements": (
        START + LINE + "new isource.i bus1=b\nnew vccs.v bus1=b phases=1\nnew load.l bus1=b rneut=2\n",
        ["isource.i", "vccs.v", "load.l.rneut"],
    ),
    "no rated voltage": (START + LINE + "new load.l bus1=b kv=0\n", ["load.l.kv", "above zero"]),
    "a generator that nothing reaches": (START + LINE + "new generator.g bus1=q kv=0.4\n", ["generator.g", "q.1"]),
    "one phase for three": (START + LINE + "new load.l bus1=b\nmakeposseq\n", ["cktmodel", "multiphase"]),
    "a file that is not there": (START + "redirect nowhere.dss\n", ["nowhere.dss", "line: 3"]),
    "nothing": ("! nothing\n", ["new circuit"]),
    "too much load": (
        START + LINE + "new load.l bus1=b kv=0.4 kw=5e5 vminpu=0 vlowpu=0\n",
        ["iterations", "less load"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_model_that_cannot_be_read_says_all_that_is_wrong(tmp_path, name):
    words, expected = WRONG[name]
    master = tmp_path / "a model.dss"
    master.write_text(words)
    with pytest.raises(ScenarioError) as error:
        read_here(master)
    for one in (*expected, str(master)):
        assert one in str(error.value)


def test_a_loop_of_switches_is_solved(tmp_path):
    """Next to no impedance, around a loop: ill-posed in neither program."""
    master = tmp_path / "loop.dss"
    loop = "".join(f"new line.s{a}{b} bus1={a} bus2={b} switch=yes\n" for a, b in ("bc", "cd", "db"))
    master.write_text(f"{START}{LINE}{loop}new load.l bus1=d kv=0.4 kw=20 vminpu=0.5\n")
    circuit = read_here(master)
    shot = snapshot(circuit, "as-modelled")
    expected = BaseCase(master).solve().at(circuit.nodes) / (1e3 * circuit.node_kv)
    assert shot.flow.converged
    np.testing.assert_allclose(shot.phasor_pu, expected, rtol=0, atol=1e-7)


def test_a_missing_file_and_a_missing_engine(tmp_path, monkeypatch):
    with pytest.raises(ScenarioError, match="missing"):
        read_here(tmp_path / "none.dss")
    monkeypatch.setitem(sys.modules, "dss", None)
    with pytest.raises(ScenarioError, match=r"wattflock\[opendss\]"):
        start()


def test_reading_leaves_no_files_and_the_folder(tmp_path):
    master = tmp_path / "m.dss"
    master.write_text(START + LINE + "solve\nshow voltages\nexport voltages\n")
    before = Path.cwd()
    read_here(master)
    assert Path.cwd() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.dss"]


def test_a_damaged_file_is_refused():
    data = to_bytes(read_here(master_of("import_meshed")))
    from_bytes(data, "whole")
    changed = bytearray(data)
    changed[-5] ^= 1
    for wrong, word in ((data[:-9], "whole"), (b"hello", "whole"), (b"", "whole"), (bytes(changed), "sha256")):
        with pytest.raises(ScenarioError, match=word):
            from_bytes(wrong, "file")
    arrays, card = unpack(data)
    with pytest.raises(ScenarioError, match="format"):
        from_bytes(pack(arrays, card | {"format": "another circuit"}), "file")
    for name, values in (("node_kv", np.nan), ("emf", np.inf), ("bus", np.nan)):
        forged = pack(arrays | {name: np.full_like(arrays[name], values)}, card)
        with pytest.raises(ScenarioError, match=rf"file: {name}\S* = (nan|inf); allowed: finite numbers"):
            from_bytes(forged, "file")


def test_a_circuit_without_regulators_or_notes_can_be_stored():
    circuit = dataclasses.replace(read_here(master_of("import_meshed")), spots=(), notes=(), unwatched=("b", "c"))
    back = from_bytes(to_bytes(circuit), "file")
    assert (back.spots, back.regulators, back.notes, back.unwatched) == ((), (), (), ("b", "c"))
