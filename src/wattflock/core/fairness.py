"""How equally something is shared: indices of NumPy and JAX arrays alike, over the last axis."""

from typing import Any


def jain(values: Any, weight: Any = 1.0) -> Any:
    """Jain's index (Σ w x)² / (Σ w · Σ w x²): 1 where all have the same, also nothing; 1/n where one of n has all.

    Args:
        values: 0 or more, (…, n).
        weight: how often each counts, or whether it does, (…, n) or one number.

    Source: Jain, Chiu & Hawe 1984, DEC-TR-301, eq. 2.
    """
    xp = values.__array_namespace__()
    weight, values = _counted(xp, values, weight)
    square = weight.sum(-1) * (weight * values**2).sum(-1)
    return xp.where(square > 0, (weight * values).sum(-1) ** 2 / xp.where(square > 0, square, 1), 1)


def gini(values: Any, weight: Any = 1.0) -> Any:
    """Gini coefficient Σ Σ w_i w_j |x_i - x_j| / (2 Σ w · Σ w x): 0 all alike, also all 0; 1 - 1/n where one has all.

    Args:
        values: 0 or more, (…, n).
        weight: how often each counts, or whether it does, (…, n) or one number.

    Source: Gini 1912, by the ranks of the sorted values.
    """
    xp = values.__array_namespace__()
    weight, values = _counted(xp, values, weight)
    order = xp.argsort(values, axis=-1)
    weight, values = (xp.take_along_axis(each, order, axis=-1) for each in (weight, values))
    count, held = weight.sum(-1, keepdims=True), weight * values
    spread = ((2 * xp.cumsum(weight, axis=-1) - weight - count) * held).sum(-1)
    whole = count[..., 0] * held.sum(-1)
    return xp.where(whole > 0, spread / xp.where(whole > 0, whole, 1), 0)


def _counted(xp: Any, values: Any, weight: Any) -> tuple[Any, Any]:
    """Weights of the values' shape, and the values with 0 where they count for nothing."""
    weight = weight + xp.zeros_like(values)
    return weight, xp.where(weight > 0, values, 0)
