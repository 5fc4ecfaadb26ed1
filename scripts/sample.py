"""Draw images with a trained generator, one for each seed: as a sheet, or as single files.

python scripts/sample.py --weights weights/dcgan_faces_64.safetensors --seeds 0-35
python scripts/sample.py --weights weights/cgan_mnist.safetensors --seeds 0-9 --labels 3,7
python scripts/sample.py --weights runs/mine/generator.safetensors --seeds 0-9 --labels cat,dog
python scripts/sample.py --weights weights/wgan_gp_fashion_32.safetensors --seeds 5,8-12 --output pictures/
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Optional

from jgan.cli.labels import asked_labels
from jgan.cli.options import device_option, numbers, option, require_png_path, require_weights
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.files import make_folder
from jgan.images import grid, save_png, strip
from jgan.jittor_setup.runtime import set_device


@dataclasses.dataclass
class Options:
    weights: Optional[str] = option(None, "a generator.safetensors of a training, or one of weights/")
    seeds: str = option("0-35", "such as 0-35 or 1,5,7-9; the same seed gives the same image in any company")
    labels: Optional[str] = option(None, "classes of each seed by name or number, such as 3,7 or Bag; else all")
    columns: Optional[int] = option(
        None, "images in a row of the sheet; else the labels, or of one or none a square", least=1
    )
    output: str = option("samples.png", "a .png for the sheet, or a folder, whose name has no dot, for single files")
    device: str = device_option()


def check(opt: Options, given: dict) -> list[int]:
    """The seeds."""
    seeds = numbers(opt.seeds, "--seeds")
    require_weights(opt.weights)
    if Path(opt.output).suffix:
        require_png_path(opt.output)
    elif opt.columns is not None:
        raise UserError(f"--columns is about a sheet, and {opt.output} is a folder for single images; leave it out")
    return seeds


def draw(opt: Options, seeds: list[int]) -> int:
    set_device(opt.device)
    from jgan.inference import generators

    generator = generators.load_generator(opt.weights)
    labels = asked_labels(opt.labels, generator.classes, opt.weights, "--labels")
    images = generators.draw_seeds(generator, seeds, labels)
    if labels is None:
        names = [f"seed{seed:04d}.png" for seed in seeds]
    else:
        names = [f"seed{seed:04d}_label{label}.png" for seed in seeds for label in labels]

    output = Path(opt.output)
    if output.suffix:
        columns = opt.columns or generators.sheet_columns(len(seeds), labels)
        save_png(output, grid(images, columns=columns))
        print(f"wrote {output}")
    else:
        make_folder(output)
        by_name = dict(zip(names, images))
        for name, image in by_name.items():
            save_png(output / name, strip(image[None]))
        print(f"wrote {len(by_name)} image{'s' * (len(by_name) != 1)} into {output}")
    return 0


if __name__ == "__main__":
    run_program(Options, __doc__, check, draw)
