"""A run directory: everything one training reads, writes and needs to go on."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from jgan.errors import UserError
from jgan.files import make_folder, write_bytes

CHANGEABLE = ("n_epochs", "max_steps", "sample_interval", "save_interval", "device", "data_dir", "dir_a", "dir_b")
PLACES = ("output", "resume")


class Run:
    """The paths of a run directory, and its configuration.

    config.json             {"program", "options", "sessions"}: the options, and for each session of training (the
                            first and every resumption) the data, the versions and the machine that computed it
    log.jsonl               one line of losses every few steps
    curves.png              the same, drawn
    samples/real.png        a grid of real images; samples/STEP.png, the fixed latents at that step
    state.safetensors       everything needed to go on
    generator.safetensors   the weights alone, and what rebuilds the network
    .lock                   empty; locked by the process that trains
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.config = self.folder / "config.json"
        self.log = self.folder / "log.jsonl"
        self.curves = self.folder / "curves.png"
        self.samples = self.folder / "samples"
        self.state = self.folder / "state.safetensors"
        self.generator = self.folder / "generator.safetensors"

    def require_new(self) -> None:
        """UserError if the directory holds a run that can be resumed."""
        if os.path.exists(self.state):
            raise UserError(
                f"{self.folder} already holds a run; resume it with --resume {self.folder}, "
                "or choose another folder with --output"
            )

    def hold(self) -> None:
        """Keep other processes from training here until this one ends; UserError if one does already."""
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

    def create(self, program: str, options: dict, session: dict) -> None:
        """Make the directory and its config.json, and hold it; UserError if it holds a run or cannot be made.

        One that was stopped before it saved anything is begun anew.
        """
        make_folder(self.samples)
        self.hold()
        self.require_new()
        self._write_config({"program": program, "options": options, "sessions": [session]})

    def resume(self, options: dict, session: dict) -> None:
        """Note in config.json that the run goes on; UserError if it would go on with other data."""
        config = self._read_config()
        before, now = config["sessions"][0].get("data"), session.get("data")
        if before not in (None, now):
            raise UserError(f"{self.folder} was started on other data ({before}) than it finds now ({now})")
        self._write_config({**config, "options": options, "sessions": [*config["sessions"], session]})

    def resume_options(self, program: str, given: dict) -> dict:
        """The options to resume with: the run's own, but for those of `CHANGEABLE` that are given anew.

        max_steps is where one session ends, and not inherited. Raises UserError if this is no run of `program` with
        a saved state, or if an option is given that differs from the run's; the error names each.
        """
        config = self._read_config()
        options = config["options"]
        if config["program"] != program:
            raise UserError(f"{self.folder} is a run of {config['program']}; resume it with that program")
        differences = [
            f"--{name} {value} (the run: {options.get(name)})"
            for name, value in given.items()
            if name not in (*CHANGEABLE, *PLACES) and value != options.get(name)
        ]
        if "output" in given and Path(given["output"]).resolve() != self.folder.resolve():
            differences.append(f"--output {given['output']} (a run is resumed in place)")
        if differences:
            raise UserError(
                f"{self.folder} can only be resumed with the options it was started with; remove "
                + ", ".join(differences)
            )
        if not os.path.isfile(self.state):
            raise UserError(
                f"{self.folder} holds no state.safetensors to resume from; begin anew with --output {self.folder}"
            )
        anew = {name: value for name, value in given.items() if name in CHANGEABLE}
        return {**options, "max_steps": None, **anew, "output": str(self.folder)}

    def options(self) -> dict:
        """The options of the run; UserError if it is none."""
        return self._read_config()["options"]

    def _read_config(self) -> dict:
        try:
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
