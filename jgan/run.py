"""A run directory: everything one training reads, writes and needs to go on."""

from __future__ import annotations

import json
from pathlib import Path

from jgan.errors import UserError
from jgan.files import write_bytes

CHANGEABLE = ("n_epochs", "max_steps", "sample_interval", "save_interval", "device")
PLACES = ("output", "resume")


class Run:
    """The paths of a run directory, and its configuration.

    config.json             {"program", "options", "versions"}
    log.jsonl               one line of losses every few steps
    curves.png              the same, drawn
    samples/REAL.png        a grid of real images; samples/STEP.png, the fixed latents at that step
    state.safetensors       everything needed to go on
    generator.safetensors   the weights alone, and what rebuilds the network
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
        """UserError if the directory holds a run already."""
        if self.config.exists():
            raise UserError(
                f"{self.folder} holds a run already; go on with it by --resume {self.folder}, "
                "or choose another folder by --output"
            )

    def create(self, program: str, options: dict, versions: dict) -> None:
        """Make the directory and its config.json; UserError if it holds a run already or can't be made."""
        self.require_new()
        try:
            self.samples.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the run directory {self.folder}: {error.strerror}") from None
        config = {"program": program, "options": options, "versions": versions}
        write_bytes(self.config, (json.dumps(config, indent=2) + "\n").encode())

    def resume_options(self, program: str, given: dict) -> dict:
        """The options to go on with: the run's own, but for those of `CHANGEABLE` that were given anew.

        max_steps bounds one invocation, so it is not inherited. Raises UserError if this is no run of `program` with a
        saved state, or if an option was given that differs from the run's; the error names each.
        """
        try:
            config = json.loads(self.config.read_text())
            options = config["options"]
        except FileNotFoundError:
            raise UserError(f"{self.folder} is not a run directory: it has no config.json") from None
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{self.config} can't be read as a run's configuration ({error})") from None
        if config["program"] != program:
            raise UserError(f"{self.folder} is a run of {config['program']}; go on with it by that program")
        differences = [
            f"--{name} {value} (the run: {options.get(name)})"
            for name, value in given.items()
            if name not in (*CHANGEABLE, *PLACES) and value != options.get(name)
        ]
        if "output" in given and Path(given["output"]).resolve() != self.folder.resolve():
            differences.append(f"--output {given['output']} (a run goes on in place)")
        if differences:
            raise UserError(
                f"{self.folder} was trained with other options and goes on only with its own; leave out "
                + ", ".join(differences)
            )
        if not self.state.is_file():
            raise UserError(f"{self.folder} has no state.safetensors yet: nothing was saved; start it anew")
        anew = {name: value for name, value in given.items() if name in CHANGEABLE}
        return {**options, "max_steps": None, **anew, "output": str(self.folder)}
