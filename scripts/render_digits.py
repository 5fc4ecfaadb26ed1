"""Draw a number with the trained conditional GAN: the warm-up's result.png, and the result.zip to upload.

python scripts/render_digits.py 13800138000
python scripts/render_digits.py 13800138000 --candidates 20 --report report.png
python scripts/render_digits.py 13800138000 --zip --weights runs/cgan/generator.safetensors
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Optional

import numpy as np

from jgan.cli.judges import find_judge
from jgan.cli.options import WEIGHTS, option, require_png_path, require_weights
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.images import from_pixels, save_png, strip
from jgan.training.stop import say
from jgan.warmup import PROGRAM
from jgan.warmup.digits import draw_digits, draw_report, parse_digits, percent, write_archive

SHIPPED = WEIGHTS / "cgan_mnist.safetensors"
CLASSES = tuple("0123456789")


@dataclasses.dataclass
class Options:
    number: str = option(help="the digits to draw, such as 13800138000")
    weights: str = option(str(SHIPPED), "a generator trained by train_cgan.py")
    output: str = option("result.png", "the image to write")
    seed: int = option(0, "of the noise; the same seed gives the same image", least=0)
    judge: str = option(str(WEIGHTS / "classifier_mnist.safetensors"), "the classifier that reads what was drawn")
    candidates: int = option(1, "draw so many of each digit; keep the one most surely read as it", least=1, most=1000)
    report: Optional[str] = option(None, "a .png to write, of each digit with its reading")
    zip: bool = option(False, "write the archive to upload, too, beside the image")


def check(opt: Options, given: dict) -> np.ndarray:
    """The digits."""
    digits = parse_digits(opt.number)
    require_png_path(opt.output)
    if opt.report is not None:
        require_png_path(opt.report, "--report")
        if Path(opt.report).resolve() == Path(opt.output).resolve():
            raise UserError("--report and --output are the same file; give two")
    archive = Path(opt.output).with_suffix(".zip")
    if opt.zip and archive.is_dir():
        raise UserError(f"{archive} is a folder, and the archive is to be written there; choose another --output")
    require_weights(opt.weights)
    find_judge(opt.judge, "mnist", channels=1, classes=CLASSES)
    return digits


def draw(opt: Options, digits: np.ndarray) -> int:
    from jgan.inference.judges import load_judge, read
    from jgan.models.cgan import Generator
    from jgan.weights.networks import load_network

    output = Path(opt.output)
    generator, judge = load_network(opt.weights, Generator), load_judge(opt.judge)
    pixels = draw_digits(generator, digits, seed=opt.seed, candidates=opt.candidates, judge=judge)
    save_png(output, strip(from_pixels(pixels)))
    print(f"wrote {output}")
    if opt.candidates > 1:
        print(f"of each digit {opt.candidates} were drawn, and the one that is most surely read as it was kept")

    reading = read(judge, pixels)
    for place, (digit, label, confidence) in enumerate(zip(digits, reading.labels, reading.confidence), start=1):
        print(f"digit {place}: {digit} is read as {label} ({percent(confidence)})")
        if label != digit:
            say(f"warning: digit {place}, a {digit}, is read as a {label}; try another --seed, or --candidates 20")
    if opt.report is not None:
        draw_report(opt.report, pixels, digits, reading)
        print(f"wrote {opt.report}")

    if opt.zip:
        archive = output.with_suffix(".zip")
        write_archive(archive, output.read_bytes(), PROGRAM.read_text(encoding="utf-8"))
        print(f"wrote {archive}")
        if Path(opt.weights).resolve() != SHIPPED:
            print(f"its CGAN.py trains with the defaults of train_cgan.py, whatever {opt.weights} was trained with")
    return 0


if __name__ == "__main__":
    run_program(Options, __doc__, check, draw)
