"""What a training shows, in a file of events that TensorBoard reads."""

from __future__ import annotations

import bisect
import importlib.util
import itertools
import time
from pathlib import Path
from typing import Callable

import numpy as np
from PIL import Image

from jgan.errors import UserError
from jgan.training.log import read_log, seconds
from jgan.training.run import Run

FLUSH_S = 5.0  # seconds between writings to the disk, each of which waits for it


def require_tensorboard() -> None:
    """UserError without the package that writes event files."""
    if importlib.util.find_spec("tensorboardX") is None:
        raise UserError("--tensorboard needs the package tensorboardX: pip install -r requirements-tensorboard.txt")


class Events:
    """The losses, scores and samples of a run in one event file in its directory; none unless its options ask for it.

    The file follows from the others, as all but the state do. That of an earlier session is emptied, and what it held
    up to the steps done is written anew from the logs and the samples. So nothing is there twice or of a step after the
    state that a run was resumed from, nothing is missing that a kill kept from the disk, and a run may begin to ask for
    it when it is resumed. Earlier events are dated as if the training had not paused until now.

    images_per_step: as in the log's images_per_s. A context manager, whose functions raise UserError if the file cannot
    be written.
    """

    def __init__(self, run: Run, *, steps_done: int, images_per_step: int):
        self.run, self._file = run, None
        if not run.options.tensorboard:
            return
        import tensorboardX
        from tensorboardX.event_file_writer import EventsWriter  # SummaryWriter's thread would hang on a full disk

        self._library = tensorboardX
        for path in run.events():
            path.write_bytes(b"")  # not removed: a TensorBoard that is reading it would never come to the next file
        self._file = self._checked(EventsWriter, str(run.folder / "events"))
        self._flushed = time.monotonic()
        self._last: dict[str, int] = {}  # step of each tag
        session = tensorboardX.proto.event_pb2.SessionLog
        self._write(0, time.time(), session_log=session(status=session.START))  # who looks on forgets what was read
        entries = read_log(run.log)
        when = _dates(entries, images_per_step)
        for entry in entries:
            self.log(entry, when(entry["step"]))
        for entry in read_log(run.scores):
            self.scores(entry, when(entry["step"]))
        self._add_image("real", run.real, 0, when(0))
        for step in run.drawn():
            if step <= steps_done:
                self.sample(step, when(step))

    def log(self, entry: dict, moment: float | None = None) -> None:
        """Add a line of the log: {"step", name: number}. moment: in seconds since 1970; else now."""
        self._add_scalars(entry, moment, lambda name: name if name == "images_per_s" else f"losses/{name}")

    def scores(self, entry: dict, moment: float | None = None) -> None:
        """Add a line of the scores, likewise."""
        self._add_scalars(entry, moment, "scores/{}".format)

    def sample(self, step: int, moment: float | None = None) -> None:
        """Add the sample of a step, which is in its file."""
        self._add_image("samples", self.run.sample(step), step, moment)

    def _add_scalars(self, entry: dict, moment: float | None, tag_of: Callable[[str], str]) -> None:
        if self._file is None:
            return
        for name, value in entry.items():
            if name != "step":
                self._add(tag_of(name), entry["step"], moment, self._library.summary.scalar, value)

    def _add_image(self, tag: str, path: Path, step: int, moment: float | None) -> None:
        """Add an image from its file, unless that was taken away or damaged."""
        if self._file is None:
            return
        try:
            pixels = np.asarray(Image.open(path).convert("RGB"))
        except OSError:
            return
        self._add(tag, step, moment, self._library.summary.image, pixels, dataformats="HWC")

    def _add(self, tag: str, step: int, moment: float | None, summarize: Callable, value, **how) -> None:
        """Add a summary, unless the last of this tag was of this step: a run that is resumed shows its state again."""
        if self._last.get(tag) != step:
            self._last[tag] = step
            self._write(step, moment, summary=summarize(tag, value, **how))

    def _write(self, step: int, moment: float | None, **what) -> None:
        event = self._library.proto.event_pb2.Event(
            step=step, wall_time=time.time() if moment is None else moment, **what
        )
        self._checked(self._file.write_event, event)
        if time.monotonic() - self._flushed > FLUSH_S:
            self._checked(self._file.flush)
            self._flushed = time.monotonic()

    def _checked(self, function: Callable, *arguments):
        try:
            return function(*arguments)
        except OSError as error:
            raise UserError(f"cannot write TensorBoard's events in {self.run.folder}: {error.strerror}") from None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._file is not None:
            self._checked(self._file.close)


def _dates(entries: list[dict], images_per_step: int) -> Callable[[int], float]:
    """When a step was done, had the steps of the log followed each other until now; between two it is the later."""
    steps = [0, *(entry["step"] for entry in entries)]
    dates = [0.0, *itertools.accumulate(seconds(entries, images_per_step))]
    begun = time.time() - dates[-1]
    return lambda step: begun + dates[min(bisect.bisect_left(steps, step), len(steps) - 1)]
