"""Weights and run states as safetensors files: no pickle, no partial match, no half-written file."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from jgan.errors import UserError
from jgan.files import write_bytes


def save(path: str | Path, arrays: dict[str, np.ndarray], header: dict) -> None:
    """Write named arrays and a JSON-able header, atomically. Raises ValueError if an array is not finite."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinite values; nothing was written to {path}")
    metadata = {"jgan": json.dumps(header, sort_keys=True)}
    write_bytes(path, safetensors.numpy.save(arrays, metadata))


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays and the header of a file that `save` wrote; UserError if it is none such."""
    with _reading(path) as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
        return arrays, _header(file, path)


def load_header(path: str | Path) -> dict:
    """The header alone, without reading the arrays; UserError as from `load`."""
    with _reading(path) as file:
        return _header(file, path)


@contextmanager
def _reading(path: str | Path):
    if not os.path.isfile(path):
        raise UserError(f"there is no file {path}")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            yield file
    except UserError:
        raise
    except PermissionError:
        raise UserError(f"{path} may not be read by this user") from None
    except Exception as error:
        raise UserError(
            f"{path} is not a readable safetensors file ({error}); take a copy of it, or make it again"
        ) from None


def _header(file, path: str | Path) -> dict:
    metadata = file.metadata() or {}
    if "jgan" not in metadata:
        raise UserError(f"{path} is a safetensors file, but not one that jgan wrote: it has no jgan header")
    header = json.loads(metadata["jgan"])
    if not isinstance(header, dict):
        raise ValueError(f"its jgan header is {header!r}")
    return header


def save_network(path: str | Path, network, *, model: str, options: dict) -> None:
    """Write a network's weights with what rebuilds it: its name, as "cgan.Generator", and its constructor's options."""
    save(path, network_arrays(network), {"model": model, "options": options})


def load_network(path: str | Path, constructor, *, model: str):
    """Rebuild the network that `save_network` wrote, with its weights, in evaluation mode.

    Raises UserError if the file holds another model than `model`, or weights that do not fit it.
    """
    arrays, header = load(path)
    if header.get("model") != model:
        raise UserError(f"{path} holds {header.get('model', 'the state of a run')}; weights of {model} are needed here")
    try:
        network = constructor(**header["options"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is damaged or was written by another version of jgan: {error!r}") from None
    restore_network(network, arrays, where=path)
    network.eval()
    return network


def load_one_of(path: str | Path, constructors: dict):
    """`load_network` for a file of any of some models, constructors by their names; UserError if it holds another."""
    model = load_header(path).get("model")
    if model not in constructors:
        raise UserError(
            f"{path} holds {model or 'the state of a run'}; weights of one of these are needed here: "
            + ", ".join(constructors)
        )
    return load_network(path, constructors[model], model=model)


def network_arrays(network) -> dict[str, np.ndarray]:
    """Every parameter and running statistic of a network by its name."""
    return {name: var.numpy() for name, var in network.state_dict().items()}


def restore_network(network, arrays: dict[str, np.ndarray], *, where: str | Path) -> None:
    """Put the arrays in place of the network's own: the same names, shapes and dtypes, all finite, or UserError."""
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise UserError(f"{where} holds weights that are NaN or infinite; train it again")
    _assign(network.state_dict(), arrays, where)


def optimizer_arrays(optimizer) -> dict[str, np.ndarray]:
    """The moments of an optimizer, as "m.007" for the seventh parameter; its count of steps is `optimizer.n_step`."""
    return {name: var.numpy() for name, var in _moments(optimizer).items()}


def restore_optimizer(optimizer, arrays: dict[str, np.ndarray], n_step: int, *, where: str | Path) -> None:
    """Put moments and step count in place; UserError unless they fit exactly."""
    if not isinstance(n_step, int):
        raise UserError(f"{where} does not fit this optimizer: {n_step!r} is no number of steps")
    _assign(_moments(optimizer), arrays, where)
    optimizer.n_step = n_step


def _moments(optimizer) -> dict:
    (group,) = optimizer.param_groups
    return {
        f"{key}.{i:03d}": var
        for key in ("m", "values")
        for i, var in enumerate(group.get(key, ()))
    }  # fmt: skip


def _assign(variables: dict, arrays: dict[str, np.ndarray], where: str | Path) -> None:
    wrong = [f"{name} is missing" for name in variables if name not in arrays]
    wrong += [f"{name} is unknown" for name in arrays if name not in variables]
    for name in variables.keys() & arrays.keys():
        expected, found = _kind(variables[name]), _kind(arrays[name])
        if expected != found:
            wrong.append(f"{name} is {found}, not {expected}")
    if wrong:
        raise UserError(f"{where} does not fit this network: " + "; ".join(sorted(wrong)))
    for name, var in variables.items():
        var.assign(arrays[name])


def _kind(tensor) -> str:
    return f"{tensor.dtype}{list(tensor.shape)}"
