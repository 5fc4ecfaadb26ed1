"""Show how a training came along: the samples of the same latents, as a strip and as an animation.

python scripts/progress.py runs/dcgan    # writes runs/dcgan/progress.png and runs/dcgan/progress.gif
"""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

from jgan.cli.options import image_size, option
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.images import save_gif, save_png
from jgan.training.run import Run


@dataclasses.dataclass
class Options:
    run: str = option(help="the directory of a run")
    rows: int = option(8, "samples in the strip, spread evenly over the training, one below the other", least=1)
    ms: int = option(200, "milliseconds that each sample is shown in the animation", least=20)


def main(opt: Options, given: dict) -> int:
    run = Run(opt.run)
    drawn = run.drawn()
    if not drawn:
        raise UserError(f"{run.samples} holds no samples; {opt.run} is no run directory, or has drawn none yet")
    try:
        sheets = [np.asarray(Image.open(path)) for path in drawn.values()]
    except OSError as error:
        raise UserError(f"a sample in {run.samples} cannot be read ({error}); remove it") from None
    steps = np.array(list(drawn))
    chosen = [np.abs(steps - step).argmin() for step in np.linspace(steps[-1], steps[0], opt.rows)[::-1]]
    height, _ = image_size(str(run.read_config()["options"]["img_size"]), "img_size")
    height += 2  # an image of the sheet, and the padding above it
    strip = [sheets[i][:height] for i in dict.fromkeys(chosen)]
    save_png(run.folder / "progress.png", np.concatenate([*strip, sheets[0][:2]]))
    save_gif(run.folder / "progress.gif", sheets, ms=opt.ms)
    shown = ", ".join(str(steps[i]) for i in dict.fromkeys(chosen))
    print(f"wrote {run.folder}/progress.png: from top to bottom, steps {shown}")
    print(f"wrote {run.folder}/progress.gif: {len(sheets)} sample{'s' * (len(sheets) != 1)}")
    return 0


if __name__ == "__main__":
    run_program(Options, __doc__, main)
