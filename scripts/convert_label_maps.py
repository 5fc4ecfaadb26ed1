"""Turn colour-coded label maps into classes, grey images whose values are the numbers of classes, and back.

python scripts/convert_label_maps.py coloured classes --palette scripts/palettes/facades.txt
python scripts/convert_label_maps.py facades/train classes/train --half b --palette scripts/palettes/facades.txt
python scripts/convert_label_maps.py classes coloured --to colours --palette scripts/palettes/facades.txt

With --half the input is pairs side by side, and the output A/ and B/, as train_pix2pix.py takes them. A palette is a
text file, a line "red green blue name" for each class from 0 on. Colours that are not in it, as JPEG makes them, become
the class of the nearest that is.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from pathlib import Path
from typing import Optional

import numpy as np
from PIL import Image
from tqdm import tqdm

from jgan.cli.options import option
from jgan.cli.program import run_program
from jgan.data.folder import image_paths, open_image, to_mode
from jgan.data.label_maps import Palette, load_palette, to_label_map
from jgan.data.paired import input_and_target
from jgan.errors import UserError
from jgan.files import make_folder, making_folder
from jgan.images import save_png

FAR = 48  # from every colour, as a Euclidean distance of red, green and blue: more than JPEG moves most pixels
MOST_FAR = 0.5  # of the pixels of a label map


@dataclasses.dataclass
class Options:
    input: str = option(help="folder of label maps, or of pairs side by side with --half")
    output: str = option(help="the folder to make, with each image by its name as PNG")
    palette: Optional[str] = option(None, "classes and colours, a text file such as scripts/palettes/facades.txt")
    half: Optional[str] = option(
        None, "which half is the label map; A/ and B/ in the output are those of the pairs", choices=("a", "b")
    )
    to: str = option("classes", "what to turn them into", choices=("classes", "colours"))


def main(opt: Options, given: dict) -> int:
    if opt.palette is None:
        raise UserError("give the classes and their colours as --palette, such as scripts/palettes/facades.txt")
    if opt.half is not None and opt.to == "colours":
        raise UserError("--half is about pairs of coloured label maps; leave it out with --to colours")
    palette = load_palette(opt.palette)
    paths = image_paths(opt.input)
    names = [path.relative_to(opt.input).with_suffix(".png") for path in paths]
    n_of_name = Counter(names)
    for path, name in zip(paths, names):
        if n_of_name[name] > 1:
            raise UserError(f"{path} and another image of its name would both be written as {name}; rename one")
    with making_folder(opt.output) as output:
        label_maps = output if opt.half is None else output / opt.half.upper()
        for path, name in tqdm(list(zip(paths, names)), "converting", mininterval=1, disable=not sys.stderr.isatty()):
            try:
                image, *other = input_and_target(open_image(path), opt.half)
                pixels = classes_of(image, palette) if opt.to == "classes" else coloured(image, palette)
            except Exception as error:  # Pillow's decoders raise whatever they stumble over
                raise UserError(f"{path} cannot be used: {error}") from None
            write(label_maps / name, pixels)
            if other:
                write(output / "BA"["ab".index(opt.half)] / name, np.asarray(to_mode(other[0], "RGB")))
    print(f"wrote {len(paths)} label map{'s' * (len(paths) != 1)} of {len(palette.names)} classes into {opt.output}")
    return 0


def classes_of(image: Image.Image, palette: Palette) -> np.ndarray:
    """The classes of a coloured label map, uint8 (H, W); ValueError for an image that has other colours."""
    pixels = np.asarray(to_mode(image, "RGB"))
    classes = palette.nearest(pixels)
    away = np.linalg.norm(pixels - palette.colours[classes].astype(np.float64), axis=2)
    far = np.mean(away > FAR)
    if far > MOST_FAR:
        raise ValueError(f"{far:.0%} of its pixels have no colour near one of the palette; is it a label map?")
    return classes


def coloured(image: Image.Image, palette: Palette) -> np.ndarray:
    """A label map in colours, uint8 (H, W, 3)."""
    return palette.coloured(np.asarray(to_label_map(image, len(palette.names)))[None]).transpose(1, 2, 0)


def write(path: Path, pixels: np.ndarray) -> None:
    make_folder(path.parent)
    save_png(path, pixels)


if __name__ == "__main__":
    run_program(Options, __doc__, main)
