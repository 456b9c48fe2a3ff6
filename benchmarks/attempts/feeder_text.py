"""OpenDSS models of strangers: nothing is written, nothing native is loaded, and all end within their limit."""

import os
import tempfile
import time
from pathlib import Path

from attempts.attempt import RIGHT, TOLD, WRONG, Attempt, attempt
from wattflock.feeder.opendss import read_opendss

BASE = (
    "clear\nnew circuit.c bus1=s basekv=0.4\nnew line.a bus1=s bus2=b r1=0.1 x1=0.1 r0=0.1 x0=0.1\n"
    "new load.l bus1=b kv=0.4 kw=1\nnew generator.g bus1=b kv=0.4 kw=1\n"
)
REFUSED = (
    "edit generator.g model=6 usermodel=here.so", "~ usermodel=libm.so.6", "~ userm=x", "~ u=x", "~ ShaftModel=x",
    "generator.g.usermodel=libm", "batchedit generator..* userdata=x", "new generator.h " + "1 " * 28 + "libm.so.6",
    "new pvsystem.p bus1=b kv=0.4 usermodel=x", "new storage.s bus1=b kv=0.4 dynadll=x",
    "new capcontrol.c type=user usermodel=x", "cd ..", "cd /tmp", "var @x=../out", "doscmd touch ../out/x",
    '"doscmd" touch ../out/x', "dos touch ../out/x", "cvrtloadshapes", "distribute kw=1 file=../out/x",
    "rephase scriptfilename=../out/x", "alignfile file=../out/x", "clone 3", "newactor", "solveall", "obfuscate",
    "redirect master.dss", "redirect ../out/other.dss", "redirect link.dss", "redirect /dev/zero",
    "redirect /dev/stdin", "redirect /etc/passwd", "redirect fifo", "redirect nowhere.dss", "compile C:\\x.dss",
    "redirect ..\\out\\other.dss", "buscoords /etc/passwd", "latlongcoords ../out/other.dss",
    "new loadshape.x npts=3 csvfile=/etc/passwd", "new loadshape.x npts=3 csvfile=link.dss",
    "new loadshape.x npts=3 mult=(file=/etc/passwd)", "new loadshape.x npts=3 mult=[dblfile='../out/other.dss']",
    "new loadshape.x npts=3 3 ../out/other.dss", "new loadshape.x npts=3 sng=/etc/passwd",
    "new spectrum.x numharm=1 csvfile=/etc/passwd", "new xycurve.x npts=2 csvfile=../out/other.dss",
    "new loadshape.x npts=2 mult=(1 2) action=dblsave", "loadshape.x.action=sngsave",
    "new loadshape.x npts=2000000000 mult=(1 2)", "new line.b bus1=b bus2=c phases=30000", "new load.x\x00 bus1=b",
    "notacommand", "new nothing.x", "new line.b bus1=b bus2=c linecode=nix", "set voltagebases=(file=/etc/passwd)",
)  # fmt: skip
LEFT_OUT = (
    "export voltages ../out/x.csv", "export voltages", "exp voltages ../out/x.csv", '"export" voltages ../out/x.csv',
    "save circuit dir=../out", "dump debug", "show voltages", "plot circuit", "di_plot case=x", "visualize what=powers",
    "set datapath=../out", "set recorder=yes", "set log=yes", "set editor=/bin/sh", "set demandinterval=yes",
    "set casename=../../x", "set mode=daily number=2000000000", "solve mode=yearly number=35040",
    "set mode=monte1 number=1000000", "uuids /etc/passwd", "set autobuslist=(file=/etc/passwd)", "quit",
    "calcincmatrix", "fileedit x", "estimate",
)  # fmt: skip
FINE = (
    "! export voltages ../out/x.csv", "// cd ..", "/* cd ..\ncd ..\n*/", "new load.z bus1=b kv=0.4 kw=1 // cd ..",
    "new loadshape.x npts=2 mult=(file=own.csv)", "redirect inner\\more.dss", "redirect INNER/more",
    "solve", "set controlmode=off\nsolve", "new load.z bus1=b kv=0.4 kw=(1 2 +)", 'new "load.a b" bus1=b kv=0.4',
    "NEW Load.Z Bus1=b kV=0.4 kW=1", "batchedit load..* kw=2", "calcv", "set tolerance=1e-6 maxiter=20",
)  # fmt: skip


def attempts() -> list[Attempt]:
    """Every command that has been tried, behind a small circuit."""
    rows = [_row(line, "refused, nothing written") for line in REFUSED]
    rows += [_row(line, "left out and told, nothing written", told="left out") for line in LEFT_OUT]
    rows += [_row(line, "read") for line in FINE]
    rows.append(
        _row("a name out of the folder", "read; its name is no path", BASE.replace("circuit.c", "circuit.../x"))
    )
    rows.append(_row("1,000,000 solutions", "refused after its time", BASE + "solve\n" * 1_000_000, seconds=3))
    return rows


def _row(line: str, expected: str, text: str = "", told: str = "", seconds: int = 30) -> Attempt:
    def act() -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as top:
            inside = _folders(Path(top))
            master = inside / "master.dss"
            master.write_text(text or f"{BASE}{line}\n")
            before, began = _listed(Path(top)), time.monotonic()
            try:
                circuit = read_opendss(master, seconds)
            finally:
                if _listed(Path(top)) != before:
                    raise AssertionError(f"written: {set(_listed(Path(top))) ^ set(before)}")
                if time.monotonic() - began > seconds + 5:
                    raise AssertionError("beyond its time")
            notes = "; ".join(note for note in circuit.notes if "left out" in note)
            if expected.startswith("refused") or (told and told not in notes):
                return WRONG, f"read; {notes}"
            return (TOLD if told else RIGHT), notes or f"{len(circuit.nodes)} nodes"

    return attempt("feeder text", line.replace("\n", " ⏎ ").replace("\x00", "\\0"), expected, act)


def _folders(top: Path) -> Path:
    inside, out = top / "model", top / "out"
    (inside / "inner").mkdir(parents=True)
    out.mkdir()
    (out / "other.dss").write_text("solve\n")
    (inside / "inner" / "more.dss").write_text("new load.more bus1=b kv=0.4 kw=1\n")
    (inside / "own.csv").write_text("1\n2\n")
    (inside / "here.so").write_bytes(b"\x7fELF")
    (inside / "link.dss").symlink_to(out / "other.dss")
    os.mkfifo(inside / "fifo")
    return inside


def _listed(top: Path) -> list[tuple[str, int]]:
    return sorted((str(path.relative_to(top)), path.lstat().st_mtime_ns) for path in top.rglob("*"))
