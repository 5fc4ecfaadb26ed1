"""What the programs share that draw a number: options, the judge that reads it, and what is said of the reading."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from jgan.cli.judges import find_judge
from jgan.cli.options import WEIGHTS, option
from jgan.training.stop import say
from jgan.warmup.digits import DIGITS, draw_digits, percent

JUDGE = WEIGHTS / "classifier_mnist.safetensors"


@dataclasses.dataclass
class DigitOptions:
    """What a program takes that draws a number."""

    number: str = option(help="the digits to draw, such as 0123456789")
    seed: int = option(0, "of the noise; the same seed gives the same image", least=0)
    candidates: int = option(1, "draw so many of each digit; keep the one most surely read as it", least=1, most=1000)


def require_judge(path: str | Path) -> None:
    """UserError unless a file holds a judge of the ten digits."""
    find_judge(str(path), "mnist", channels=1, classes=DIGITS)


def draw_and_read(opt: DigitOptions, digits: np.ndarray, *, weights: str | Path, judge: str | Path) -> tuple:
    """Draw digits with the generator of a weights file, and read them: pixels, uint8 (len(digits), 1, 32, 32), and the
    `jgan.inference.judges.Reading` of them."""
    from jgan.inference.generators import load_generator
    from jgan.inference.judges import load_judge, read

    generator, judge = load_generator(weights, conditional=True), load_judge(judge)
    pixels = draw_digits(generator, digits, seed=opt.seed, candidates=opt.candidates, judge=judge)
    return pixels, read(judge, pixels)


def print_reading(opt: DigitOptions, digits: np.ndarray, reading) -> None:
    """Print how each digit was read, and warn of one that was read as another."""
    if opt.candidates > 1:
        print(f"of each digit {opt.candidates} were drawn, and the one that is most surely read as it was kept")
    for place, (digit, label, confidence) in enumerate(zip(digits, reading.labels, reading.confidence), start=1):
        print(f"digit {place}: {digit} is read as {label} ({percent(confidence)})")
        if label != digit:
            say(f"warning: digit {place}, {_a(digit)}, is read as {_a(label)}; try another --seed, or --candidates 20")


def _a(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


def tell_of_program(weights: str | Path) -> None:
    """Print that the program in the archive is one for all weights."""
    print(f"its CGAN.py trains with the defaults of train_cgan.py, whatever {weights} was trained with")
