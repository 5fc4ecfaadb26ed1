"""What rounding leaves open in a fixture: which gradients are more than rounding, and how far apart two runs moved.

Adam divides each gradient by its own size, so it makes whole steps even of one that is rounding alone.
"""

from __future__ import annotations

import numpy as np

ROUNDING = 1e-5  # of the largest gradient in the network


def certain_gradients(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Where the gradients of a fixture are more than rounding: a mask per parameter, "NETWORK/PARAMETER".

    Left out is a parameter with no such place: a normalisation takes away what it adds.
    """
    gradients = {
        name.partition("/")[2]: np.abs(array) for name, array in arrays.items() if name.startswith("gradients/")
    }
    largest: dict[str, float] = {}
    for name, array in gradients.items():
        network = name.partition("/")[0]
        largest[network] = max(largest.get(network, 0), array.max())
    masks = {name: array > ROUNDING * largest[name.partition("/")[0]] for name, array in gradients.items()}
    return {name: mask for name, mask in masks.items() if mask.any()}


def moved_apart(arrays: dict[str, np.ndarray], weights: dict[str, np.ndarray]) -> dict[str, float]:
    """How far `weights`, by "NETWORK/PARAMETER", ended from a fixture's after the same steps from the same start, as a
    share of the way (Euclidean norms), where the gradient is certain."""
    shares = {}
    for name, mask in certain_gradients(arrays).items():
        way = (arrays[f"after/{name}"] - arrays[f"weights/{name}"])[mask]
        shares[name] = float(np.linalg.norm((weights[name] - arrays[f"after/{name}"])[mask]) / np.linalg.norm(way))
    return shares
