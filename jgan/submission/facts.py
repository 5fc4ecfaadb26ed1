"""What the README of a hand-in says of a run of train_cgan.py, from the files of the run alone."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import shlex
import statistics
from pathlib import Path

from jgan.cli.training import OLDER_CGAN
from jgan.errors import UserError
from jgan.training.log import read_log, seconds
from jgan.training.run import Run
from jgan.weights.arrays import load, load_header

UNTOLD = (
    "output",
    "resume",
    "data_dir",
    "max_steps",
    "tensorboard",
)  # options that are about one machine, or one session


@dataclasses.dataclass(frozen=True)
class Facts:
    """A run, and the weights of it that are handed in."""

    options: dict
    environment: dict[str, str]  # of each fact its values over the sessions
    n_sessions: int
    n_images: str  # of the data set
    steps: int  # that the run has done
    step: int  # of the weights
    images_per_s: float | None  # the median of the log; None if there is none
    hours: float | None  # of computing, by the log
    scored_step: int | None  # the last scored step up to that of the weights
    scores: dict[str, float]  # of that step
    model: str
    model_options: dict
    n_parameters: int
    n_bytes: int
    sha256: str
    command: str  # that trains the run again


def read_facts(run: Run, weights: Path, judge: str | None) -> Facts:
    """The facts of a run and a file of its weights; judge: what to name in the command in place of the run's own.

    Raises UserError if a file of the run is missing, or not as a training writes it.
    """
    config, steps = run.read_config(), load_header(run.state).get("step")
    arrays, header = load(weights)
    step = header.get("step", steps)  # of the best weights, else the last
    try:
        speeds = [entry for entry in read_log(run.log) if entry["step"] <= steps and entry.get("images_per_s", 0) > 0]
        scored = [entry for entry in read_log(run.scores) if entry["step"] <= step]
        sessions = config["sessions"]
        names = dict.fromkeys(name for each in sessions for name in each)
        named = {name: dict.fromkeys(str(each[name]) for each in sessions if name in each) for name in names}
        options = {**OLDER_CGAN, **config["options"]}
        return Facts(
            options=options,
            environment={name: "、".join(values) for name, values in named.items()},
            n_sessions=len(sessions),
            n_images=str(sessions[-1]["data"]).split()[0],
            steps=steps,
            step=step,
            images_per_s=statistics.median(entry["images_per_s"] for entry in speeds) if speeds else None,
            hours=sum(seconds(speeds, options["batch_size"])) / 3600 if speeds else None,
            scored_step=scored[-1]["step"] if scored else None,
            scores={name: value for name, value in scored[-1].items() if name != "step"} if scored else {},
            model=header["model"],
            model_options=header["options"],
            n_parameters=sum(math.prod(array.shape) for name, array in arrays.items() if "running_" not in name),
            n_bytes=weights.stat().st_size,
            sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
            command=_command(options, steps, judge, int(sessions[-1].get("processes", 1))),
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{run.folder} is not as train_cgan.py writes a run ({error!r})") from None


def _command(options: dict, steps: int, judge: str | None, processes: int) -> str:
    """What trains the run again: every option that it had, whatever the defaults are."""
    words = ["mpirun", "-np", str(processes)] if processes > 1 else []
    words += ["python", "train_cgan.py"]
    for name, value in options.items():
        if name in UNTOLD or value is None or value is False:
            continue
        words += [f"--{name}"] if value is True else [f"--{name}", str(judge if name == "judge" else value)]
    words += ["--max_steps", str(steps), "--output", "runs/cgan"]
    lines = [""]
    for word in map(shlex.quote, words):
        if len(lines[-1]) + len(word) > 90 and word.startswith("--"):
            lines[-1] += "\\"
            lines.append("    ")
        lines[-1] += f"{word} "
    return "\n".join(line.rstrip() for line in lines)
