"""Voltages of IEEE 123 at half to one and a half times its spot loads, and what one more kW does to the lowest."""

import jax

import wattflock as wf

feeder = wf.cast(wf.reduce_circuit(wf.read_feeder("ieee123")), "float32")
scales = jax.numpy.array([0.5, 1.0, 1.5])[:, None]
flow = wf.solve(feeder, scales * feeder.nominal_kw, scales * feeder.nominal_kvar)
for scale, voltage_pu in zip(scales[:, 0], flow.voltage_pu, strict=True):
    print(f"{scale:.1f} x load: {voltage_pu.min():.4f} to {voltage_pu.max():.4f} pu")


def lowest_pu(load_kw):
    return wf.solve(feeder, load_kw, feeder.nominal_kvar).voltage_pu.min()


slope = jax.grad(lowest_pu)(jax.numpy.asarray(feeder.nominal_kw))
worst = int(slope.argmin())
print(f"one more kW at {feeder.terminals[worst]} lowers the lowest voltage by {-1e6 * slope[worst]:.1f} µpu")
