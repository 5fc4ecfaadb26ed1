"""Translate images with a generator that train_pix2pix.py or train_cyclegan.py has trained.

python scripts/translate.py photo.jpg --weights runs/pix2pix/generator.safetensors
python scripts/translate.py facades/test --half b --size 128 --compare --weights weights/pix2pix_facades_128.safetensors
python scripts/translate.py labels --weights runs/landscapes/best.safetensors --output drawn   # of label maps
python scripts/translate.py FOLDER more/*.png --weights runs/cyclegan/generator.safetensors --direction b2a --output out
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Optional

import numpy as np
from PIL import Image
from tqdm import tqdm

from jgan.cli.options import device_option, image_size, option, require_weights
from jgan.cli.program import run_program
from jgan.data.folder import SUFFIXES, as_input, image_paths, open_image, to_mode
from jgan.data.label_maps import resampling
from jgan.data.paired import by_name, input_and_target
from jgan.errors import UserError
from jgan.files import make_folder
from jgan.images import save_png
from jgan.jittor_setup.runtime import seed_jittor, set_device
from jgan.weights.arrays import load_header

IDLE = {  # the options that mean nothing to a file's model
    "cyclegan.Generators": {"running_statistics", "no_dropout", "seed"},
    "pix2pix.Generator": {"direction"},
    "spade.Generator": {"direction", "no_dropout"},
}
LARGEST_SIDE = 16384
BICUBIC = Image.Resampling.BICUBIC


@dataclasses.dataclass
class Options:
    inputs: tuple[str, ...] = option(help="images, or folders of images")
    weights: Optional[str] = option(None, "generator.safetensors of a training")
    output: str = option("translated", "the folder to write into, each image by its name as PNG")
    direction: str = option("a2b", "of CycleGAN's two", choices=("a2b", "b2a"))
    half: Optional[str] = option(
        None, "translate this half of images that hold A and B side by side", choices=("a", "b")
    )
    size: Optional[str] = option(None, "resize to this height and width first, or to WIDTHxHEIGHT")
    compare: bool = option(False, "write input, output and, with --half, the other half side by side")
    beside: Optional[str] = option(
        None, "with --compare: a folder of images by the same names to put beside, or some separated by commas"
    )
    running_statistics: bool = option(
        False, "Pix2Pix and SPADE: normalise by the training's statistics, not the image's own"
    )
    no_dropout: bool = option(False, "Pix2Pix: leave the dropout out, its only noise")
    seed: int = option(0, "of the dropout or the noise; the same seed gives the same image", least=0)
    device: str = device_option()


def find(inputs: tuple[str, ...], output: Path) -> dict[Path, Path]:
    """The images to translate, each with the file to write. What was written into a folder within one is left out.

    UserError if two would be written as one, or one over an image that lies beside it.
    """
    sources: dict[Path, Path] = {}  # by what they are written as
    for path in map(Path, inputs):
        if not path.exists():
            raise UserError(f"there is no image or folder {path}")
        if path.is_dir() and path.resolve() == output.resolve():
            raise UserError(f"the images of {path} would be translated into their own folder; choose another --output")
        names = {path: Path(path.name)}
        if path.is_dir():
            within = output.resolve() if path.resolve() in output.resolve().parents else None
            names = {each: each.relative_to(path) for each in image_paths(path) if within not in each.resolve().parents}
        for each, name in names.items():
            target = output / name.with_suffix(".png")
            if sources.setdefault(target, each) != each:
                raise UserError(
                    f"{sources[target]} and {each} would both be written as {target}; translate one of them by itself, "
                    "into another --output"
                )
            if target.exists() and target.resolve().parent == each.resolve().parent:
                raise UserError(f"{each} would be written over the image {target}; choose another --output")
    if not sources:
        raise UserError(f"there is no image in {' '.join(inputs)} but in the output folder {output}")
    return {each: target for target, each in sources.items()}


def read(path: Path, opt: Options, mode: str, label_classes: int | None) -> list[Image.Image]:
    """The image or the label map to translate and, if that is a half, the other one.

    Raises what Pillow does, and ValueError.
    """
    asked, *other = input_and_target(open_image(path), opt.half)
    images = [as_input(asked, mode, label_classes), *(to_mode(image, "RGB") for image in other)]
    if opt.size is not None:
        size = image_size(opt.size, "--size")[::-1]
        kinds = [label_classes, *[None] * (len(images) - 1)]
        images = [image.resize(size, resampling(kind)) for image, kind in zip(images, kinds)]
    return images


def found_beside(opt: Options, images: dict[Path, Path]) -> dict[Path, list[Path]]:
    """For each image those of its name in the folders of --beside; UserError if one has none."""
    if opt.beside is None:
        return {path: [] for path in images}
    if not opt.compare:
        raise UserError("--beside is about what --compare puts side by side; give that, too")
    folders = {folder: by_name(folder) for folder in opt.beside.split(",")}
    found = {}
    for path, target in images.items():
        name = target.relative_to(opt.output).with_suffix("")
        for folder, within in folders.items():
            if name not in within:
                raise UserError(f"--beside: there is no image {name} in {folder} to put beside {path}")
        found[path] = [within[name] for within in folders.values()]
    return found


def side_by_side(*pixels: np.ndarray) -> np.ndarray:
    """Pixels (H, W) or (H, W, 3) in a row; grey ones become coloured beside coloured ones."""
    coloured = any(each.ndim == 3 for each in pixels)
    return np.concatenate([np.stack([each] * 3, axis=2) if coloured and each.ndim == 2 else each for each in pixels], 1)


def check(opt: Options, given: dict) -> dict[Path, Path]:
    """The images to translate, each with the file to write (see `find`)."""
    if opt.size is not None and max(image_size(opt.size, "--size")) > LARGEST_SIDE:
        raise UserError(f"--size {opt.size} is too large; at most {LARGEST_SIDE} is possible")
    output = Path(opt.output)
    if output.suffix in SUFFIXES:
        raise UserError(f"--output is the folder to write into; {output} looks like an image")
    images = find(opt.inputs, output)
    weights = require_weights(opt.weights)
    header = load_header(weights)
    idle = IDLE.get(header.get("model"), set())
    if header.get("model") == "spade.Generator" and header["options"].get("latent_dim") is None:
        idle = idle | {"seed"}  # it draws nothing at random
    for name in sorted(idle & given.keys()):
        raise UserError(f"--{name} means nothing to the generator in {weights}; leave it out")
    if opt.half is not None and header.get("direction") == {"a": "b2a", "b": "a2b"}[opt.half]:
        raise UserError(f"{weights} was trained by {header['direction']} to translate the other half; change --half")
    found_beside(opt, images)
    return images


def draw(opt: Options, images: dict[Path, Path]) -> int:
    set_device(opt.device)
    from jgan.inference.translators import label_classes, load_translator, shown, translate

    generator = load_translator(
        opt.weights, direction=opt.direction, running_statistics=opt.running_statistics, dropout=not opt.no_dropout
    )
    n_classes, beside, failures = label_classes(generator), found_beside(opt, images), 0
    for path, target in tqdm(images.items(), "translating", mininterval=1, disable=not sys.stderr.isatty()):
        try:
            image, *others = read(path, opt, "L" if generator.in_channels == 1 else "RGB", n_classes)
            others += [to_mode(open_image(each), "RGB").resize(image.size, BICUBIC) for each in beside[path]]
        except Exception as error:  # Pillow's decoders raise whatever they stumble over
            failures += 1
            tqdm.write(f"left out {path}: {error}", file=sys.stderr)
            continue
        seed_jittor(opt.seed, "translate")
        translated = translate(generator, image)
        if opt.compare:
            translated = side_by_side(shown(image, n_classes), translated, *map(np.asarray, others))
        make_folder(target.parent)
        save_png(target, translated)
    n_written = len(images) - failures
    if n_written:
        print(f"wrote {n_written} image{'s' * (n_written != 1)} into {opt.output}")
    if failures:
        raise UserError(f"{failures} of {len(images)} images could not be used; they are named above")
    return 0


if __name__ == "__main__":
    run_program(Options, __doc__, check, draw)
