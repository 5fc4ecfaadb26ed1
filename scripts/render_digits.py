"""Draw a number with the trained conditional GAN: the warm-up's result.png, and the result.zip to upload.

python scripts/render_digits.py 0123456789
python scripts/render_digits.py 0123456789 --candidates 20 --report report.png
python scripts/render_digits.py 0123456789 --zip --weights runs/cgan/generator.safetensors
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Optional

import numpy as np

from jgan.cli.digits import JUDGE, DigitOptions, draw_and_read, print_reading, require_judge, tell_of_program
from jgan.cli.options import WEIGHTS, device_option, option, require_png_path, require_weights
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.images import from_pixels, save_png, strip
from jgan.jittor_setup.runtime import set_device
from jgan.warmup import PROGRAM
from jgan.warmup.archive import write_archive
from jgan.warmup.digits import draw_report, parse_digits

SHIPPED = WEIGHTS / "cgan_mnist.safetensors"


@dataclasses.dataclass
class Options(DigitOptions):
    weights: str = option(str(SHIPPED), "a generator trained by train_cgan.py")
    output: str = option("result.png", "the image to write")
    judge: str = option(str(JUDGE), "the classifier that reads what was drawn")
    report: Optional[str] = option(None, "a .png to write, of each digit with its reading")
    zip: bool = option(False, "write the archive to upload, too, beside the image")
    device: str = device_option()


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
    require_judge(opt.judge)
    return digits


def draw(opt: Options, digits: np.ndarray) -> int:
    set_device(opt.device)
    output = Path(opt.output)
    pixels, reading = draw_and_read(opt, digits, weights=opt.weights, judge=opt.judge)
    save_png(output, strip(from_pixels(pixels)))
    print(f"wrote {output}")
    print_reading(opt, digits, reading)
    if opt.report is not None:
        draw_report(opt.report, pixels, digits, reading)
        print(f"wrote {opt.report}")

    if opt.zip:
        archive = output.with_suffix(".zip")
        write_archive(archive, output.read_bytes(), PROGRAM.read_text(encoding="utf-8"))
        print(f"wrote {archive}")
        if Path(opt.weights).resolve() != SHIPPED:
            tell_of_program(opt.weights)
    return 0


if __name__ == "__main__":
    run_program(Options, __doc__, check, draw)
