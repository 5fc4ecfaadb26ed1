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
from options import option, run_program
from training import begin, fingerprint, launch, require_outside
from translation import TranslationOptions, cropped, first, one_folder, table

from jgan import runtime
from jgan.data.batches import Batches
from jgan.data.folder import load_folder
from jgan.errors import UserError
from jgan.latent import rng
from jgan.pool import ImagePool

N_SAMPLES = 4


@dataclasses.dataclass
class Options(TranslationOptions):
    data_dir: Optional[str] = option(None, "folder with trainA/ and trainB/ in it")
    strict: bool = option(False, "stop at an image that cannot be decoded, instead of leaving it out")
    img_size: int = option(256, "height and width of the images, a multiple of 8", least=24)
    channels: int = option(3, "channels of the images", choices=(1, 3))
    arch: str = option(
        "resnet", "the generators: resnet, the paper's; conv, plainer, with BatchNorm", choices=("resnet", "conv")
    )
    upsample: str = option(
        "deconv", "how they enlarge: transposed convolution, or resizing", choices=("deconv", "resize")
    )
    n_blocks: Optional[int] = option(None, "residual blocks; else 9 from 256x256 on, 6 below and for conv", least=1)
    lambda_cycle: float = option(10.0, "weight of the way there and back", least=0)
    lambda_identity: float = option(
        0.5, "weight of leaving alone what is of the domain, as a share of lambda_cycle", least=0
    )
    pool_size: int = option(50, "older images that each discriminator is shown again", least=0)

    def __post_init__(self):
        super().__post_init__()
        if self.n_blocks is None:
            self.n_blocks = 9 if self.img_size >= 256 and self.arch == "resnet" else 6


def load(opt: Options) -> list[np.ndarray]:
    """The images of A and of B as pixels: uint8 (N, channels, S, S), S being larger than img_size for the jitter."""
    if opt.img_size % 8:
        raise UserError(f"--img_size must be a multiple of 8, not {opt.img_size}")
    if one_folder(opt, "give the images as --data_dir with trainA/ and trainB/, or as --dir_a and --dir_b"):
        folders = [os.path.join(opt.data_dir, name) for name in ("trainA", "trainB")]
        if not all(map(os.path.isdir, folders)):
            raise UserError(
                f"{opt.data_dir} does not hold trainA/ and trainB/; give two folders as --dir_a and --dir_b"
            )
    else:
        folders = [opt.dir_a, opt.dir_b]
    for folder in folders:
        require_outside(opt, folder)
    return [load_folder(each, size=opt.loaded_size, channels=opt.channels, strict=opt.strict) for each in folders]


def main(opt: Options, given: dict) -> int:
    run, opt, resume = begin(opt, given)
    pixels_a, pixels_b = load(opt)
    batches_a = Batches(len(pixels_a), batch_size=opt.batch_size, seed=opt.seed)
    batches_b = Batches(len(pixels_b), batch_size=opt.batch_size, seed=opt.seed, purpose="shuffle b")
    n_steps, decay_step = batches_a.steps(opt.n_epochs), batches_a.steps(opt.decay_epoch)

    # Only now: the first import of Jittor takes minutes, and every mistake above should show before.
    import jittor as jt

    from jgan.checkpoint import save_network
    from jgan.layers import InstanceNorm, evaluating
    from jgan.models.cyclegan import Generators
    from jgan.models.pix2pix import PatchDiscriminator
    from jgan.optimizers import adam, decayed
    from jgan.steps import cyclegan_step

    runtime.set_device(opt.device)
    runtime.seed_jittor(opt.seed, "weights")
    sizes = {name: getattr(opt, name) for name in ("arch", "channels", "conv_dim", "n_blocks", "upsample")}
    generators = Generators(**sizes)
    discriminator_a, discriminator_b = (
        PatchDiscriminator(in_channels=opt.channels, conv_dim=opt.conv_dim, norm=InstanceNorm) for _ in "ab"
    )
    optimizer_g = adam(generators, lr=opt.lr, b1=opt.b1, b2=opt.b2)
    optimizer_d = adam(discriminator_a, discriminator_b, lr=opt.lr, b1=opt.b1, b2=opt.b2)
    pool_a, pool_b = ImagePool(opt.pool_size), ImagePool(opt.pool_size)

    def step(i: int) -> dict:
        random = rng(opt.seed, "noise", i)
        (a,), (b,) = cropped(opt, random, pixels_a[batches_a.at(i)]), cropped(opt, random, pixels_b[batches_b.at(i)])
        optimizer_g.lr = optimizer_d.lr = decayed(opt.lr, i, n_steps=n_steps, decay_step=decay_step)
        return cyclegan_step(
            generators.a2b, generators.b2a, discriminator_a, discriminator_b, optimizer_g, optimizer_d,
            a=jt.array(a), b=jt.array(b),
            exchange_a=lambda images: jt.array(pool_a.exchange(images.numpy(), random)),
            exchange_b=lambda images: jt.array(pool_b.exchange(images.numpy(), random)),
            lambda_cycle=opt.lambda_cycle, lambda_identity=opt.lambda_identity,
        )  # fmt: skip

    a, b = (first(N_SAMPLES, pixels, opt.img_size) for pixels in (pixels_a, pixels_b))

    def there_and_back(images, there, back) -> list[np.ndarray]:
        """The images, their translations, and what those are translated back into."""
        translated = [there(jt.array(image[None])) for image in images]
        return [images, [image.numpy()[0] for image in translated], [back(image).numpy()[0] for image in translated]]

    def draw() -> np.ndarray:
        """Rows of A, its translation, the way back; B, its translation, the way back."""
        with evaluating(generators):
            return table(
                *there_and_back(a, generators.a2b, generators.b2a),
                *there_and_back(b, generators.b2a, generators.a2b),
            )

    def export(path) -> None:
        save_network(path, generators, model="cyclegan.Generators", options=sizes)

    return launch(
        run,
        opt,
        resume=resume,
        data=fingerprint(pixels_a, pixels_b),
        real=table(a, b),
        batches=batches_a,
        networks={"generators": generators, "discriminator_a": discriminator_a, "discriminator_b": discriminator_b},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        pools={"pool_a": pool_a, "pool_b": pool_b},
        step=step,
        draw=draw,
        export=export,
    )


if __name__ == "__main__":
    run_program(main, Options, __doc__)
