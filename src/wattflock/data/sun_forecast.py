"""A forecast of the sun whose error grows with its horizon and differs from hour to hour; one sky for all homes."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

STATED_H = 4  # horizon for which a scenario says the error [h]
MOST = 1.5  # times the stated error: the most that it grows to, after nine hours
MEMORY_H = 3  # time constant of the errors' correlation from hour to hour [h]
AHEAD_H = 4  # of the mean of the next hours [h]


def errors(key: Array, days: int, steps: int, share: float) -> Array:
    """Stationary AR(1) paths (days, steps) with standard deviation `share`: errors four hours ahead [share]."""
    lag_h = 24 / steps * abs(np.subtract.outer(np.arange(steps), np.arange(steps)))
    root = jnp.asarray(np.linalg.cholesky(np.exp(-lag_h / MEMORY_H)), jnp.float32)
    return share * jnp.matmul(jax.random.normal(key, (days, steps)), root.T, precision="highest")


def factor(error, lead_h):
    """Forecast over truth, for an error at four hours [share] and a horizon ≥ 0 [h]; numpy or JAX, broadcast.

    The error grows with the square root of the horizon, as that of a random walk does, up to `MOST` times.
    """
    return (1 + error * np.minimum(np.sqrt(lead_h / STATED_H), MOST)).clip(0)


def forecasts(sun: Array, error: Array, dt_h: float) -> tuple[Array, Array]:
    """What homes know of the sun that is to come, of days (days, steps, homes) with errors (days, steps).

    Returns:
        Mean of the next four hours [kW per kW peak], at the end of the day with its last step in place of those
        beyond; and the rest of the day [kWh per kW peak]. Each (days, steps, homes).
    """
    steps = sun.shape[1]
    step, window = np.arange(steps), round(AHEAD_H / dt_h)
    expected = factor(error[:, None], dt_h * np.maximum(step[None] - step[:, None], 0)[None])  # (days, made, meant)
    later = np.minimum(step[:, None] + 1 + np.arange(window), steps - 1)
    near = (later[..., None] == step).mean(1)
    rest = dt_h * (step[None] > step[:, None])

    def weighed(weight: np.ndarray) -> Array:
        return jnp.matmul(expected * jnp.asarray(weight, sun.dtype)[None], sun, precision="highest")

    return weighed(near), weighed(rest)
