"""A run directory: everything one training reads, writes and needs to go on."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path

from jgan.errors import UserError
from jgan.files import make_folder, remove_partial, write_bytes


class Run:
    """A training and its directory.

    config.json             {"program", "options", "sessions"}: the options, and for each session of training (the
                            first and every resumption) the data, the versions and the machine that computed it
    log.jsonl               one line of losses every few steps
    scores.jsonl            one line of scores every evaluate_interval steps, if the run is scored
    curves.png              both, drawn
    index.html              a page of all that is here (see `jgan.training.page`)
    samples/real.png        a grid of real images; samples/STEP.png, the fixed latents at that step
    state.safetensors       everything needed to go on
    generator.safetensors   the weights alone, averaged if the run averages, and what rebuilds the network
    best.safetensors        the same at the step of the best score
    events.out.tfevents.*   losses, scores and samples for TensorBoard, if the run was asked for them
    .lock                   empty; locked by the process that trains

    The generator's weights, the curves, the page, the events, and the sample and the scores of the state's step follow
    from the state and the logs, and are made again where a kill prevented them.

    options: the program's, with n_epochs, max_steps, sample_interval, save_interval and seed among them. resumed:
    whether it goes on from its state. resume_command: what to type to go on. data: what tells its data set from others
    (see `jgan.data.dataset.fingerprint`).
    """

    def __init__(self, folder: str | Path, options=None, *, program="", resumed=False, resume_command=""):
        self.folder = Path(folder)
        self.config = self.folder / "config.json"
        self.log = self.folder / "log.jsonl"
        self.scores = self.folder / "scores.jsonl"
        self.curves = self.folder / "curves.png"
        self.page = self.folder / "index.html"
        self.samples = self.folder / "samples"
        self.real = self.samples / "real.png"
        self.state = self.folder / "state.safetensors"
        self.generator = self.folder / "generator.safetensors"
        self.best = self.folder / "best.safetensors"
        self.options = options
        self.program = program
        self.resumed = resumed
        self.resume_command = resume_command
        self.data: dict = {}

    def n_steps(self, batches) -> int:
        """The number of steps after which the run is done: n_epochs of the batches, or max_steps if that is less."""
        return min(batches.steps(self.options.n_epochs), self.options.max_steps or sys.maxsize)

    def sample(self, step: int) -> Path:
        """The sample of a step."""
        return self.samples / f"{step:07d}.png"

    def drawn(self) -> dict[int, Path]:
        """The samples that there are by their steps, in order."""
        paths = {int(path.stem): path for path in self.samples.glob("*.png") if path.stem.isdecimal()}
        return dict(sorted(paths.items()))

    def require_new(self) -> None:
        """UserError if the directory holds what a run has trained, whether it can be resumed or not."""
        if os.path.exists(self.state):
            raise UserError(
                f"{self.folder} already holds a run; resume it with --resume {self.folder}, or choose another folder "
                "with --output"
            )
        for path in (self.best, self.generator):
            if os.path.exists(path):
                raise UserError(
                    f"{self.folder} holds the {path.name} of a run that cannot be resumed, because its "
                    f"{self.state.name} is missing; choose another folder"
                )

    def lock(self) -> None:
        """Keep other processes from training here until this one ends; UserError if one does already.

        What processes that were killed here left half-written is removed.
        """
        path = self.folder / ".lock"
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # never closed: that would release it
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from None
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is training in {self.folder}; stop it, or wait for its end") from None
        except OSError:
            pass  # a file system without locks
        for folder in (self.folder, self.samples):
            remove_partial(folder)

    def create(self, options: dict, session: dict) -> None:
        """Make the directory and its config.json, and lock it; UserError if it holds a run or cannot be made.

        One that was stopped before it saved anything is begun anew.
        """
        make_folder(self.samples)
        self.lock()
        self.require_new()
        self.keep_samples_until(0)
        for path in (self.scores, self.best, *self.events()):
            path.unlink(missing_ok=True)
        self._write_config({"program": self.program, "options": options, "sessions": [session]})

    def note_session(self, options: dict, session: dict) -> None:
        """Note in config.json that the run goes on."""
        config = self.read_config()
        self._write_config({**config, "options": options, "sessions": [*config["sessions"], session]})

    def require_data(self, data: dict) -> None:
        """Remember what data the run is trained on; UserError if it was started on other data."""
        self.data = data
        if self.resumed:
            before = {name: value for session in self.read_config()["sessions"] for name, value in session.items()}
            for name, now in data.items():
                if before.get(name) not in (None, now):
                    raise UserError(
                        f"{self.folder} was started on other data ({name}: {before[name]}) than it finds now ({now})"
                    )

    def keep_samples_until(self, step: int) -> None:
        """Remove the samples of later steps, which are about to be drawn again."""
        for drawn, path in self.drawn().items():
            if drawn > step:
                path.unlink()

    def events(self) -> list[Path]:
        """The files that were written for TensorBoard: one for each session, of which the last holds everything."""
        return sorted(self.folder.glob("events.out.tfevents.*"))

    def read_config(self) -> dict:
        """What config.json holds; UserError if there is none that can be read."""
        try:
            if not self.config.is_file():
                raise FileNotFoundError
            config = json.loads(self.config.read_text())
            return {
                "program": config["program"],
                "options": dict(config["options"]),
                "sessions": [dict(session) for session in config["sessions"]],
            }
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(f"{self.folder} is not a run directory: it has no config.json") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.config} cannot be read as the configuration of a run ({error})") from None

    def _write_config(self, config: dict) -> None:
        write_bytes(self.config, (json.dumps(config, indent=2) + "\n").encode())
