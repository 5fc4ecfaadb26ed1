"""The one training loop: step, log, samples, curves, saving, stopping, going on."""

from __future__ import annotations

import math
import sys
import time
from typing import Callable

import numpy as np
from tqdm import tqdm

from jgan import checkpoint, images, runtime
from jgan.errors import UserError
from jgan.files import make_folder
from jgan.report import Log, draw_curves
from jgan.run import Run
from jgan.stop import StopRequest, say

LOG_INTERVAL = 10


def train(
    run: Run,
    *,
    networks: dict,  # name -> network; each is part of the run's state
    optimizers: dict,  # name -> optimizer; likewise
    pools: dict | None = None,  # name -> ImagePool; likewise
    step: Callable[[int], dict],  # step number from 0 -> {name: scalar loss Var}, having updated the networks
    draw: Callable[[], np.ndarray],  # -> a sample as pixels, leaving no trace in the networks
    export: Callable,  # path -> None, writing the weights for others to use
    seed: int,
    images_per_step: int,
    n_steps: int,  # the run is done when so many steps are
    sample_interval: int,  # steps between samples
    save_interval: int,  # steps between saved states
    resume: bool,
    resume_command: str,  # shown to a user who stops the run
) -> int:
    """Train from the beginning, or from the run's last saved state, to `n_steps`. Returns the exit status.

    The last state is always saved, whatever the intervals are, and so it is after Ctrl-C, SIGTERM or SIGHUP, once the
    step under way is done (status 130, 143 or 129). KeyboardInterrupt is raised if it cannot be done (see StopRequest),
    and UserError if a loss or a weight is no longer finite; the state saved last is kept then.
    """
    pools = pools or {}
    done = restore_state(run, networks, optimizers, pools) if resume else 0
    speed = _Speed(done)
    bar = tqdm(total=n_steps, initial=done, unit="step", mininterval=_refresh_s())
    with StopRequest() as stop, Log(run.log, done) as log, bar:
        while done < n_steps:
            runtime.seed_jittor(seed, "step", done)
            losses = {name: value.item() for name, value in step(done).items()}
            done += 1
            _require_finite(losses, done, run)
            last = stop.signal or done == n_steps

            if last or done % LOG_INTERVAL == 0:
                images_per_s = images_per_step * speed.of(done)
                log.write(step=done, **losses, images_per_s=round(images_per_s, 1))
                bar.set_postfix_str(_readable({**losses, "images/s": images_per_s}), refresh=False)
            bar.update()
            if last or done % save_interval == 0:
                save_state(run, networks, optimizers, pools, done)
                export(run.generator)
                draw_curves(run.log, run.curves, [*losses, "images_per_s"])
            if last or done % sample_interval == 0:
                save_sample(run, draw, done)
            if last:
                break
    if stop.signal and done < n_steps:
        say(f"stopped after step {done} of {n_steps} and saved; resume with\n  {resume_command}")
        return 128 + stop.signal
    return 0


def save_state(run: Run, networks: dict, optimizers: dict, pools: dict, done: int) -> None:
    """Write run.state; UserError, leaving the state that was saved before, if a weight is no longer finite."""
    parts = {name: checkpoint.network_arrays(network) for name, network in networks.items()}
    parts.update({name: checkpoint.optimizer_arrays(optimizer) for name, optimizer in optimizers.items()})
    parts.update({name: pool.arrays() for name, pool in pools.items()})
    arrays = {f"{name}/{key}": array for name, part in parts.items() for key, array in part.items()}
    n_steps = {name: optimizer.n_step for name, optimizer in optimizers.items()}
    try:
        checkpoint.save(run.state, arrays, {"step": done, "optimizer_steps": n_steps})
    except ValueError as error:
        raise UserError(f"after step {done}, {error}; {_last_state(run)}") from None


def steps_done(run: Run) -> int:
    """The number of steps that the saved state of a run has done; UserError if it has no readable state."""
    return _require_state(checkpoint.load_header(run.state), run)["step"]


def save_sample(run: Run, draw: Callable[[], np.ndarray], done: int) -> None:
    """Write the sample of this step; UserError if the networks no longer draw numbers."""
    make_folder(run.samples)  # the user may have cleared it away
    try:
        images.save_png(run.samples / f"{done:07d}.png", draw())
    except images.NotFinite as error:
        raise UserError(f"after step {done}, {error}; {_last_state(run)}") from None


def restore_state(run: Run, networks: dict, optimizers: dict, pools: dict) -> int:
    """Put the state of run.state in place and return the number of steps it has done; UserError if it does not fit."""
    arrays, header = checkpoint.load(run.state)
    _require_state(header, run)

    def part(name):
        return {key.partition("/")[2]: array for key, array in arrays.items() if key.partition("/")[0] == name}

    for name, network in networks.items():
        checkpoint.restore_network(network, part(name), where=f"{run.state} ({name})")
    for name, optimizer in optimizers.items():
        steps = header["optimizer_steps"].get(name)
        checkpoint.restore_optimizer(optimizer, part(name), steps, where=f"{run.state} ({name})")
    for name, pool in pools.items():
        pool.restore(part(name), where=f"{run.state} ({name})")
    return header["step"]


def _require_state(header: dict, run: Run) -> dict:
    if not (isinstance(header.get("step"), int) and isinstance(header.get("optimizer_steps"), dict)):
        raise UserError(f"{run.state} holds weights, but not the state of a run")
    return header


class _Speed:
    """Steps per second since it was last asked."""

    def __init__(self, done: int):
        self._done, self._time = done, time.perf_counter()

    def of(self, done: int) -> float:
        now = time.perf_counter()
        speed = (done - self._done) / (now - self._time)
        self._done, self._time = done, now
        return speed


def _require_finite(losses: dict, done: int, run: Run) -> None:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise UserError(f"{name} became {value} at step {done}; {_last_state(run)}")


def _last_state(run: Run) -> str:
    if not run.state.exists():
        return "nothing had been saved yet. A smaller --lr may help"
    return f"the state of step {steps_done(run)} is kept in {run.state}. A smaller --lr may help"


def _readable(values: dict) -> str:
    return ", ".join(f"{name} {value:.0f}" if value >= 100 else f"{name} {value:.3f}" for name, value in values.items())


def _refresh_s() -> float:
    """Seconds between updates of the bar: each is a line of its own where the output is a file."""
    return 0.2 if sys.stderr.isatty() else 30.0
