"""Networks and their weights files: strict, so that nothing is loaded in part."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jgan import memory
from jgan.errors import UserError
from jgan.models import network_class, rebuildable_classes
from jgan.weights.arrays import load, load_header, save

MOST_LISTED = 8  # of what does not fit


def save_network(path: str | Path, network, *, classes: tuple[str, ...] = (), **facts) -> None:
    """Write the weights of a network that is `jgan.models.rebuildable`, with what rebuilds it.

    classes: the names of the classes it draws or tells apart, if any. facts: what else the header should say, such as
    the step. Raises ValueError if a weight is not finite.
    """
    header = {"model": network.model_name, "options": network.model_options, **facts}
    save(path, network_arrays(network), {**header, "classes": list(classes)} if classes else header)


def load_network(path: str | Path, *constructors):
    """Rebuild the network that `save_network` wrote, with its weights, in evaluation mode.

    constructors: which networks it may be, by default any that is rebuildable. The network has its `classes` as an
    attribute, () where the file names none. Raises UserError if the file holds another model, or weights that do not
    fit it.
    """
    model = load_header(path).get("model")
    constructor = next((each for each in constructors if each.model_name == model), None)
    if constructor is None and not constructors:
        constructor = network_class(str(model))
    if constructor is None:
        needed = [each.model_name for each in constructors or rebuildable_classes()]
        needed = f"weights of {needed[0]}" if len(needed) == 1 else f"weights of one of these: {', '.join(needed)}"
        raise UserError(f"{path} holds {model or 'the state of a run'}; what is needed here is {needed}")
    arrays, header = load(path)
    held = sum(array.nbytes for array in arrays.values())
    try:
        with memory.adding_up("the network that its header describes", limit=held):
            network = constructor(**header["options"])
    except UserError as error:
        raise UserError(f"{path} cannot be loaded: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged or was written by another version of jgan: {error}") from None
    restore_network(network, arrays, where=path)
    network.eval()
    network.classes = _classes(header, network, path)
    return network


def _classes(header: dict, network, path: str | Path) -> tuple[str, ...]:
    classes = header.get("classes", [])
    if classes and not len(set(classes)) == len(classes) <= getattr(network, "n_classes", 0):
        raise UserError(f"{path} is damaged: {classes} are not the names of the classes that its network draws")
    return tuple(classes)


def network_arrays(network) -> dict[str, np.ndarray]:
    """Every parameter and running statistic of a network by its name."""
    return {name: var.numpy() for name, var in network.state_dict().items()}


def restore_network(network, arrays: dict[str, np.ndarray], *, where: str | Path) -> None:
    """Put the arrays in place of the network's own: the same names, shapes and dtypes, all finite, or UserError."""
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise UserError(f"{where} holds weights that are NaN or infinite; train it again")
    assign(network.state_dict(), arrays, what="this network", where=where)


def assign(variables: dict, arrays: dict[str, np.ndarray], *, what: str, where: str | Path) -> None:
    """Put the arrays in place of Vars of the same names, shapes and dtypes; UserError that lists what differs."""
    wrong = [f"{name} is missing" for name in variables if name not in arrays]
    wrong += [f"{name} is unknown" for name in arrays if name not in variables]
    for name in variables.keys() & arrays.keys():
        expected, found = _kind(variables[name]), _kind(arrays[name])
        if expected != found:
            wrong.append(f"{name} is {found}, not {expected}")
    if wrong:
        more = f"; and {len(wrong) - MOST_LISTED} more" if len(wrong) > MOST_LISTED else ""
        raise UserError(f"{where} does not fit {what}: " + "; ".join(sorted(wrong)[:MOST_LISTED]) + more)
    for name, var in variables.items():
        var.assign(arrays[name])


def _kind(tensor) -> str:
    return f"{tensor.dtype}{list(tensor.shape)}"
