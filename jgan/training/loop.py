"""The one training loop: step, average, log, samples, scores, curves, saving, stopping, going on."""

from __future__ import annotations

import dataclasses
import sys
import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Callable

import jittor as jt
import numpy as np
from tqdm import tqdm

from jgan import images, processes
from jgan.algorithms import Algorithm
from jgan.data.batches import Batches
from jgan.errors import UserError
from jgan.files import make_folder
from jgan.jittor_setup import runtime
from jgan.optimizers import Average
from jgan.training.course import Course, what_helps, what_is_left
from jgan.training.log import Log, draw_curves
from jgan.training.page import write_page
from jgan.training.rate import learning_rate
from jgan.training.run import Run
from jgan.training.scores import Scores
from jgan.training.state import restore_state, save_state
from jgan.training.stop import StopRequest, say
from jgan.training.tensorboard import Events
from jgan.weights.networks import save_network

LOG_INTERVAL = 10


def train(
    run: Run,
    batches: Batches,  # of which each step takes one
    algorithm: Algorithm,  # whose generator is exported, averaged under ema_decay
    *,
    step: Callable[[int], dict],  # step number from 0 -> {name: scalar loss Var}, having updated the networks
    draw: Callable[..., np.ndarray],  # generator, averaged if it is -> a sample as pixels, leaving no trace in it
    real: np.ndarray,  # real images as pixels, in the sample's layout
    pools: dict | None = None,  # name -> ImagePool; part of the run's state, as the algorithm's networks and optimizers
    score: Callable[..., dict] | None = None,  # generator -> {name: number}: see `jgan.training.scores.Scores`
    weights: Path | None = None,  # the file to export to, if not the run's generator.safetensors
    facts: dict | None = None,  # what the headers of the exported weights say beside
) -> int:
    """Train from the beginning, or from the run's last saved state, to its last step. Returns the exit status.

    The last state is always saved, whatever the intervals are, and so it is after Ctrl-C, SIGTERM or SIGHUP, once the
    step under way is done (status 130, 143 or 129). KeyboardInterrupt is raised if it cannot be done (see StopRequest),
    and UserError if a loss or a weight is no longer finite; the state saved last is kept then.

    Of several processes (see `jgan.processes`) the first does all this, and the others take its steps with it.

    A run that is resumed first shows what its state implies: generator, curves, page, and the sample and the scores of
    its step if they were due. If no step is left to do, that is all.
    """
    opt, n_steps = run.options, run.n_steps(batches)
    rate = learning_rate(run, batches)
    facts = {"classes": run.data.get("classes", ()), **(facts or {})}
    if opt.ema_decay:
        algorithm.average = Average(algorithm.generator, opt.ema_decay)
        facts["ema_decay"] = opt.ema_decay
    generator, parts = algorithm.averaged, {**algorithm.parts, **(pools or {})}
    done = restore_state(run.state, parts) if run.resumed else 0
    scores = Scores(run, score, steps_done=done, last_step=batches.steps(opt.n_epochs), facts=facts)
    course = Course(
        run, algorithm, step, parts=parts, done=done, n_steps=n_steps, rate=rate,
        is_saved=lambda step: step % opt.save_interval == 0 or scores.due(step),
    )  # fmt: skip
    if not processes.is_first():
        return course.follow()
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    size = {"steps": n_steps, "images_per_step": batches.batch_size}
    session = {"started": started, **size, **runtime.versions(), **run.data}
    if not run.resumed:
        run.create(dataclasses.asdict(opt), session)
    make_folder(run.samples)  # the user may have cleared it away
    images.save_png(run.real, real)
    if done < n_steps:
        if run.resumed:
            run.note_session(dataclasses.asdict(opt), session)
        print(f"training on {session['device']}{processes.described(session['threads'])} into {run.folder}")

    @processes.alone()
    def show_sample() -> None:
        save_sample(run, lambda: draw(generator), done)
        events.sample(done)

    @processes.alone()
    def show_state(*, sampled: bool) -> dict:
        """Write what follows from the state that was just saved or restored, and return its scores, {} if not due."""
        save_network(weights or run.generator, generator, **facts)
        try:
            if sampled:
                show_sample()
            if not scores.due(done):
                return {}
            found = scores.take(generator, done)
            events.scores({"step": done, **found})
            return found
        except images.NotFinite as error:
            raise UserError(f"after step {done}, {error}; {what_helps(run)}") from None
        finally:
            draw_curves(run.curves, run.log, run.scores)
            write_page(run)

    bar = tqdm(
        total=n_steps,
        initial=done,
        unit="step",
        mininterval=_refresh_s(),
        disable=done >= n_steps or sys.stderr is None,
    )
    written = {"steps_done": done, "images_per_step": batches.batch_size}
    stop = StopRequest(partial(what_is_left, run))
    with stop, Log(run.log, done) as log, scores, Events(run, **written) as events, bar:
        jt.sync_all()
        scored = {}
        if run.resumed:
            run.keep_samples_until(done)
            is_due = done >= n_steps or done % opt.sample_interval == 0
            scored = show_state(sampled=is_due and not run.sample(done).exists())
        else:
            write_page(run)
        computing_s, logged = 0.0, done
        while course.goes_on:
            start = time.perf_counter()
            losses = course.advance(stop)
            computing_s += time.perf_counter() - start
            done, last = course.done, not course.goes_on

            if last or done % LOG_INTERVAL == 0:
                images_per_s = batches.batch_size * (done - logged) / computing_s
                entry = {"step": done, **losses, "images_per_s": round(images_per_s, 1)}
                log.write(**entry)
                events.log(entry)
                bar.set_postfix_str(_readable({**losses, **scored, "images/s": images_per_s}), refresh=False)
                computing_s, logged = 0.0, done
            bar.update()
            sampled = last or done % opt.sample_interval == 0
            if course.saves:  # before what compiles more
                try:
                    save_state(run.state, parts, done)
                except ValueError as error:
                    raise UserError(f"after step {done}, {error}; {what_helps(run)}") from None
                if course.signal:  # now, since mpirun may not leave the time to show all that follows from the state
                    bar.close()
                    say(f"stopped after step {done} of {n_steps} and saved; resume with\n  {run.resume_command}")
                scored = show_state(sampled=sampled) or ({} if last else scored)
            elif sampled:
                show_sample()
    if done >= n_steps:
        more = f", and {n_steps} were asked for" if done > n_steps else ""
        last = f"; scores of the last: {_readable(scored)}" if scored else ""
        print(f"{run.folder} has done {done} step{'s' * (done != 1)}{more}{last}")
    return course.leave()


def save_sample(run: Run, draw: Callable[[], np.ndarray], done: int) -> None:
    """Write the sample of this step; UserError if the networks no longer draw numbers.

    Noise of Jittor's own in it, such as dropout, is the same in all samples, whatever was computed before.
    """
    make_folder(run.samples)
    runtime.reseed(run.options.seed, "sample")
    try:
        images.save_png(run.sample(done), draw())
    except images.NotFinite as error:
        raise UserError(f"after step {done}, {error}; {what_helps(run)}") from None


def _readable(values: dict) -> str:
    return ", ".join(f"{name} {value:.0f}" if value >= 100 else f"{name} {value:.3f}" for name, value in values.items())


def _refresh_s() -> float:
    """Seconds between updates of the bar: each is a line of its own where the output is a file."""
    return 0.2 if sys.stderr and sys.stderr.isatty() else 30.0
