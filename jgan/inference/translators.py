"""Any generator that translates images, from its file alone, for images of any size."""

from __future__ import annotations

from pathlib import Path

import jittor as jt
import numpy as np
from jittor import nn
from PIL import Image

from jgan import memory
from jgan.data.dataset import encoded
from jgan.data.label_maps import distinct_palette
from jgan.errors import UserError
from jgan.images import to_pixels
from jgan.layers import BatchNorm, untracked
from jgan.models import cyclegan, rebuildable_classes
from jgan.weights.networks import load_network


def load_translator(
    path: str | Path, *, direction: str = "a2b", running_statistics: bool = False, dropout: bool = True
):
    """The generator of a file that train_pix2pix.py or train_cyclegan.py wrote; UserError if it holds none.

    direction: of CycleGAN's two. A Pix2Pix generator normalises by the image's own statistics and keeps its dropout, as
    in the paper (Isola et al. 2017, section 3.4), unless it is told otherwise; SPADE's normalises likewise, and
    CycleGAN's has neither choice.
    """
    network = load_network(path, *translating_classes())
    if isinstance(network, cyclegan.Generators):
        return {"a2b": network.a2b, "b2a": network.b2a}[direction]
    for module in network.modules():
        if isinstance(module, BatchNorm):
            module.is_train = not running_statistics
        elif isinstance(module, nn.Dropout):
            module.is_train = dropout
    return network


def label_classes(generator) -> int | None:
    """Of how many classes the label maps are that the generator takes; None for one that takes images."""
    return getattr(generator, "label_classes", None)


def shown(image: Image.Image, label_classes: int | None) -> np.ndarray:
    """What is translated, as pixels uint8 (H, W) or (H, W, 3); a label map in colours."""
    pixels = np.asarray(image)
    if label_classes is None:
        return pixels
    return distinct_palette(label_classes).coloured(pixels[None]).transpose(1, 2, 0)


def translating_classes() -> list:
    """The networks that translate images, of those that a weights file can rebuild."""
    others = ("draw_z", "features")  # by which networks draw from noise, or judge
    return [each for each in rebuildable_classes() if not any(hasattr(each, name) for name in others)]


def translate(generator, image: Image.Image) -> np.ndarray:
    """The translation of an image of any size, as large as it is: pixels, uint8 (H, W) or (H, W, 3).

    image: in the mode "L" for a generator of one channel or of label maps, else "RGB". It is mirrored at its right and
    lower border up to a multiple of the generator's stride that is not below its `smallest`. Raises UserError if not
    even the image and its translation fit into memory, or if the generator draws images of another size only.
    """
    memory.require(
        4 * (3 + generator.in_channels) * image.width * image.height,
        f"an image of {image.width} x {image.height} and its translation",
    )
    only = getattr(generator, "img_shape", None)
    if only not in (None, (image.height, image.width)):
        raise UserError(
            f"a generator that begins with noise draws images of {only[1]}x{only[0]} alone, and was given one of "
            f"{image.width}x{image.height}; resize it first"
        )
    pixels = np.asarray(image).reshape((image.height, image.width, -1))
    margins = [(0, max(generator.smallest - side, -side % generator.stride)) for side in (image.height, image.width)]
    padded = np.pad(pixels, [*margins, (0, 0)], mode="reflect" if min(pixels.shape[:2]) > 1 else "edge")
    with untracked(generator), jt.no_grad():
        translated = generator(jt.array(encoded(padded.transpose(2, 0, 1)[None], label_classes(generator))))
    translated = to_pixels(translated)[0, :, : image.height, : image.width].transpose(1, 2, 0)
    return translated[:, :, 0] if translated.shape[2] == 1 else translated
