"""What the training programs share: options, the run to make or resume, the data by its name, the fixed sample."""

from __future__ import annotations

import dataclasses
import math
import os
import shlex
import sys
import zlib
from pathlib import Path
from typing import Callable, Optional

import numpy as np
from options import option, require_valid

from jgan import images, runtime
from jgan.data.batches import Batches
from jgan.data.folder import load_folder
from jgan.data.mnist import load_mnist, resize
from jgan.errors import UserError
from jgan.latent import rng
from jgan.run import Run
from jgan.train import steps_done, train

DATASETS = ("mnist", "fashion_mnist", "folder")
FOLDERS = ("data_dir", "dir_a", "dir_b")
N_SAMPLES, COLUMNS = 64, 8


def program_name() -> str:
    """The program that was started, such as "train_cgan"."""
    return Path(sys.argv[0]).stem


@dataclasses.dataclass
class TrainOptions:
    """What every training program takes."""

    n_epochs: int = option(100, "how often every image is seen", least=1)
    batch_size: int = option(64, "images in a batch", least=2)
    sample_interval: int = option(1000, "steps between samples", least=1)
    save_interval: int = option(1000, "steps between saved states; the last is always saved", least=1)
    max_steps: Optional[int] = option(None, "end after so many steps in all, whatever n_epochs says", least=1)
    seed: int = option(0, "of weights, noise, order and dropout; the same seed gives the same run", least=0)
    device: str = option("auto", "where to compute; auto is CUDA where there is one", choices=("auto", "cpu", "cuda"))
    data_dir: Optional[str] = option(None, "folder of the data set")
    output: str = option(f"runs/{program_name().partition('_')[2]}", "the run directory to make")
    resume: Optional[str] = option(None, "a run directory to resume, with the options it has")


@dataclasses.dataclass
class AdamOptions:
    """What a training by Adam takes."""

    lr: float = option(0.0002, "learning rate of Adam", above=0)
    b1: float = option(0.5, "decay of Adam's first moment", least=0, below=1)
    b2: float = option(0.999, "decay of Adam's second moment", least=0, below=1)


@dataclasses.dataclass
class ImageOptions(TrainOptions):
    """What a program takes that trains on images without labels."""

    dataset: str = option("folder", "the images to train on; folder: those in --data_dir", choices=DATASETS)
    data_dir: Optional[str] = option(None, "folder of the images (nested as you like), or of a named data set's files")
    strict: bool = option(False, "stop at an image that cannot be decoded, instead of leaving it out")
    latent_dim: int = option(100, "length of the noise vector z", least=1)
    img_size: int = option(64, "height and width of the images", least=8)
    channels: int = option(3, "channels of the images", choices=(1, 3))


def begin(opt, given: dict):
    """(the run of a training program, its options, whether it is one to resume), with nothing made or changed yet.

    The options are those given, or those of the run to resume, which this process holds from now on. Data folders are
    remembered by their absolute paths.
    """
    if int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1)) > 1:
        raise UserError("training on several processes is not supported yet; start it without mpirun, or with -np 1")
    for options in (vars(opt), given):
        options.update({name: os.path.abspath(options[name]) for name in FOLDERS if options.get(name) is not None})
    if "resume" not in given:
        run = Run(opt.output)
        run.require_new()
        return run, opt, False
    run = Run(opt.resume)
    options = run.resume_options(program_name(), given)
    require_valid(options, type(opt), run.config)
    for name in FOLDERS:
        if options.get(name) is not None and not os.path.isdir(options[name]):
            raise UserError(
                f"{run.folder} was trained on {options[name]}, which is not there any more; say where it is as --{name}"
            )
    run.hold()
    return run, type(opt)(**options), True


def require_outside(opt, folder: str) -> None:
    """UserError if the run lies in its folder of images: what it draws would be taken for data when it is resumed."""
    if Path(folder).resolve() in (Path(opt.output).resolve(), *Path(opt.output).resolve().parents):
        raise UserError(
            f"the run {opt.output} would lie among its own training images in {folder}; choose another --output"
        )


def load_pixels(opt: ImageOptions) -> np.ndarray:
    """The training images that the options name: uint8 (N, channels, img_size, img_size), perhaps a read-only view."""
    if opt.dataset == "folder":
        if opt.data_dir is None:
            raise UserError("give the folder of images to train on as --data_dir")
        require_outside(opt, opt.data_dir)
        return load_folder(opt.data_dir, size=opt.img_size, channels=opt.channels, strict=opt.strict)
    if opt.strict:
        raise UserError("--strict is about the images of a folder; leave it out, or give --dataset folder")
    if opt.data_dir is not None and os.path.isdir(opt.data_dir) and not any(Path(opt.data_dir).glob("*-ubyte*")):
        raise UserError(f"{opt.data_dir} holds no file of {opt.dataset}; --dataset folder trains on the images in it")
    pixels, _ = load_mnist("train", data_dir=opt.data_dir, name=opt.dataset)
    pixels = resize(pixels, opt.img_size)
    return np.broadcast_to(pixels, (len(pixels), opt.channels, *pixels.shape[2:]))


