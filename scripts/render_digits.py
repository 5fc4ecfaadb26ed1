"""Draw a number with the trained conditional GAN: the warm-up's result.png, and the result.zip to upload.

python scripts/render_digits.py 13800138000
python scripts/render_digits.py 13800138000 --zip --weights runs/cgan/generator.safetensors
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from options import option, require_weights, run_program

from jgan.bundle import bundle
from jgan.digits import draw_digits, parse_digits, write_archive
from jgan.images import require_png_path, save_png

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "cgan_mnist.safetensors"
PROGRAM = """The conditional GAN of the Jittor warm-up, in one file: it trains on MNIST and draws a number.

python CGAN.py NUMBER                            # train, write generator.npz, draw result.png
python CGAN.py NUMBER --weights generator.npz    # draw only

Needs jittor, numpy and pillow; the package jittor-offline brings MNIST. Made by jgan from its own sources.
"""


@dataclasses.dataclass
class Options:
    number: str = option(help="the digits to draw, such as 13800138000")
    weights: str = option(str(SHIPPED), "a generator trained by train_cgan.py")
    output: str = option("result.png", "the image to write")
    seed: int = option(0, "of the noise; the same seed gives the same image", least=0)
    zip: bool = option(False, "write the archive to upload, too, beside the image")


def main(opt: Options, given: dict) -> int:
    digits = parse_digits(opt.number)
    output = require_png_path(opt.output)
    require_weights(opt.weights)

    # Only now: the first import of Jittor takes minutes, and every mistake above should show before.
    from jgan.checkpoint import load_network
    from jgan.models.cgan import Generator

    generator = load_network(opt.weights, Generator, model="cgan.Generator")
    save_png(output, draw_digits(generator, digits, seed=opt.seed))
    print(f"wrote {output}")
    if opt.zip:
        archive = output.with_suffix(".zip")
        program = bundle("jgan.warmup", "main", first=("jgan.warmup", "ready"), docstring=PROGRAM)
        write_archive(archive, output.read_bytes(), program)
        print(f"wrote {archive}")
        if Path(opt.weights).resolve() != SHIPPED:
            print(f"its CGAN.py trains with the defaults of train_cgan.py, whatever {opt.weights} was trained with")
    return 0


if __name__ == "__main__":
    run_program(main, Options, __doc__)
