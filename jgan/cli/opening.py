"""The run that a training program makes, or resumes with the options that it has."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from jgan import processes
from jgan.cli.mpirun import mpirun
from jgan.cli.options import require_valid
from jgan.errors import UserError
from jgan.files import require_no_file_at
from jgan.training.run import Run

PATH_OPTIONS = ("data_dir", "dir_a", "dir_b", "val_dir", "judge")
RESUMABLE_OPTIONS = (
    "n_epochs",
    "decay_epoch",
    "max_steps",
    "sample_interval",
    "save_interval",
    "tensorboard",
    "device",
    *PATH_OPTIONS,
)


def open_run(opt, given: dict) -> Run:
    """The run to make or to resume, with nothing made or changed yet but the lock of one to resume.

    Its options are those of the command line, or those of the run to resume. Data folders are remembered by their
    absolute paths. Raises UserError if there is no such run, or if it cannot be resumed with the options given.
    """
    if opt.output is None:
        opt.output = f"runs/{program_name().partition('_')[2]}"
    for options in (vars(opt), given):
        options.update({name: os.path.abspath(options[name]) for name in PATH_OPTIONS if options.get(name) is not None})
    if "resume" not in given:
        run = Run(opt.output, opt, program=program_name())
        run.require_new()
        require_no_file_at(run.folder)
    else:
        run = Run(opt.resume, program=program_name(), resumed=True)
        options = _options_to_resume(run, given, type(opt))
        require_valid(options, type(opt), run.config)
        for name in PATH_OPTIONS:
            if options.get(name) is not None and not os.path.exists(options[name]):
                raise UserError(
                    f"{run.folder} was trained with {options[name]}, which is not there any more; say where it is "
                    f"as --{name}"
                )
        if processes.is_first():
            run.lock()
        run.options = type(opt)(**options)
    words = [*mpirun(), "python", sys.argv[0], "--resume", str(run.folder)]
    if run.options.max_steps is not None:
        words += ["--max_steps", str(run.options.max_steps)]
    run.resume_command = shlex.join(words)
    return run


def _options_to_resume(run: Run, given: dict, options_class) -> dict:
    """The run's own options, but for those of RESUMABLE_OPTIONS that are given anew.

    options_class: may have as OLDER what a run did that is older than an option, where that is not today's default, and
    as ONCE_NUMBERS the names of options that are texts today.
    max_steps is where one session ends, and not inherited. Raises UserError if this is no run of this program with a
    saved state, or if an option is given that differs from the run's; the error names each.
    """
    config = run.read_config()
    options = {**getattr(options_class, "OLDER", {}), **config["options"]}
    for name in getattr(options_class, "ONCE_NUMBERS", ()):
        if type(options.get(name)) is int:
            options[name] = str(options[name])
    if config["program"] != run.program:
        raise UserError(f"{run.folder} is a run of {config['program']}; resume it with that program")
    differences = [
        f"--{name} {value} (the run: {options.get(name)})"
        for name, value in given.items()
        if name not in (*RESUMABLE_OPTIONS, "output", "resume") and value != options.get(name)
    ]
    if "output" in given and Path(given["output"]).resolve() != run.folder.resolve():
        differences.append(f"--output {given['output']} (a run is resumed in place)")
    if differences:
        raise UserError(
            f"{run.folder} can only be resumed with the options it was started with; remove " + ", ".join(differences)
        )
    if not run.state.is_file():
        run.require_new()
        raise UserError(
            f"{run.folder} holds no state.safetensors to resume from; begin anew with --output {run.folder}"
        )
    anew = {name: value for name, value in given.items() if name in RESUMABLE_OPTIONS}
    return {**options, "max_steps": None, **anew, "output": str(run.folder)}


def program_name() -> str:
    """The program that was started, such as "train_cgan"."""
    return Path(sys.argv[0]).stem
