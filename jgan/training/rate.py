"""The learning rate of a run at each of its steps."""

from __future__ import annotations

import dataclasses
from typing import Callable

from jgan.data.batches import Batches
from jgan.errors import UserError
from jgan.optimizers import linear_decay
from jgan.training.run import Run
from jgan.training.state import steps_done


def learning_rate(run: Run, batches: Batches) -> Callable[[int], float]:
    """From a step, counted from 0, to its learning rate.

    UserError if a run is resumed for longer, so that it would rise again unasked.
    """
    opt = run.options
    rate = _rate_of(opt, batches)
    if run.resumed:
        config, done = run.read_config()["options"], steps_done(run.state)
        before = dataclasses.replace(opt, **{name: config.get(name) for name in ("lr", "n_epochs", "decay_epoch")})
        was, will_be = _rate_of(before, batches)(done), rate(done)
        if will_be > was and opt.decay_epoch == before.decay_epoch:
            raise UserError(
                f"the learning rate has fallen to {was:.3g} by step {done}, and with --n_epochs {opt.n_epochs} "
                f"it would rise to {will_be:.3g} again; say by --decay_epoch from which epoch on it is to fall"
            )
    return rate


def _rate_of(opt, batches: Batches) -> Callable[[int], float]:
    n_steps, decay_step = batches.steps(opt.n_epochs), batches.steps(opt.first_falling_epoch)
    return lambda step: linear_decay(opt.lr, step, n_steps=n_steps, decay_step=decay_step)
