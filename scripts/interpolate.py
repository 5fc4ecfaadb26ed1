"""Walk through the latent space of a trained generator, from one seed to another.

python scripts/interpolate.py --weights weights/dcgan_faces_64.safetensors                           # a square
python scripts/interpolate.py --weights weights/dcgan_faces_64.safetensors --path sphere --n 8 --gif
python scripts/interpolate.py --weights weights/cgan_mnist.safetensors --path line --label 3
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Optional

import numpy as np

from jgan.cli.labels import asked_label
from jgan.cli.options import LARGEST, device_option, option, require_png_path, require_weights
from jgan.cli.program import run_program
from jgan.images import grid, save_gif, save_png, strip
from jgan.inference.latent import line, sphere, square
from jgan.jittor_setup.runtime import set_device


@dataclasses.dataclass
class Options:
    weights: Optional[str] = option(None, "a generator.safetensors of a training, or one of weights/")
    seed_a: int = option(0, "where the path begins; the square's top left corner", least=0, most=LARGEST)
    seed_b: int = option(1, "where the path ends; the square's bottom right corner", least=0, most=LARGEST)
    path: str = option(
        "square",
        "square: the first half of z changes along x, the second along y; sphere: a great circle",
        choices=("square", "line", "sphere"),
    )
    n: int = option(11, "images on the path, or on a side of the square", least=2, most=100)
    label: Optional[str] = option(None, "the class of a conditional generator, by name or number; else the first")
    gif: bool = option(False, "write an animation, too, beside the image: there and back")
    output: str = option("interpolation.png", "the image to write")
    device: str = device_option()


def check(opt: Options, given: dict) -> Path:
    """The image to write."""
    require_weights(opt.weights)
    return require_png_path(opt.output)


def draw(opt: Options, output: Path) -> int:
    set_device(opt.device)
    from jgan.inference import generators

    generator = generators.load_generator(opt.weights)
    a, b = generators.latents(generator, [opt.seed_a, opt.seed_b])
    if opt.path == "square":
        z = square(a, b, opt.n)
    else:
        z = {"line": line, "sphere": sphere}[opt.path](a, b, np.linspace(0, 1, opt.n))
    label = asked_label(opt.label, generator.classes, opt.weights, "--label")
    images = generators.draw(generator, z, None if label is None else np.full(len(z), label))
    save_png(output, grid(images, columns=opt.n))
    print(f"wrote {output}")
    if opt.gif:
        if opt.path == "square":  # every other row backwards, so that it walks and does not jump
            rows = images.reshape((opt.n, opt.n, *images.shape[1:]))
            images = np.concatenate([row[:: (-1) ** i] for i, row in enumerate(rows)])
        frames = [strip(image[None]) for image in images]
        save_gif(output.with_suffix(".gif"), frames + frames[-2:0:-1])
        print(f"wrote {output.with_suffix('.gif')}")
    return 0


if __name__ == "__main__":
    run_program(Options, __doc__, check, draw)
