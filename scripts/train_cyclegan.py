"""Train CycleGAN on two folders of images that belong to no pairs.

python scripts/train_cyclegan.py --data_dir monet2photo                # with trainA/ and trainB/ in it
python scripts/train_cyclegan.py --dir_a paintings --dir_b photos --img_size 128
python scripts/train_cyclegan.py --resume runs/cyclegan                # resume it
"""

from __future__ import annotations

import dataclasses
import os
from typing import Optional

import numpy as np

from jgan.cli import training, translation
from jgan.cli.options import option
from jgan.data.augment import center_crops
from jgan.data.dataset import Images
from jgan.data.folder import load_folder
from jgan.errors import UserError
from jgan.images import from_pixels, image_table
from jgan.pool import ImagePool
from jgan.processes import share, whole
from jgan.random import rng

N_SAMPLES = 4


@dataclasses.dataclass
class Options(training.AugmentOptions, translation.TranslationOptions):
    data_dir: Optional[str] = option(None, "folder with trainA/ and trainB/ in it")
    val_dir: Optional[str] = option(None, "folder with testA/ and testB/ in it to score by; else --data_dir")
    strict: bool = option(False, "stop at an image that cannot be used, instead of leaving it out")
    img_size: int = option(256, "height and width of the images, a multiple of 8", least=24)
    channels: int = option(3, "channels of the images", choices=(1, 3))
    arch: str = option(
        "resnet",
        "the generators: resnet, the paper's; conv, plainer, with BatchNorm; residual, which draw the details alone",
        choices=("resnet", "conv", "residual"),
    )
    upsample: str = option(
        "deconv", "how they enlarge: transposed convolution, or resizing", choices=("deconv", "resize")
    )
    n_blocks: Optional[int] = option(None, "residual blocks; else 9 from 256x256 on, 6 below and for conv", least=1)
    lambda_cycle: float = option(10.0, "weight of the way there and back", least=0)
    lambda_identity: float = option(0.5, "weight of the identity loss beside lambda_cycle; 0 leaves it out", least=0)
    pool_size: int = option(50, "older images that each discriminator is shown again", least=0)

    def __post_init__(self):
        if self.n_blocks is None:
            self.n_blocks = 9 if self.img_size >= 256 and self.arch != "conv" else 6


def load(opt: Options) -> list[Images]:
    """The images of A and of B, larger than img_size by what the random crops take away; then those to score by."""
    if opt.img_size % 8:
        raise UserError(f"--img_size must be a multiple of 8, not {opt.img_size}")
    sentence = "give the images as --data_dir with trainA/ and trainB/, or as --dir_a and --dir_b"
    if translation.is_one_folder(opt, sentence):
        folders = [os.path.join(opt.data_dir, name) for name in ("trainA", "trainB")]
        if not all(map(os.path.isdir, folders)):
            raise UserError(
                f"{opt.data_dir} does not hold trainA/ and trainB/; give two folders as --dir_a and --dir_b"
            )
    else:
        folders = [opt.dir_a, opt.dir_b]
    for folder in folders:
        training.require_outside(opt, folder)
    how = {"channels": opt.channels, "strict": opt.strict}
    to_score = []
    if opt.evaluate_interval is not None:
        to_score = [os.path.join(opt.val_dir or opt.data_dir or "", name) for name in ("testA", "testB")]
        if not all(map(os.path.isdir, to_score)):
            raise UserError(
                "--evaluate_interval needs images that are not trained on; give a folder with testA/ and testB/ in it "
                "as --val_dir"
            )
        for each in to_score:
            training.require_held_out(opt, each, *folders)
    (loaded_size, _) = opt.loaded((opt.img_size, opt.img_size))
    return [load_folder(each, size=loaded_size, **how) for each in folders] + [
        load_folder(each, size=opt.img_size, **how) for each in to_score
    ]


def train(run, data: list[Images]) -> int:
    import jittor as jt

    from jgan import algorithms
    from jgan.inference import evaluation
    from jgan.layers import evaluating
    from jgan.training import loop

    opt, (data_a, data_b, *to_score) = run.options, data
    cyclegan = algorithms.cyclegan(
        algorithms.framework("jittor"), arch=opt.arch,
        channels=opt.channels, conv_dim=opt.conv_dim, n_blocks=opt.n_blocks, upsample=opt.upsample,
        lr=opt.lr, b1=opt.b1, b2=opt.b2, lambda_cycle=opt.lambda_cycle, lambda_identity=opt.lambda_identity,
    )  # fmt: skip
    size = (opt.img_size, opt.img_size)
    batches_a = training.batches_of(data_a, opt)
    batches_b = training.batches_of(data_b, opt, purpose="shuffle b")
    pool_a, pool_b = ImagePool(opt.pool_size), ImagePool(opt.pool_size)
    augment_a = training.augmentation(opt, data_a, purpose="augment a")
    augment_b = training.augmentation(opt, data_b, purpose="augment b")

    def step(i: int) -> dict:
        random = rng(opt.seed, "noise", i)
        (a,) = translation.crop(opt, size, random, data_a.pixels[batches_a.at(i)])
        (b,) = translation.crop(opt, size, random, data_b.pixels[batches_b.at(i)])
        return cyclegan.step(
            a=jt.array(data_a.encode(a)), b=jt.array(data_b.encode(b)),
            exchange_a=lambda fake: jt.array(share(pool_a.exchange(whole(fake.numpy()), random))),
            exchange_b=lambda fake: jt.array(share(pool_b.exchange(whole(fake.numpy()), random))),
            augment_a=augment_a(i), augment_b=augment_b(i),
        )  # fmt: skip

    a, b = (from_pixels(center_crops(each.pixels[:N_SAMPLES], size)) for each in (data_a, data_b))

    def there_and_back(images, there, back) -> list[np.ndarray]:
        """The images, their translations, and what those are translated back into."""
        translated = [there(jt.array(image[None])) for image in images]
        return [images, [image.numpy()[0] for image in translated], [back(image).numpy()[0] for image in translated]]

    def draw(generators) -> np.ndarray:
        """Rows of A, its translation, the way back; B, its translation, the way back."""
        a2b, b2a = generators.a2b, generators.b2a
        with evaluating(generators):
            return image_table(*there_and_back(a, a2b, b2a), *there_and_back(b, b2a, a2b))

    def score(generators) -> dict:
        """The distance of the translations to their domain, and its mean over both directions first."""
        score_a, score_b = (each.pixels for each in to_score)

        def distance(network, source: np.ndarray, target: np.ndarray) -> float:
            translated = evaluation.translated(network, source, seed=opt.seed)
            return evaluation.sliced_wasserstein(target, translated, seed=opt.seed)["sliced_wasserstein"]

        with evaluating(generators):
            there, back = distance(generators.a2b, score_a, score_b), distance(generators.b2a, score_b, score_a)
        return {
            "sliced_wasserstein": (there + back) / 2, "sliced_wasserstein_a2b": there, "sliced_wasserstein_b2a": back
        }  # fmt: skip

    return loop.train(
        run, batches_a, cyclegan, step=step, draw=draw, real=image_table(a, b),
        pools={"pool_a": pool_a, "pool_b": pool_b}, score=score if to_score else None, facts={"img_size": opt.img_size},
    )  # fmt: skip


if __name__ == "__main__":
    training.run_training(Options, __doc__, load, train)
