"""Voltages of IEEE 123 at half to one and a half times its spot loads, and what one more kW does to the lowest."""

import jax

from wattflock.core.types import cast
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.solve import solve

feeder = cast(IEEE123().build(), "float32")
scales = jax.numpy.array([0.5, 1.0, 1.5])[:, None]
flow = solve(feeder, scales * feeder.nominal_kw, scales * feeder.nominal_kvar)
for scale, voltage_pu in zip(scales[:, 0], flow.voltage_pu, strict=True):
    print(f"{scale:.1f} x load: {voltage_pu.min():.4f} to {voltage_pu.max():.4f} pu")


def lowest_pu(load_kw):
    return solve(feeder, load_kw, feeder.nominal_kvar).voltage_pu.min()


slope = jax.grad(lowest_pu)(jax.numpy.asarray(feeder.nominal_kw))
worst = int(slope.argmin())
print(f"one more kW at {feeder.terminals[worst]} lowers the lowest voltage by {-1e6 * slope[worst]:.1f} µpu")
