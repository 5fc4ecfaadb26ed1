"""The steps of a training, which all processes do together; nothing of what one of them shows and writes."""

from __future__ import annotations

import math
import zlib
from typing import Callable

import jittor as jt
import numpy as np

from jgan import processes
from jgan.algorithms import Algorithm
from jgan.errors import UserError
from jgan.jittor_setup import runtime
from jgan.training.run import Run
from jgan.training.state import part_arrays, part_variables, steps_done
from jgan.training.stop import StopRequest


class Course:
    """Where a training stands, and what brings it on.

    done, n_steps: steps done, and those after which it is at its end. parts: everything that a step changes, by name.
    is_saved: whether the state after a step is to be saved, if it is not the last. rate: from a step to its learning
    rate.
    """

    def __init__(
        self, run: Run, algorithm: Algorithm, step: Callable[[int], dict], *,
        parts: dict, done: int, n_steps: int, is_saved: Callable[[int], bool], rate: Callable[[int], float],
    ):  # fmt: skip
        self.run, self.algorithm, self.step, self.parts = run, algorithm, step, parts
        self.done, self.n_steps, self.is_saved, self.rate = done, n_steps, is_saved, rate
        self.signal = 0  # for which the training stops before its end
        processes.spread([var for part in parts.values() for var in part_variables(part)])
        self._require_agreement()

    @property
    def goes_on(self) -> bool:
        """Whether there is a step to do."""
        return self.done < self.n_steps and not self.signal

    @property
    def saves(self) -> bool:
        """Whether the state is to be saved now."""
        return not self.goes_on or self.is_saved(self.done)

    def advance(self, stop: StopRequest) -> dict[str, float]:
        """Do a step, and return its losses for the whole batch.

        UserError if one is not finite, or if the state is to be saved and is not the same in all processes.
        """
        runtime.reseed(self.run.options.seed, "step", self.done)
        self.algorithm.set_lr(self.rate(self.done))
        losses = self.step(self.done)
        if self.algorithm.average is not None:
            self.algorithm.average.update(self.done)
        jt.sync_all()  # the one synchronisation of a step: losses and updates are computed together
        self.done += 1
        of_shares = processes.gather(np.array([*(value.item() for value in losses.values()), stop.signal], np.float32))
        *means, _ = of_shares.mean(0, dtype=np.float64).tolist()
        losses = dict(zip(losses, means))
        if self.done < self.n_steps:
            self.signal = int(of_shares[:, -1].max())
        for name, value in losses.items():
            if not math.isfinite(value):
                raise UserError(f"{name} became {value} at step {self.done}; {what_helps(self.run)}")
        if self.saves:
            self._require_agreement()
        return losses

    def follow(self) -> int:
        """Advance to the end beside the first process, which shows and writes. Returns the exit status."""
        with StopRequest() as stop:
            while self.goes_on:
                self.advance(stop)
        return self.leave()

    def leave(self) -> int:
        """The exit status, when all processes are here: if one left before, the others would be ended."""
        processes.wait_for_all()
        return 128 + self.signal if self.signal else 0

    def _require_agreement(self) -> None:
        """UserError if the parts are not the same in all processes."""
        if processes.size() == 1:
            return
        checksum = 0
        for part in self.parts.values():
            for array in part_arrays(part).values():
                checksum = zlib.crc32(np.ascontiguousarray(array), checksum)
        others = processes.differing(checksum)
        if others:
            raise UserError(
                f"after step {self.done} the processes {', '.join(map(str, others))} hold other weights than the "
                f"first, as machines of different kinds may come to; {_last_state(self.run)}"
            )


def what_helps(run: Run) -> str:
    """What there is to go on from where the numbers have grown beyond all bounds."""
    return f"{_last_state(run)}. A smaller lr may help"


def what_is_left(run: Run) -> str:
    """What there is to go on from where a training stops at once."""
    return _last_state(run) + (f"; resume it with\n  {run.resume_command}" if run.state.exists() else "")


def _last_state(run: Run) -> str:
    if not run.state.exists():
        return "nothing had been saved yet"
    return f"the state of step {steps_done(run.state)} is kept in {run.state}"
