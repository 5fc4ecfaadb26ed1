"""The samples that a page holds: small copies, and of many samples only some.

They are held in the page, so that it can be moved or sent alone. A run draws hundreds of samples, so that not all of
them can be: the page keeps them evenly spread, and the files in samples/ keep every one as it was drawn.
"""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from pathlib import Path

from PIL import Image

from jgan.training.run import Run

MOST = 64  # samples of a run
BUDGET = 2_500_000  # bytes of all copies on a page; in the page each takes 4/3 as much
LARGEST = 1024  # pixels, height and width of a copy
QUALITY = 85  # of WebP


def run_samples(run: Run) -> dict:
    """{"samples", "real"} of the page of a run.

    "samples" are [{"step", "image"}] in the order of their steps, "real" the real images or None; an image is the URL
    that holds it. Files that cannot be read are left out.
    """
    kept = [path for (path,) in thinned([(path,) for path in run.drawn().values()])]
    samples = [{"step": int(path.stem), "image": image_url(path)} for path in kept]
    return {"samples": [sample for sample in samples if sample["image"]], "real": image_url(run.real)}


def thinned(frames: list[tuple[Path, ...]]) -> list[tuple[Path, ...]]:
    """Every frame, or every 2nd, 4th, 8th and so on from the first, and the last: as many as a page can hold.

    A frame is the samples that are shown together.
    """
    stride = 1
    while True:
        kept = frames[:-1:stride] + frames[-1:]
        if len(kept) <= 2 or (len(kept) <= MOST and _n_bytes(kept) <= BUDGET):
            return kept
        stride *= 2


def _n_bytes(frames: list[tuple[Path, ...]]) -> int:
    return sum(len(image_url(path) or "") * 3 // 4 for path in {path for frame in frames for path in frame})


def image_url(path: Path) -> str | None:
    """A copy of an image as the URL that holds it; None if there is no image that can be read."""
    try:
        status = path.stat()
        return _encoded(path, status.st_mtime_ns, status.st_size)
    except OSError:
        return None


@lru_cache(maxsize=256)  # a page is written often, and only the samples that are new are encoded
def _encoded(path: Path, time: int, size: int) -> str:
    with Image.open(path) as image:
        copy = image.convert("RGB")
    copy.thumbnail((LARGEST, LARGEST))
    file = io.BytesIO()
    copy.save(file, format="WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
