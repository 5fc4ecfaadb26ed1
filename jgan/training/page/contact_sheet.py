"""The samples of several runs as one image: a row for each run, a column for each step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jgan.errors import UserError
from jgan.images import save_png
from jgan.training.page.comparison import frames, names
from jgan.training.run import Run

GAP = 16  # pixels between samples
TEXT = 20  # height of the letters
LINE = 32  # height of a line of text


def save_contact_sheet(png: Path, runs: list[Run], *, columns: int) -> None:
    """Write the sheet: up to so many columns, spread evenly over the steps that the runs share; then their last ones.

    A sample is as large as in its file. Raises UserError if a run has no sample, or one that cannot be read.
    """
    for run in runs:
        if not run.drawn():
            raise UserError(f"{run.folder} has drawn no sample yet for a contact sheet; wait, or leave it out")
    *before, last = frames(runs)
    shared = [*(frame for frame in before if len({path.stem for path in frame}) == 1), last]
    places = np.linspace(len(shared) - 1, 0, min(columns, len(shared)))[::-1]
    kept = [shared[round(place)] for place in places]
    try:
        sheets = [[Image.open(path).convert("RGB") for path in row] for row in zip(*kept)]
    except OSError as error:
        raise UserError(f"a sample cannot be read ({error}); remove it") from None
    widths = [max(column.width for column in each) for each in zip(*sheets)]
    heights = [max(image.height for image in row) for row in sheets]
    size = (GAP + sum(width + GAP for width in widths), GAP + sum(LINE + height + GAP for height in heights))
    page = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(TEXT)
    top = GAP
    for name, row, paths, height in zip(names(runs), sheets, zip(*kept), heights):
        left = GAP
        for image, path, width in zip(row, paths, widths):
            text = f"{name}, step {int(path.stem):,}" if left == GAP else f"step {int(path.stem):,}"
            pen.text((left, top), text, "black", font)
            page.paste(image, (left, top + LINE))
            left += width + GAP
        top += LINE + height + GAP
    save_png(png, np.asarray(page))
