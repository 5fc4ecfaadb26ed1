"""Draw a number with the trained conditional GAN: the warm-up's result.png, and the result.zip to upload.

python scripts/render_digits.py 13800138000
python scripts/render_digits.py 13800138000 --zip --weights runs/cgan/generator.safetensors
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from jgan.cli.options import option, require_png_path, require_weights
from jgan.cli.program import run_program
from jgan.images import save_png
from jgan.warmup import PROGRAM
from jgan.warmup.digits import draw_digits, parse_digits, write_archive

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "cgan_mnist.safetensors"


@dataclasses.dataclass
class Options:
    number: str = option(help="the digits to draw, such as 13800138000")
    weights: str = option(str(SHIPPED), "a generator trained by train_cgan.py")
    output: str = option("result.png", "the image to write")
    seed: int = option(0, "of the noise; the same seed gives the same image", least=0)
    zip: bool = option(False, "write the archive to upload, too, beside the image")


def check(opt: Options, given: dict) -> np.ndarray:
    """The digits."""
    digits = parse_digits(opt.number)
    require_png_path(opt.output)
    require_weights(opt.weights)
    return digits


def draw(opt: Options, digits: np.ndarray) -> int:
    from jgan.models.cgan import Generator
    from jgan.weights.networks import load_network

    output = Path(opt.output)
    generator = load_network(opt.weights, Generator)
    save_png(output, draw_digits(generator, digits, seed=opt.seed))
    print(f"wrote {output}")
    if opt.zip:
        archive = output.with_suffix(".zip")
        write_archive(archive, output.read_bytes(), PROGRAM.read_text(encoding="utf-8"))
        print(f"wrote {archive}")
        if Path(opt.weights).resolve() != SHIPPED:
            print(f"its CGAN.py trains with the defaults of train_cgan.py, whatever {opt.weights} was trained with")
    return 0


if __name__ == "__main__":
    run_program(Options, __doc__, check, draw)
