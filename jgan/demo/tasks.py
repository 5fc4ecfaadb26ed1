"""What the demo computes: each task with its options, what is checked of them without Jittor, and the work.

`check(options, upload)` raises UserError for a mistake that shows at once; what it returns is given to
`work(options, checked, files)`, which may raise it, too, and returns what JSON can hold and the bytes of files.
"""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Callable, NamedTuple, Optional

import numpy as np
from PIL import Image, UnidentifiedImageError

from jgan.cli.digits import JUDGE, DigitOptions, draw_and_read
from jgan.cli.labels import asked_label, asked_labels
from jgan.cli.options import LARGEST, numbers, option
from jgan.data.folder import as_input, decode_image
from jgan.data.label_maps import resampling
from jgan.errors import UserError
from jgan.images import encode_png, from_pixels, grid, strip
from jgan.inference.latent import in_square, square
from jgan.warmup import PROGRAM
from jgan.warmup.archive import archive_bytes
from jgan.warmup.digits import parse_digits, percent

MOST_DIGITS = 2000  # of a number with all candidates
MOST_IMAGES = 400  # on a sheet
SQUARE = 7  # images on a side of the square's background
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # of uploads, as Pillow calls them
MOST_PIXELS = 50_000_000  # of an upload, before it is made smaller


@dataclasses.dataclass
class Number(DigitOptions):
    weights: str = option("cgan_mnist", "a generator of digits")


def check_number(opt: Number, upload: bytes) -> np.ndarray:
    """The digits."""
    require_few(len(opt.number) * opt.candidates, MOST_DIGITS, "digits, all candidates counted,")
    return parse_digits(opt.number)


def draw_number(opt: Number, digits: np.ndarray, files: dict[str, Path]) -> dict:
    pixels, reading = draw_and_read(opt, digits, weights=files[opt.weights], judge=JUDGE)
    png = encode_png(strip(from_pixels(pixels)))
    return {
        "image": png,
        "archive": archive_bytes(png, PROGRAM.read_text(encoding="utf-8")),
        "readings": [
            {"digit": int(digit), "label": int(label), "percent": percent(confidence)}
            for digit, label, confidence in zip(digits, reading.labels, reading.confidence)
        ],
    }


@dataclasses.dataclass
class Samples:
    weights: str = option("cgan_mnist", "a generator that draws")
    seeds: str = option("0-9", "of the images")
    labels: Optional[str] = option(None, "classes of each seed; else all")


def check_samples(opt: Samples, upload: bytes) -> list[int]:
    """The seeds."""
    return numbers(opt.seeds, "--seeds")


def draw_samples(opt: Samples, seeds: list[int], files: dict[str, Path]) -> dict:
    from jgan.inference.generators import draw_seeds, load_generator, sheet_columns

    generator = load_generator(files[opt.weights])
    labels = asked_labels(opt.labels, generator.classes, opt.weights, "--labels")
    require_few(len(seeds) * len(labels or [None]), MOST_IMAGES, "images")
    images = draw_seeds(generator, seeds, labels)
    return {"image": encode_png(grid(images, columns=sheet_columns(len(seeds), labels)))}


@dataclasses.dataclass
class Square:
    weights: str = option("dcgan_faces_64", "a generator that draws")
    seed_a: int = option(0, "of the top left corner", least=0, most=LARGEST)
    seed_b: int = option(1, "of the bottom right corner", least=0, most=LARGEST)
    label: Optional[str] = option(None, "the class of a conditional generator; else the first")


def draw_square(opt: Square, checked, files: dict[str, Path]) -> dict:
    return {"image": _draw_latents(opt, files, lambda a, b: square(a, b, SQUARE), columns=SQUARE)}


@dataclasses.dataclass
class Place(Square):
    x: float = option(0.5, "from the left", least=0, most=1)
    y: float = option(0.5, "from the top", least=0, most=1)


def draw_place(opt: Place, checked, files: dict[str, Path]) -> dict:
    at = np.array([opt.x]), np.array([opt.y])
    return {"image": _draw_latents(opt, files, lambda a, b: in_square(a, b, *at), columns=1)}


def _draw_latents(opt: Square, files: dict[str, Path], points: Callable, *, columns: int) -> bytes:
    """A PNG of the images at points(a, b), without padding."""
    from jgan.inference.generators import draw, latents, load_generator

    generator = load_generator(files[opt.weights])
    z = points(*latents(generator, [opt.seed_a, opt.seed_b]))
    label = asked_label(opt.label, generator.classes, opt.weights, "--label")
    images = draw(generator, z, None if label is None else np.full(len(z), label))
    return encode_png(grid(images, columns=columns, padding=0))


@dataclasses.dataclass
class Translation:
    weights: str = option("cyclegan_monet_128", "a generator that translates")
    direction: str = option("a2b", "of CycleGAN's two", choices=("a2b", "b2a"))
    longest: int = option(256, "pixels on the longer side; a larger image is made smaller", least=1, most=1024)
    seed: int = option(0, "of the dropout or the noise", least=0)


def check_translation(opt: Translation, upload: bytes) -> bytes:
    """The upload."""
    if not upload:
        raise UserError("there is no image to translate; choose one")
    return upload


def translate_upload(opt: Translation, upload: bytes, files: dict[str, Path]) -> dict:
    from jgan.inference.translators import label_classes, load_translator, shown, translate
    from jgan.jittor_setup.runtime import seed_jittor

    generator = load_translator(files[opt.weights], direction=opt.direction)
    n_classes = label_classes(generator)
    image = read_upload(upload, "L" if generator.in_channels == 1 else "RGB", n_classes)
    image.thumbnail((opt.longest, opt.longest), resampling(n_classes))
    seed_jittor(opt.seed, "translate")
    return {"input": encode_png(shown(image, n_classes)), "image": encode_png(translate(generator, image))}


def read_upload(upload: bytes, mode: str, label_classes: int | None = None) -> Image.Image:
    """The image of an upload, or its label map of so many classes.

    UserError for none, for a broken one, and for more pixels than MOST_PIXELS.
    """
    try:
        return as_input(decode_image(io.BytesIO(upload), formats=FORMATS, most_pixels=MOST_PIXELS), mode, label_classes)
    except UnidentifiedImageError:
        raise UserError("this is no image that can be read; JPEG, PNG, WebP, BMP and TIFF can be") from None
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise UserError(f"this image cannot be used: {error}") from None


class Task(NamedTuple):
    """See above."""

    options: type
    check: Callable
    work: Callable


TASKS = {
    "number": Task(Number, check_number, draw_number),
    "samples": Task(Samples, check_samples, draw_samples),
    "square": Task(Square, lambda opt, upload: None, draw_square),
    "place": Task(Place, lambda opt, upload: None, draw_place),
    "translation": Task(Translation, check_translation, translate_upload),
}


def require_few(n: int, most: int, what: str) -> None:
    """UserError if the demo is asked for more than it draws at once."""
    if n > most:
        raise UserError(f"{n} {what} are too many for the demo; it draws up to {most} at once")
