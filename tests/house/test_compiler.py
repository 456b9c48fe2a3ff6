"""What the compiler leaves out: a part of its time, no bit of a result."""

import os
import subprocess
import sys

import pytest

from wattflock.core import compiler
from wattflock.core.compiler import FLAG
from wattflock.core.machine import machine

PROGRAM = """
import wattflock.core
import os, sys, jax, jax.numpy as jnp
def turned(x, steps):
    def step(carry, _):
        return jnp.tanh(jnp.moveaxis(carry, 0, -1) @ jnp.ones((50, 50))).reshape(carry.shape), carry.sum()
    return jax.lax.scan(step, x, length=steps)
x = jax.random.normal(jax.random.key(0), (50, 19, 16))
out = jax.jit(turned, static_argnums=1)(x, 3)
print(os.environ["XLA_FLAGS"], *(leaf.tobytes().hex() for leaf in jax.device_get(jax.tree.leaves(out))))
"""


def run(flags: str) -> list[str]:
    """XLA_FLAGS as they were in the end, and every bit of the results."""
    path = os.pathsep.join(sys.path)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": path, "WATTFLOCK_COMPILE_CACHE": "off"},
        stdout=-1, text=True, check=True, timeout=120,
    )  # fmt: skip
    *said, slope, value = ran.stdout.split()
    return [" ".join(said), slope, value]


@pytest.mark.slow
def test_a_result_is_the_same_to_the_bit_and_a_users_own_flags_stay():
    own = f"--xla_cpu_parallel_codegen_split_count=1 {compiler.FLAG}=xla_cpu_disable_slp_vectorizer"
    ours, users = run(""), run(own)
    assert ours[0] == f"{compiler.FLAG}=xla_cpu_disable_tiled_emitter,xla_cpu_disable_loop_unrolling"
    assert users[0] == own
    assert ours[1:] == users[1:]


def test_other_flags_are_kept(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
    compiler.set_flags()
    compiler.set_flags()
    words = os.environ["XLA_FLAGS"].split()
    assert words == ["--xla_backend_optimization_level=0", f"{compiler.FLAG}={','.join(compiler.LEFT_OUT)}"]


def test_a_user_s_own_flags_stand_beside_what_is_measured(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", f"{FLAG}=xla_cpu_disable_loop_unrolling")
    assert "XLA_FLAGS" not in machine()
    monkeypatch.setenv("XLA_FLAGS", f"--xla_backend_optimization_level=0 {FLAG}=xla_cpu_disable_loop_unrolling")
    assert machine().endswith(", XLA_FLAGS --xla_backend_optimization_level=0")
