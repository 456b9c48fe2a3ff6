"""A home's network in numpy: a multilayer perceptron with tanh throughout, in float64."""

import numpy as np

from wattflock.edge.card import Card


class Policy:
    """Actions of one home from what it observes."""

    def __init__(self, card: Card, arrays: dict[str, np.ndarray]):
        self.card = card
        layers = range(len(arrays) // 2)
        self.weights = [arrays[f"weight{k}"].astype(float) for k in layers]
        self.biases = [arrays[f"bias{k}"].astype(float) for k in layers]
        self.offset = np.array([each.offset for each in card.observation])
        self.scale = np.array([each.scale for each in card.observation])
        self.base = np.array([each.base for each in card.controls])

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values in the card's units (seen,) → actions (controls,), not clipped; NaN where values are beyond sense."""
        with np.errstate(over="ignore", invalid="ignore"):
            x = (values - self.offset) / self.scale
            for weight, bias in zip(self.weights, self.biases, strict=True):
                x = np.tanh(x @ weight + bias)
            return self.base + self.card.reach * x
