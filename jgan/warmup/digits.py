"""A string of digits -> the warm-up's submission: one row of generated digits, and the archive to upload."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from jgan.errors import UserError
from jgan.files import write_bytes
from jgan.images import strip
from jgan.random import normal, rng

SIZE = 32  # height of the submission, and width of each of its digits, in pixels


def parse_digits(text: str) -> np.ndarray:
    """The digits of a string, leading zeros kept: int32 (len(text),).

    Raises UserError unless it is one or more of the ten ASCII digits. The error names the character at fault and not
    the text, which is somebody's phone number.
    """
    if not text:
        raise UserError("the number is empty; give the digits to draw, such as 13800138000")
    for position, character in enumerate(text, start=1):
        if character not in "0123456789":
            raise UserError(
                f"character {position} of the number is {character!r} (U+{ord(character):04X}); "
                "only the digits 0 to 9 can be drawn, without spaces, signs or country code"
            )
    return np.array([int(character) for character in text], np.int32)


def draw_digits(generator, digits: np.ndarray, *, seed: int) -> np.ndarray:
    """Draw the digits side by side with a conditional generator in evaluation mode: uint8 (32, 32 * len(digits)).

    The noise of each place depends on (seed, place) alone. Raises UserError unless the generator draws one-channel
    32x32 images of at least ten classes, and ValueError if there are no digits.
    """
    if len(digits) == 0:
        raise ValueError("there are no digits to draw")
    if generator.img_shape != (1, SIZE, SIZE) or generator.n_classes < 10:
        raise UserError(
            f"these weights draw {generator.n_classes} classes of images of the shape {generator.img_shape}; "
            f"the submission wants ten digits of the shape {(1, SIZE, SIZE)}"
        )
    import jittor as jt

    z = np.concatenate([normal(rng(seed, "digit", place), 1, generator.latent_dim) for place in range(len(digits))])
    return strip(generator(jt.array(z), digits))


def write_archive(path: str | Path, png: bytes, program: str) -> None:
    """Write the archive to upload: result/result.png and result/CGAN.py. Equal contents give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("result/result.png", png), ("result/CGAN.py", program.encode())):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    write_bytes(path, buffer.getvalue())
