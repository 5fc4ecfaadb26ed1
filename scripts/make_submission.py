"""Make the warm-up's hand-in from a run of train_cgan.py: result.zip, and the repository to publish beside it.

python scripts/make_submission.py runs/cgan 0123456789 --output submission
python scripts/make_submission.py runs/cgan 0123456789 --best --candidates 20 --output submission
python scripts/make_submission.py --check submission     # before it is uploaded and pushed
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from jgan.cli.digits import JUDGE, DigitOptions, draw_and_read, print_reading, require_judge, tell_of_program
from jgan.cli.options import device_option, option, require_weights
from jgan.cli.program import run_program
from jgan.data.dataset import fingerprint
from jgan.data.mnist import load_mnist
from jgan.errors import UserError
from jgan.files import making_folder
from jgan.images import from_pixels, save_png, strip
from jgan.jittor_setup.runtime import set_device
from jgan.submission.check import ARCHIVE, REPOSITORY, check
from jgan.submission.facts import Facts, read_facts
from jgan.submission.readme import DIGITS
from jgan.submission.repository import sample_of, write_repository
from jgan.training.run import Run
from jgan.warmup import PROGRAM
from jgan.warmup.archive import write_archive
from jgan.warmup.digits import SIZE, parse_digits


@dataclasses.dataclass
class RunOption:
    run: Optional[str] = option(None, "the directory of a run of train_cgan.py on MNIST", positional=True)


@dataclasses.dataclass
class Options(DigitOptions, RunOption):
    number: Optional[str] = option(None, "the digits to draw, such as 0123456789", positional=True)
    best: bool = option(False, "hand in the weights of the best score, best.safetensors, not those of the last step")
    output: str = option("submission", "the folder to make")
    check: Optional[str] = option(
        None, "make nothing; say what should be put right in this folder before it is published"
    )
    device: str = device_option()


class Checked(NamedTuple):
    """What is to be made."""

    run: Run
    weights: Path
    judge: Path | None  # of the run, if it had one of its own
    facts: Facts
    digits: np.ndarray


def check_options(opt: Options, given: dict) -> Checked | None:
    """What is to be made; None if only a folder is to be checked."""
    if opt.check is not None:
        if given.keys() != {"check"}:
            raise UserError("--check takes its folder alone; leave everything else out")
        return None
    if opt.run is None or opt.number is None:
        raise UserError("give the directory of a run, and the number to draw; or a folder to look at as --check")
    digits = parse_digits(opt.number)
    require_judge(JUDGE)
    run = Run(opt.run, resumed=True)
    options = _require_run(run)
    weights = run.best if opt.best else run.generator
    if opt.best and not weights.is_file():
        raise UserError(f"{run.folder} holds no best.safetensors, as it was not scored; leave --best out")
    require_weights(str(weights))
    judge = None if options.get("judge") is None else Path(options["judge"])
    if judge is not None and not judge.is_file():
        raise UserError(f"{run.folder} was scored by {judge}, which is not there any more; put it there again")
    facts = read_facts(run, weights, judge and "weights/judge.safetensors")
    sample_of(run, facts.step)
    return Checked(run, weights, judge, facts, digits)


def _require_run(run: Run) -> dict:
    """The options of a run; UserError unless its training is what the warm-up asks for."""
    config = run.read_config()
    options = config["options"]
    if config["program"] != "train_cgan":
        raise UserError(f"{run.folder} is a run of {config['program']}; the warm-up asks for one of train_cgan")
    if not run.state.is_file():
        raise UserError(f"{run.folder} holds no state.safetensors; it has saved nothing yet, or is a part of a run")
    if options.get("dataset") != "mnist":
        raise UserError(
            f"{run.folder} was trained on {options.get('dataset')}; the warm-up's digits are those of MNIST"
        )
    if (options.get("img_size"), options.get("channels")) != (SIZE, 1):
        raise UserError(
            f"{run.folder} draws images of {options.get('img_size')} pixels and {options.get('channels')} channels; "
            f"the warm-up wants {SIZE} and 1"
        )
    run.require_data(fingerprint(load_mnist(size=SIZE)))
    return options


def make(opt: Options, checked: Checked | None) -> int:
    if checked is None:
        return print_findings(opt.check)
    set_device(opt.device)
    run, weights, judge, facts, digits = checked
    output = Path(opt.output)
    with making_folder(output) as folder:
        repository = folder / REPOSITORY
        how = {"seed": opt.seed, "candidates": opt.candidates}
        write_repository(repository, run, weights, judge, facts, **how)
        example, _ = draw_and_read(opt, parse_digits(DIGITS), weights=weights, judge=JUDGE)
        save_png(repository / "images" / "digits.png", strip(from_pixels(example)))

        pixels, reading = draw_and_read(opt, digits, weights=weights, judge=JUDGE)
        image = folder / "result.png"
        save_png(image, strip(from_pixels(pixels)))
        write_archive(folder / ARCHIVE, image.read_bytes(), PROGRAM.read_text(encoding="utf-8"))
        found, _ = check(folder)
        if found:
            raise UserError("the hand-in was not made, for it would not pass its check: " + "; ".join(map(str, found)))
    print(f"wrote {output / ARCHIVE}, to upload, and its image {image.name} beside it")
    tell_of_program(run.folder)
    print(f"wrote {output / REPOSITORY}, to publish; your number is in none of its files")
    print_reading(opt, digits, reading)
    return 0


def print_findings(folder: str) -> int:
    """Print what a check found; returns the exit status."""
    found, n_files = check(folder)
    for finding in found:
        print(finding)
    print(f"{folder}: {len(found)} finding{'s' * (len(found) != 1)} in {n_files} file{'s' * (n_files != 1)}")
    return int(bool(found))


if __name__ == "__main__":
    run_program(Options, __doc__, check_options, make)
