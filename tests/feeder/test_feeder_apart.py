"""An OpenDSS model of a stranger: what it may do, what is left out, what is refused, and where it runs."""

import subprocess
import sys
import textwrap

import pytest

from wattflock.core.confine import CALLS
from wattflock.core.errors import ScenarioError
from wattflock.core.files import safe_name
from wattflock.feeder.opendss.commands import words

pytest.importorskip("dss", reason="OpenDSS is not installed: pip install 'wattflock[opendss]'")

from wattflock.feeder.opendss import read_opendss
from wattflock.feeder.opendss.engine import start
from wattflock.feeder.opendss.read import read_here

BASE = (
    "clear\nnew circuit.c bus1=s basekv=0.4\nnew line.a bus1=s bus2=b r1=0.1 x1=0.1 r0=0.1 x0=0.1\n"
    "new generator.g bus1=b kv=0.4 kw=1\nnew load.l bus1=b kv=0.4 kw=1\n"
)
REFUSED = {
    "new generator.h bus1=b kv=0.4 usermodel=here.so": "usermodel",
    "~ UserM=libm": "no native code",
    "generator.g.shaftmodel=libm": "no native code",
    "batchedit generator..* 'userdata'=(x)": "no native code",
    "edit generator.g 1 2 3 libm.so.6": "no native code",
    "new storage.s bus1=b DynaDLL=x": "no native code",
    "cd ..": "'cd ..'",
    "var @x=../x": "var",
    '"doscmd" touch x': "doscmd",
    "cvrtloadshapes": "cvrtloadshapes",
    "redirect /dev/zero": "/dev/zero",
    "comp ../../outside.dss": "a file in",
    "redirect link.dss": "a file in",
    "redirect master.dss": "25 files deep",
    "new loadshape.x npts=3 csvfile=/etc/passwd": "/etc/passwd",
    "new loadshape.x npts=3 mult=(file=../../../../etc/passwd, column=1)": "a file in",
    "new loadshape.x npts=3 3 link.dss": "a file in",
    "loadshape.x.action=sngsave": "writes no file",
    "buscoords /etc/passwd": "/etc/passwd",
}
LEFT_OUT = """export voltages ../out.csv
save circuit dir=../out
set datapath=..
! export voltages
/* a comment
export currents
*/
exp powers
DI_plot case=x
set recorder=yes
solve mode=yearly number=2000000000
set mode=daily
new loadshape.x npts=2 mult=(file=own.csv)
"""


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "model"
    inside.mkdir()
    (tmp_path / "outside.dss").write_text("solve\n")
    (inside / "link.dss").symlink_to(tmp_path / "outside.dss")
    (inside / "own.csv").write_text("1\n2\n")
    return inside


@pytest.mark.parametrize("line", REFUSED)
def test_what_a_circuit_does_not_need_is_refused_with_its_line(folder, line):
    master = folder / "master.dss"
    master.write_text(f"{BASE}{line}\n")
    with pytest.raises(ScenarioError) as error:
        read_here(master)
    assert REFUSED[line] in str(error.value)
    assert "line: 6" in str(error.value)


def test_what_shows_or_writes_is_left_out_and_told_and_a_year_is_one_snapshot(folder):
    master = folder / "master.dss"
    master.write_bytes((BASE + LEFT_OUT).replace("\n", "\r\n").encode("utf-8-sig"))
    before = sorted(path.name for path in folder.parent.rglob("*"))
    [note] = [note for note in read_opendss(master).notes if "left out" in note]
    for one in (
        "export (2)",
        "save (1)",
        "set datapath",
        "di_plot",
        "set recorder",
        "solve mode=yearly",
        "solve number",
    ):
        assert one in note
    assert sorted(path.name for path in folder.parent.rglob("*")) == before


def test_parts_of_a_command_are_those_of_the_engines_own_parser():
    parser = start().Parser
    for text in (
        "new load.l bus1 = a kv=(1 2)", 'a"b c" d', '"a b"c=3', "a=,b", "a!b c", "a//b", "k=[a b]x=3", '"open', "a==b",
        "a/b c=/d", "(a (b) c) d", "\ta\tb", "a = ! x", "x= (file=q.csv, col=2)", "{a b}=c", 'a"b=c" d', ',,"="', "/=",
    ):  # fmt: skip
        parser.CmdString = text
        theirs = [(parser.NextParam, parser.StrValue) for _ in range(12)]
        assert [part[:2] for part in words(text)] == [part for part in theirs if any(part)], text


@pytest.mark.study
@pytest.mark.parametrize(
    ("more", "seconds", "told"),
    [("new line.b bus1=b bus2=c phases=30000\n", 60, "broke down"), ("solve\n" * 300_000, 3, "not done after 3 s")],
)
def test_a_crash_and_an_endless_model_are_one_line(folder, more, seconds, told):
    master = folder / "master.dss"
    master.write_text(BASE + more)
    with pytest.raises(ScenarioError, match=told) as error:
        read_opendss(master, seconds)
    assert len(error.value.problems) == 1


def test_a_confined_process_writes_nothing_and_runs_nothing(tmp_path):
    (tmp_path / "old").write_text("old")
    program = """
        import ctypes, os, platform, socket, sys
        from pathlib import Path
        from wattflock.core.confine import confine
        def fails(attempt):
            try:
                attempt()
            except (OSError, MemoryError):
                return 1
            return 0
        lacking = confine([Path("inside")], 60, 2 << 30)
        file = [lambda: open("old", "r+"), lambda: os.unlink("old"), lambda: os.mkdir("new")]
        file.append(lambda: open("/etc/passwd"))
        code = [socket.socket, lambda: os.execv("/bin/true", ["true"]), lambda: ctypes.CDLL("libsqlite3.so.0")]
        print(lacking, *(fails(one) for one in file), *(fails(one) for one in code), fails(lambda: bytearray(3 << 30)))
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (tmp_path / "old").read_text() == "old"
    if sys.platform != "linux" or "Landlock" in ran.stdout or "seccomp" in ran.stdout:
        pytest.skip(f"this system lacks some of the limits: {ran.stdout}; known: {', '.join(CALLS)}")
    assert ran.stdout.strip() == "[] 1 1 1 1 1 1 1 1"


@pytest.mark.parametrize(
    ("name", "safe"), [("../../x", "x"), ("a b/c", "a-b-c"), ("…", "unnamed"), ("ieee-13.v2", "ieee-13.v2")]
)
def test_a_name_of_a_file_stays_in_its_folder(name, safe):
    assert safe_name(name) == safe
