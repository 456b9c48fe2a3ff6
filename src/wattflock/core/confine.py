"""Limits that a process puts on itself before it runs what a stranger's file says. They cannot be taken back.

On every POSIX system: memory, processor time, and not one byte into any file. On Linux also, where the kernel has
them: Landlock (no file is made, changed or removed anywhere; only some folders are read) and a seccomp filter (no
native code is loaded, no program started, no socket opened). Sources: landlock(7), seccomp(2), linux/filter.h.
"""

import contextlib
import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

MEMORY_BYTES = 6 << 30
NO_NEW_PRIVILEGES, SECCOMP, FILTER, PARENT_DIED = 38, 22, 2, 1  # of prctl(2)
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on every architecture
READ_FILE, READ_DIR = 1 << 2, 1 << 3  # rights to files
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # Landlock's version → rights to files that it knows; 16 from version 5
CALLS = {  # mmap, mprotect, pkey_mprotect; then those that are refused whatever their arguments
    "x86_64": (0xC000003E, (9, 10, 329), (41, 53, 57, 58, 59, 62, 101, 310, 311, 321, 322, 425)),
    "aarch64": (0xC00000B7, (222, 226, 288), (198, 199, 117, 129, 221, 270, 271, 280, 281, 425)),
}
RUNNABLE = 4  # PROT_EXEC


def confine(readable: Sequence[Path], seconds: int, memory_bytes: int = MEMORY_BYTES) -> list[str]:
    """Put every limit that this system has on this process, for good.

    Args:
        readable: folders whose files can still be read, beside Python's own.
        seconds: of processor time, after which the system ends the process.
        memory_bytes: of address space.

    Returns:
        What this system lacks: of "limits", "Landlock", "seccomp".
    """
    own = [Path(each) for each in (*sys.path, sys.base_prefix) if each]
    tries = {
        "limits": lambda: _limits(seconds, memory_bytes),
        "Landlock": lambda: _landlock([*readable, *own]),
        "seccomp": _seccomp,
    }
    lacking = []
    for name, attempt in tries.items():
        try:
            attempt()
        except (OSError, ImportError, AttributeError, KeyError, ValueError):
            lacking.append(name)
    return lacking


def end_with_parent() -> None:
    """Let the system end this process when the one that started it has died (Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PARENT_DIED, 9, 0, 0, 0)


def _limits(seconds: int, memory_bytes: int) -> None:
    import resource

    asked = (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, seconds)
    for which, most in (*asked, (resource.RLIMIT_AS, memory_bytes)):
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))


def _landlock(readable: Sequence[Path]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    rights = (1 << RIGHTS.get(_call(libc, CREATE_RULESET, None, 0, 1), 16)) - 1
    ruleset = _call(libc, CREATE_RULESET, (ctypes.c_uint64 * 1)(rights & ~READ_DIR), 8, 0)
    try:
        for folder in {each.resolve() for each in readable if each.exists()}:
            _allow(libc, ruleset, folder)
        _call(libc, "prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        _call(libc, RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, folder: Path) -> None:
    handle = os.open(folder, os.O_PATH)
    try:
        _call(libc, ADD_RULE, ruleset, 1, ctypes.create_string_buffer(struct.pack("<Qi", READ_FILE, handle)), 0)
    finally:
        os.close(handle)


def _seccomp() -> None:
    """A program of the kernel's packet filter; what it refuses fails with EPERM."""
    architecture, mapping, refused = CALLS[platform.machine()]
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF_LD, BPF_JMP with JEQ, JGE, JSET; BPF_RET
    tests = [(at_least, 0x40000000, "no"), *((equal, call, "no") for call in refused)]
    tests += [(equal, call, "mapping") for call in mapping]
    after = len(tests)  # the lines after the tests: yes, mapping (its two lines), yes, no
    place = {"yes": after, "mapping": after + 1, "no": after + 4}
    lines = [(load, 0, 0, 4), (equal, 0, place["no"] + 1, architecture), (load, 0, 0, 0)]
    lines += [(code, place[to] - at - 1, 0, value) for at, (code, value, to) in enumerate(tests)]
    yes = (give, 0, 0, 0x7FFF0000)
    lines += [yes, (load, 0, 0, 32), (any_bit, 1, 0, RUNNABLE), yes, (give, 0, 0, 0x50000 | errno.EPERM)]
    program = b"".join(struct.pack("<HBBI", *line) for line in lines)
    kept = ctypes.create_string_buffer(program, len(program))
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc, "prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("@HP", len(lines), ctypes.addressof(kept)))
    _call(libc, "prctl", SECCOMP, FILTER, ctypes.addressof(header), 0, 0)


def _call(libc: ctypes.CDLL, call: int | str, *words: object) -> int:
    """The result of a system call or function; OSError where it fails."""
    made = (libc.syscall, call) if isinstance(call, int) else (getattr(libc, call),)
    found = made[0](*made[1:], *(ctypes.c_long(each) if isinstance(each, int) else each for each in words))
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found
