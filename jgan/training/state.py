"""The state of a run: everything that its steps change, in one file, so that it goes on as if it had never stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jittor import nn

from jgan.errors import UserError
from jgan.pool import ImagePool
from jgan.weights import arrays as files
from jgan.weights.networks import assign, network_arrays, restore_network


def save_state(path: str | Path, parts: dict, step: int) -> None:
    """Write networks, optimizers and pools, by name, after a step. Raises ValueError if a value is not finite."""
    arrays = {f"{name}/{key}": array for name, part in parts.items() for key, array in part_arrays(part).items()}
    n_steps = {name: part.n_step for name, part in parts.items() if _is_optimizer(part)}
    files.save(path, arrays, {"step": step, "optimizer_steps": n_steps})


def restore_state(path: str | Path, parts: dict) -> int:
    """Put what `save_state` wrote in place, and return the step; UserError if it does not fit the parts."""
    arrays, header = files.load(path)
    _require_state(header, path)
    by_part: dict[str, dict] = {name: {} for name in parts}
    for key, array in arrays.items():
        name, _, rest = key.partition("/")
        if name not in by_part:
            raise UserError(f"{path} holds a part called {name}, which this training does not have")
        by_part[name][rest] = array
    for name, part in parts.items():
        where = f"{path} ({name})"
        if isinstance(part, nn.Module):
            restore_network(part, by_part[name], where=where)
        elif isinstance(part, ImagePool):
            part.restore(by_part[name], where=where)
        else:
            restore_optimizer(part, by_part[name], header["optimizer_steps"].get(name), where=where)
    return header["step"]


def steps_done(path: str | Path) -> int:
    """The number of steps that a saved state has done; UserError if it is none that can be read."""
    return _require_state(files.load_header(path), path)["step"]


def optimizer_arrays(optimizer) -> dict[str, np.ndarray]:
    """The moments of an optimizer, as "m.007" for the seventh parameter; its count of steps is `optimizer.n_step`."""
    return {name: var.numpy() for name, var in _moments(optimizer).items()}


def restore_optimizer(optimizer, arrays: dict[str, np.ndarray], n_step: int, *, where: str | Path) -> None:
    """Put moments and step count in place; UserError unless they fit exactly."""
    if not isinstance(n_step, int):
        raise UserError(f"{where} does not fit this optimizer: {n_step!r} is no number of steps")
    assign(_moments(optimizer), arrays, what="this optimizer", where=where)
    optimizer.n_step = n_step


def _is_optimizer(part) -> bool:
    return not isinstance(part, (nn.Module, ImagePool))


def part_arrays(part) -> dict[str, np.ndarray]:
    """What is saved of a network, an optimizer or a pool, by name."""
    if isinstance(part, nn.Module):
        return network_arrays(part)
    return part.arrays() if isinstance(part, ImagePool) else optimizer_arrays(part)


def part_variables(part) -> list:
    """The Vars of a network or of an optimizer; a pool has none."""
    if isinstance(part, ImagePool):
        return []
    return list((part.state_dict() if isinstance(part, nn.Module) else _moments(part)).values())


def _moments(optimizer) -> dict:
    (group,) = optimizer.param_groups
    return {
        f"{key}.{i:03d}": var
        for key in ("m", "values")
        for i, var in enumerate(group.get(key, ()))
    }  # fmt: skip


def _require_state(header: dict, path: str | Path) -> dict:
    if not (isinstance(header.get("step"), int) and isinstance(header.get("optimizer_steps"), dict)):
        raise UserError(f"{path} holds weights, but not the state of a run")
    return header
