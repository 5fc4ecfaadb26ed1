"""Draw images with a trained generator, one for each seed: as a sheet, or as single files.

python scripts/sample.py --weights weights/dcgan_faces_64.safetensors --seeds 0-35
python scripts/sample.py --weights weights/cgan_mnist.safetensors --seeds 0-9 --labels 3,7
python scripts/sample.py --weights weights/wgan_gp_fashion_32.safetensors --seeds 5,8-12 --output pictures/
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Optional

import numpy as np
from options import numbers, option, require_weights, run_program

from jgan.errors import UserError
from jgan.files import make_folder
from jgan.images import grid, require_png_path, save_png, strip


@dataclasses.dataclass
class Options:
    weights: Optional[str] = option(None, "a generator.safetensors of a training, or one of weights/")
    seeds: str = option("0-35", "such as 0-35 or 1,5,7-9; the same seed gives the same image in any company")
    labels: Optional[str] = option(None, "classes to draw of each seed, for a conditional generator; else all")
    columns: Optional[int] = option(None, "images in a row of the sheet; else the labels, or a square", least=1)
    output: str = option("samples.png", "a .png for the sheet, or a folder, whose name has no dot, for single files")


def main(opt: Options, given: dict) -> int:
    seeds = numbers(opt.seeds, "--seeds")
    labels = None if opt.labels is None else numbers(opt.labels, "--labels")
    weights = require_weights(opt.weights)
    output = Path(opt.output)
    sheet = bool(output.suffix)
    if sheet:
        require_png_path(opt.output)

    # Only now: the first import of Jittor takes minutes, and every mistake above should show before.
    from jgan.generators import draw, is_conditional, latents, load_generator

    generator = load_generator(weights)
    z = latents(generator, seeds)
    if is_conditional(generator):
        labels = np.arange(generator.n_classes) if labels is None else labels
        if max(labels) >= generator.n_classes:
            raise UserError(f"--labels {opt.labels}: this generator draws the classes 0 to {generator.n_classes - 1}")
        images = draw(generator, np.repeat(z, len(labels), axis=0), np.tile(labels, len(seeds)))
        names = [f"seed{seed:04d}_label{label}.png" for seed in seeds for label in labels]
        columns = opt.columns or len(labels)
    elif labels is not None:
        raise UserError(f"--labels: {opt.weights} holds a generator without classes")
    else:
        images = draw(generator, z)
        names = [f"seed{seed:04d}.png" for seed in seeds]
        columns = opt.columns or round(len(seeds) ** 0.5)

    if sheet:
        save_png(output, grid(images, columns=columns))
        print(f"wrote {output}")
    else:
        make_folder(output)
        for name, image in zip(names, images):
            save_png(output / name, strip(image[None]))
        print(f"wrote {len(names)} images into {output}")
    return 0


if __name__ == "__main__":
    run_program(main, Options, __doc__)
