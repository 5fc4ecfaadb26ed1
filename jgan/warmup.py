"""The warm-up as one function: train the conditional GAN and draw a number. `jgan.bundle` makes CGAN.py from it.

It trains what scripts/train_cgan.py trains, with its defaults and, without its kernels (JGAN_KERNELS=0), bit for bit,
but without its conveniences.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import sys
import time

import jittor as jt
import numpy as np

from jgan.checkpoint import network_arrays, restore_network
from jgan.data.batches import Batches
from jgan.data.mnist import load_mnist, resize
from jgan.digits import draw_digits, parse_digits
from jgan.errors import UserError
from jgan.files import replacing
from jgan.images import from_pixels, require_png_path, save_png
from jgan.importing import prepare
from jgan.latent import normal, rng
from jgan.models.cgan import Discriminator, Generator
from jgan.optimizers import adam
from jgan.runtime import seed_jittor
from jgan.steps import cgan_step
from jgan.stop import StopRequest, in_words, say


def ready() -> None:
    """Import Jittor, or end the program with the sentence that says why it cannot be."""
    prepare()
    in_words(importlib.import_module, "jittor")


def train_generator(*, n_epochs: int, max_steps: int, seed: int, data_dir: str | None, stop: StopRequest) -> Generator:
    """A generator trained on MNIST at 32x32 in batches of 64, by Adam at 2e-4 with betas 0.5 and 0.999."""
    pixels, digits = load_mnist("train", data_dir=data_dir)
    pixels = resize(pixels, 32)
    batches = Batches(len(pixels), batch_size=64, seed=seed)
    seed_jittor(seed, "weights")
    generator, discriminator = Generator(), Discriminator()
    optimizer_g = adam(generator, lr=2e-4, b1=0.5, b2=0.999)
    optimizer_d = adam(discriminator, lr=2e-4, b1=0.5, b2=0.999)
    n_steps = min(batches.steps(n_epochs), max_steps)
    start = time.time()
    for i in range(n_steps):
        seed_jittor(seed, "step", i)
        chosen = batches.at(i)
        random = rng(seed, "noise", i)
        losses = cgan_step(
            generator,
            discriminator,
            optimizer_g,
            optimizer_d,
            real=jt.array(from_pixels(pixels[chosen])),
            labels=digits[chosen],
            z=jt.array(normal(random, 64, 100)),
            fake_labels=random.integers(0, 10, 64),
        )
        g_loss, d_loss = losses["g_loss"].item(), losses["d_loss"].item()
        if not (math.isfinite(g_loss) and math.isfinite(d_loss)):
            raise UserError(f"a loss is no longer finite at step {i + 1}: g_loss {g_loss}, d_loss {d_loss}")
        if stop.signal:
            break
        if i % 100 == 0 or i == n_steps - 1:
            say(f"step {i + 1}/{n_steps}  g_loss {g_loss:.3f}  d_loss {d_loss:.3f}  {time.time() - start:.0f} s")
    generator.eval()
    return generator


def main() -> None:
    """The command line: a number, drawn by weights given or by a generator trained now."""
    parser = argparse.ArgumentParser(description="Train a conditional GAN on MNIST and draw a number with it.")
    parser.add_argument("number", help="the digits to draw")
    parser.add_argument("--weights", help="draw with this .npz of an earlier training instead of training")
    parser.add_argument("--n_epochs", type=at_least(1), default=100)
    parser.add_argument("--max_steps", type=at_least(1), default=sys.maxsize)
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument("--data_dir", help="folder of MNIST's IDX files, if neither jittor-offline nor Jittor has them")
    parser.add_argument("--output", default="result.png")
    options = parser.parse_args()
    jt.flags.use_cuda = int(bool(jt.has_cuda))
    sys.exit(in_words(draw_number, options))


def draw_number(options: argparse.Namespace) -> int:
    """Get a generator, draw the number with it unless asked to stop, and return the exit status.

    UserError for what the user can mend, before hours of training.
    """
    digits = parse_digits(options.number)
    output = require_png_path(options.output)
    if options.weights is not None:
        generator = load_generator(options.weights)
    else:
        if os.path.exists("generator.npz"):
            raise UserError(
                "generator.npz exists; draw with it by --weights generator.npz, or move it away to train anew"
            )
        with StopRequest() as stop:
            generator = train_generator(
                n_epochs=options.n_epochs,
                max_steps=options.max_steps,
                seed=options.seed,
                data_dir=options.data_dir,
                stop=stop,
            )
        with replacing("generator.npz") as file:
            np.savez(file, **network_arrays(generator))
        if stop.signal:
            say("stopped, and wrote generator.npz as it is by now; draw with it by --weights generator.npz")
            return 128 + stop.signal
        say("wrote generator.npz")
    save_png(output, draw_digits(generator, digits, seed=options.seed))
    print(f"wrote {output}")
    return 0


def load_generator(path: str) -> Generator:
    """The generator of an .npz file that an earlier training wrote; UserError if it is none."""
    try:
        with np.load(path) as file:
            arrays = dict(file)
    except Exception as error:  # numpy and zipfile raise whatever they stumble over
        raise UserError(f"{path} is not a file of weights as this program writes them ({error})") from None
    generator = Generator()
    restore_network(generator, arrays, where=path)
    generator.eval()
    return generator


def at_least(least: int):
    """For argparse: a function that reads a whole number and refuses smaller ones."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is too small; at least {least} is needed")
        return int(text)

    return number
