"""Options of the programs: a dataclass of typed fields becomes a command line, a user's mistake a sentence."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import sys
import typing
from pathlib import Path
from typing import Optional

from jgan.errors import UserError
from jgan.run import Run
from jgan.stop import in_words
from jgan.train import require_steps_left, steps_done


def option(default=dataclasses.MISSING, help="", *, least=None, above=None, below=None, choices=None):
    """A dataclass field that is an option: default, line of help, and which values it may take.

    least <= value, above < value < below, or one of `choices`. Without a default it is a positional argument.
    """
    limits = {"help": help, "least": least, "above": above, "below": below, "choices": choices}
    return dataclasses.field(default=default, metadata=limits)


@dataclasses.dataclass
class TrainOptions:
    """What every training program takes."""

    n_epochs: int = option(100, "how often every image is seen", least=1)
    batch_size: int = option(64, "images in a batch", least=2)
    lr: float = option(0.0002, "learning rate of Adam", above=0)
    b1: float = option(0.5, "decay of Adam's first moment", least=0, below=1)
    b2: float = option(0.999, "decay of Adam's second moment", least=0, below=1)
    sample_interval: int = option(1000, "steps between samples", least=1)
    save_interval: int = option(1000, "steps between saved states; the last is always saved", least=1)
    max_steps: Optional[int] = option(None, "end after so many steps in all, whatever n_epochs says", least=1)
    seed: int = option(0, "of weights, noise, order and dropout; the same seed gives the same run", least=0)
    device: str = option("auto", "where to compute; auto is CUDA where there is one", choices=("auto", "cpu", "cuda"))
    data_dir: Optional[str] = option(None, "folder of the data set")
    output: Optional[str] = option(None, "the run directory to make")
    resume: Optional[str] = option(None, "a run directory to resume, with the options it has")


def parse(options_class, description: str, argv=None):
    """The options, and a dict of those that were given. A wrong one ends the program with a sentence and status 2."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    types = typing.get_type_hints(options_class)
    for field in dataclasses.fields(options_class):
        _add(parser, field, types[field.name])
    given = vars(parser.parse_args(argv))
    return options_class(**given), given


def _add(parser: argparse.ArgumentParser, field: dataclasses.Field, kind) -> None:
    """Optional[T] takes a T; a bool is a flag; a field without a default is positional."""
    kind = next((t for t in typing.get_args(kind) if t is not type(None)), kind)
    text = field.metadata["help"]
    if field.default is dataclasses.MISSING:
        parser.add_argument(field.name, type=kind, help=text)
    elif kind is bool:
        parser.add_argument(f"--{field.name}", action="store_true", default=argparse.SUPPRESS, help=text)
    else:
        if field.default is not None:
            text += f" (default: {field.default})"
        parser.add_argument(
            f"--{field.name}",
            type=_checked(kind, field.metadata),
            choices=field.metadata["choices"],
            default=argparse.SUPPRESS,
            metavar=None if field.metadata["choices"] else kind.__name__.upper(),
            help=text,
        )


def _checked(kind, limits):
    def convert(text: str):
        value = kind(text)
        if limits["least"] is not None and not value >= limits["least"]:
            raise argparse.ArgumentTypeError(f"{text} is too small; at least {limits['least']} is needed")
        if limits["above"] is not None and not value > limits["above"]:
            raise argparse.ArgumentTypeError(f"{text} must be above {limits['above']}")
        if limits["below"] is not None and not value < limits["below"]:
            raise argparse.ArgumentTypeError(f"{text} must be below {limits['below']}")
        return value

    convert.__name__ = kind.__name__  # argparse names it in its own error for a text that is no such number
    return convert


def program_name() -> str:
    """The program that was started, such as "train_cgan"."""
    return Path(sys.argv[0]).stem


def begin(opt, given: dict):
    """(the run of a training program, its options, whether it is one to resume), with nothing made or changed yet.

    The options are those given, or those of the run to resume. A data folder is remembered by its absolute path.
    """
    if int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1)) > 1:
        raise UserError("training on several processes is not supported yet; start it without mpirun, or with -np 1")
    for options in (vars(opt), given):
        if options.get("data_dir") is not None:
            options["data_dir"] = os.path.abspath(options["data_dir"])
    program = program_name()
    if "resume" not in given:
        run = Run(opt.output or Path("runs") / program.partition("_")[2])
        run.require_new()
        return run, opt, False
    run = Run(opt.resume)
    options = run.resume_options(program, given)
    try:
        return run, type(opt)(**options), True
    except TypeError as error:
        raise UserError(f"{run.config} was written by another version of jgan: {error}") from None


def start(run: Run, opt, versions: dict, *, resume: bool, n_steps: int) -> None:
    """Make the run directory, or note in it that it is resumed; UserError if nothing is left to do."""
    if resume:
        require_steps_left(run, steps_done(run), n_steps)
        run.resume(dataclasses.asdict(opt), versions)
    else:
        run.create(program_name(), dataclasses.asdict(opt), versions)


def resume_command(run: Run, opt) -> str:
    """What to type to resume a run that was stopped; its other options are remembered in its directory."""
    words = ["python", sys.argv[0], "--resume", str(run.folder)]
    if opt.max_steps is not None:
        words += ["--max_steps", str(opt.max_steps)]
    return shlex.join(words)


def run_program(main, options_class, description: str) -> None:
    """Parse the command line, call main(options, given), and exit with the status it returns.

    A UserError is printed as one sentence, with status 2; Ctrl-C gives status 130.
    """
    sys.exit(in_words(main, *parse(options_class, description)))
