"""From names in an address to files below the folder that is served: plain names, no links, nothing above it."""

import re
from pathlib import Path

from wattflock.core.errors import RunError

NAME = re.compile(r"\w[\w.+-]{0,199}")
WRITTEN = {"study-": "study.html", "whatif-": "whatif.html"}  # pages of many runs, by how their folders begin


class Absent(RunError):
    """No such thing in the folder that is served."""


def inside(folder: Path, *names: str) -> Path:
    """The path of a file or folder below `folder`; neither it nor anything on the way is a link.

    Raises:
        Absent: a name that no run has, such as `..`, a link, or nothing there.
    """
    path = folder
    for name in names:
        path = path / name
        if not NAME.fullmatch(name) or path.is_symlink() or not path.exists():
            raise Absent(f"There is no {'/'.join(names)} in this folder.")
    return path


def is_name(name: str) -> bool:
    """Whether a run or study could be called so."""
    return bool(NAME.fullmatch(name))


def run_folder(folder: Path, name: str) -> Path:
    """The folder of a run or study, none of whose files is a link to elsewhere.

    Raises:
        Absent: there is none.
    """
    path = inside(folder, name)
    if not path.is_dir() or any(each.is_symlink() for each in (*path.iterdir(), *path.glob("checkpoints/*"))):
        raise Absent(f"There is no {name} in this folder.")
    return path


def page_of(path: Path) -> Path | None:
    """The page that a study or a what-if has written into its folder; None for the folder of a run.

    The cells of a what-if are runs whose names begin as its own does.
    """
    if (path / "scenario.toml").exists():
        return None
    return next((path / file for begin, file in WRITTEN.items() if path.name.startswith(begin)), None)


def folders(folder: Path) -> list[Path]:
    """Runs and studies, newest first."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            mark = page_of(path) or path / "scenario.toml"
            if mark.is_file():
                found.append((mark.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


def scenario_files(folder: Path) -> list[str]:
    """Names of TOML files that stand in the folder itself: scenarios that can be started."""
    names = [path.name for path in folder.glob("*.toml")] if folder.is_dir() else []
    return sorted(name for name in names if NAME.fullmatch(name) and not (folder / name).is_symlink())
