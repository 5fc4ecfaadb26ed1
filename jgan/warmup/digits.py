"""A string of digits -> the image of the warm-up's submission: one row of generated digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jgan.errors import UserError
from jgan.files import replacing
from jgan.images import to_pixels
from jgan.random import normal, rng

DIGITS = tuple("0123456789")
SIZE = 32  # height of the submission, and width of each of its digits, in pixels


def parse_digits(text: str) -> np.ndarray:
    """The digits of a string, leading zeros kept: int32 (len(text),).

    Raises UserError unless it is one or more of the ten ASCII digits. The error names the character at fault and not
    the text, which is somebody's phone number.
    """
    if not text:
        raise UserError("the number is empty; give the digits to draw, such as 0123456789")
    for position, character in enumerate(text, start=1):
        if character not in DIGITS:
            raise UserError(
                f"character {position} of the number is {character!r} (U+{ord(character):04X}); "
                "only the digits 0 to 9 can be drawn, without spaces, signs or country code"
            )
    return np.array([int(character) for character in text], np.int32)


def draw_digits(generator, digits: np.ndarray, *, seed: int, candidates: int = 1, judge=None) -> np.ndarray:
    """Draw each digit with a conditional generator in evaluation mode: pixels, uint8 (len(digits), 1, 32, 32).

    The noise of each place depends on (seed, place) alone. Of several candidates that one is kept which the judge
    (see `jgan.inference.judges`) reads most surely as the digit; the first candidate is the one that is drawn alone.
    Raises UserError unless the generator draws one-channel 32x32 images of at least ten classes, the first of which
    are called 0 to 9 if they have names, and ValueError if there are no digits.
    """
    if len(digits) == 0:
        raise ValueError("there are no digits to draw")
    if generator.img_shape != (1, SIZE, SIZE) or generator.n_classes < 10:
        raise UserError(
            f"these weights draw {generator.n_classes} classes of images of the shape {generator.img_shape}; "
            f"the submission wants ten digits of the shape {(1, SIZE, SIZE)}"
        )
    names = getattr(generator, "classes", None) or DIGITS
    if tuple(names[:10]) != DIGITS:
        raise UserError(
            f"these weights draw the classes {', '.join(names)}; the submission wants digits, classes called 0 to 9"
        )
    import jittor as jt

    def noise(place: int) -> np.ndarray:
        return normal(rng(seed, "digit", place), candidates, generator.latent_dim)

    if candidates == 1:
        z = np.concatenate([noise(place) for place in range(len(digits))])
        return to_pixels(generator(jt.array(z), digits))
    from jgan.inference.judges import read

    kept = []
    for place, digit in enumerate(digits):
        drawn = to_pixels(generator(jt.array(noise(place)), np.full(candidates, digit)))
        kept.append(drawn[read(judge, drawn).probabilities[:, digit].argmax()])
    return np.stack(kept)


def draw_report(path: str | Path, pixels: np.ndarray, digits: np.ndarray, reading) -> None:
    """Write a PNG of each digit with what a judge reads in it (`jgan.inference.judges.Reading`), red where another."""
    from matplotlib.figure import Figure

    columns = min(7, len(digits))
    rows = -(-len(digits) // columns)
    figure = Figure(figsize=(1.6 * columns, 2 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, image, digit, read, confidence in zip(panels, pixels, digits, reading.labels, reading.confidence):
        axes.imshow(image[0], cmap="gray", vmin=0, vmax=255)
        axes.set_title(
            f"{digit}: read as {read}\n{percent(confidence)}", fontsize=9, color="k" if read == digit else "r"
        )
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=100)


def percent(share: float) -> str:
    """A probability in percent, rounded down, so that only certainty is 100.0%."""
    return f"{np.floor(1000 * share) / 10:.1f}%"
