"""What the training programs share: options, the data by its name, the fixed sample, and the start of the loop."""

from __future__ import annotations

import dataclasses
import sys
from typing import Callable, Optional

import numpy as np
from options import TrainOptions, option, resume_command, start

from jgan import images, runtime
from jgan.data.folder import load_folder
from jgan.data.mnist import load_mnist, resize
from jgan.errors import UserError
from jgan.latent import rng
from jgan.run import Run

DATASETS = ("mnist", "fashion_mnist", "folder")
N_SAMPLES, COLUMNS = 64, 8


@dataclasses.dataclass
class ImageOptions(TrainOptions):
    """What a program takes that trains on images without labels."""

    dataset: str = option("folder", "the images to train on; folder: those in --data_dir", choices=DATASETS)
    data_dir: Optional[str] = option(None, "folder of the images (nested as you like), or of a named data set's files")
    strict: bool = option(False, "stop at an image that cannot be decoded, instead of leaving it out")
    latent_dim: int = option(100, "length of the noise vector z", least=1)
    img_size: int = option(64, "height and width of the images", least=8)
    channels: int = option(3, "channels of the images", choices=(1, 3))


def load_pixels(opt: ImageOptions) -> np.ndarray:
    """The training images that the options name: uint8 (N, channels, img_size, img_size)."""
    if opt.dataset == "folder":
        if opt.data_dir is None:
            raise UserError("give the folder of images to train on as --data_dir")
        return load_folder(opt.data_dir, size=opt.img_size, channels=opt.channels, strict=opt.strict)
    pixels, _ = load_mnist("train", data_dir=opt.data_dir, name=opt.dataset)
    return np.repeat(resize(pixels, opt.img_size), opt.channels, axis=1)


def real_grid(pixels: np.ndarray) -> np.ndarray:
    """The first images of the data in the layout of the samples."""
    return images.grid(images.from_pixels(pixels[:N_SAMPLES]), columns=COLUMNS)


def fixed_samples(generator, seed: int) -> Callable[[], np.ndarray]:
    """A function that draws the same latents with the generator as it then is."""
    import jittor as jt

    from jgan.layers import evaluating

    z = jt.array(generator.draw_z(rng(seed, "sample"), N_SAMPLES, generator.latent_dim))

    def draw() -> np.ndarray:
        with evaluating(generator):
            return images.grid(generator(z), columns=COLUMNS)

    return draw


def launch(
    run: Run,
    opt: TrainOptions,
    *,
    resume: bool,
    n_steps: int,
    images_per_step: int,
    real: np.ndarray,  # pixels of real images, for comparison
    networks: dict,
    optimizers: dict,
    step: Callable[[int], dict],
    draw: Callable[[], np.ndarray],
    export: Callable,
) -> int:
    """Make the run directory or resume it, and train. Returns the exit status. For the rest see `jgan.train.train`."""
    from jgan.train import train

    n_steps = min(n_steps, opt.max_steps or sys.maxsize)
    start(run, opt, runtime.versions(), resume=resume, n_steps=n_steps)
    if not resume:
        images.save_png(run.samples / "real.png", real)
    return train(
        run,
        networks=networks,
        optimizers=optimizers,
        step=step,
        draw=draw,
        export=export,
        seed=opt.seed,
        images_per_step=images_per_step,
        n_steps=n_steps,
        sample_interval=opt.sample_interval,
        save_interval=opt.save_interval,
        resume=resume,
        resume_command=resume_command(run, opt),
    )
