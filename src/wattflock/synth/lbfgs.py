"""Minimisation by L-BFGS."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

Tables = dict[str, Any]  # arrays by name, of NumPy or JAX


def minimise(loss: Callable[..., Array], start: Tables, steps: int, say: Callable[[float], None]) -> Tables:
    """L-BFGS over a tree of arrays."""
    import scipy.optimize  # as long to import as JAX itself

    sizes = {name: value.shape for name, value in start.items()}
    ends = np.cumsum([int(np.prod(shape)) for shape in sizes.values()])

    def tree(flat):
        parts = jnp.split(flat, ends[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(sizes.items(), parts, strict=True)}

    slope = jax.jit(jax.value_and_grad(lambda flat: loss(tree(flat))))
    done = iter(range(1, 10 * steps))

    def step(flat: np.ndarray) -> tuple[float, np.ndarray]:
        say(min(1.0, next(done) / steps))
        value, gradient = slope(jnp.asarray(flat, jnp.float32))
        return float(value), np.asarray(gradient, np.float64)

    flat = np.concatenate([value.ravel() for value in start.values()])
    best = scipy.optimize.minimize(step, flat, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxfun": steps})
    return {name: np.asarray(value) for name, value in tree(jnp.asarray(best.x)).items()}