def gan_batch(opt: ImageOptions, pixels: np.ndarray, batches: Batches, draw_z, i: int) -> dict:
    """Real images and noise of step i, by the names `jgan.steps.gan_step` gives them."""
    import jittor as jt

    z = draw_z(rng(opt.seed, "noise", i), 2 * opt.batch_size, opt.latent_dim)
    return {
        "real": jt.array(images.from_pixels(pixels[batches.at(i)])),
        "z_d": jt.array(z[: opt.batch_size]),
        "z_g": jt.array(z[opt.batch_size :]),
    }


def wgan_batch(opt: ImageOptions, pixels: np.ndarray, batches: Batches, draw_z, random: np.random.Generator, i: int):
    """Real images and noise of step i, by the names `jgan.steps.wgan_step` gives them: n_critic batches in one."""
    import jittor as jt

    rounds = (opt.n_critic, opt.batch_size)
    return {
        "reals": jt.array(images.from_pixels(pixels[batches.at(i)]).reshape((*rounds, *pixels.shape[1:]))),
        "z_c": jt.array(draw_z(random, math.prod(rounds), opt.latent_dim).reshape((*rounds, opt.latent_dim))),
        "z_g": jt.array(draw_z(random, opt.batch_size, opt.latent_dim)),
    }


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
    data: str,  # the `fingerprint` of the training images; a run is resumed on those it was started on
    real: np.ndarray,  # some of them on a sheet, for comparison
    batches: Batches,  # of which each step takes one
    networks: dict,
    optimizers: dict,
    pools: dict | None = None,
    step: Callable[[int], dict],
    draw: Callable[[], np.ndarray],
    export: Callable,
) -> int:
    """Make the run directory, or note in it that it is resumed, and train (see `jgan.train.train`).

    Returns the exit status; UserError if nothing is left to do, or if the data are others than the run's.
    """
    n_steps = min(batches.steps(opt.n_epochs), opt.max_steps or sys.maxsize)
    session = {**runtime.versions(), "data": data}
    if resume:
        done = steps_done(run)
        if done >= n_steps:
            raise UserError(f"{run.folder} has done {done} of {n_steps} steps; give a larger --max_steps or --n_epochs")
        run.resume(dataclasses.asdict(opt), session)
    else:
        run.create(program_name(), dataclasses.asdict(opt), session)
        images.save_png(run.samples / "real.png", real)
    print(f"training on {session['device']} into {run.folder}")
    return train(
        run,
        networks=networks,
        optimizers=optimizers,
        pools=pools,
        step=step,
        draw=draw,
        export=export,
        seed=opt.seed,
        images_per_step=batches.batch_size,
        n_steps=n_steps,
        sample_interval=opt.sample_interval,
        save_interval=opt.save_interval,
        resume=resume,
        resume_command=resume_command(run, opt),
    )


def launch_images(run: Run, opt: ImageOptions, *, pixels, networks, model: str, options: dict, **how) -> int:
    """`launch` for a generator that draws from noise alone: samples, real images and exported weights are the same.

    model, options: what rebuilds networks["generator"], see `jgan.checkpoint.save_network`; how: the rest for `launch`.
    """
    from jgan.checkpoint import save_network

    generator = networks["generator"]
    return launch(
        run,
        opt,
        data=fingerprint(pixels),
        real=images.grid(images.from_pixels(pixels[:N_SAMPLES]), columns=COLUMNS),
        networks=networks,
        draw=fixed_samples(generator, opt.seed),
        export=lambda path: save_network(path, generator, model=model, options=options),
        **how,
    )


def fingerprint(*arrays: np.ndarray) -> str:
    """The number of images in some arrays and a checksum of all their pixels."""
    checksum = 0
    for array in arrays:
        for part in range(0, len(array), 1000):
            checksum = zlib.crc32(np.ascontiguousarray(array[part : part + 1000]), checksum)
    return f"{' + '.join(str(len(array)) for array in arrays)} images, crc32 {checksum:08x}"


def resume_command(run: Run, opt) -> str:
    """What to type to resume a run that was stopped; its other options are remembered in its directory."""
    words = ["python", sys.argv[0], "--resume", str(run.folder)]
    if opt.max_steps is not None:
        words += ["--max_steps", str(opt.max_steps)]
    return shlex.join(words)
