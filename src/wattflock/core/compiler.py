"""Passes of XLA's CPU compiler that are left out: they take compile time and make no program faster."""

import os

FLAG = "--xla_backend_extra_options"
LEFT_OUT = (
    "xla_cpu_disable_tiled_emitter",  # transpositions as tiles, each unrolled to thousands of instructions
    "xla_cpu_disable_loop_unrolling",  # by LLVM: inner loops over a few controls, days or units, written out in full
)


def set_flags() -> None:
    """Add to XLA_FLAGS what is left out, unless there are such options already.

    XLA reads the flags until the first program of a process is compiled. Measured in benchmarks/compile_time.md; that
    bits stay the same is tested on a small program only (tests/house/test_compiler.py).
    """
    given = os.environ.get("XLA_FLAGS", "")
    if FLAG not in given:
        os.environ["XLA_FLAGS"] = f"{given} {FLAG}={','.join(LEFT_OUT)}".strip()
