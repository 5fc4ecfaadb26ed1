"""A convolutional conditional GAN for the Jittor warm-up, in one file: it trains on MNIST and draws a number.

python CGAN.py NUMBER                            # train, write generator.npz, draw result.png
python CGAN.py NUMBER --weights generator.npz    # draw only

Needs jittor, numpy and pillow; the package jittor-offline brings MNIST. It stands alone, and trains bit for bit what
jgan's scripts/train_cgan.py trains with its defaults and JGAN_KERNELS=0.
"""

from __future__ import annotations

import argparse
import atexit
import ctypes
import gzip
import hashlib
import importlib.util
import math
import os
import shutil
import signal
import ssl
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image

N_CLASSES, LATENT_DIM, IMG_SIZE, BATCH_SIZE = 10, 64, 32, 64
WIDTHS = (128, 64, 32)  # channels at 4x4, 8x8 and 16x16
LR, BETAS, EMA_DECAY, LAMBDA_CLASS = 5e-4, (0.0, 0.99), 0.999, 0.03
URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = {  # of MNIST, and the sha256 of what each holds unpacked
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
}


def fail(sentence: str):
    """End the program because of what the user can fix."""
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(2)


# Jittor reads its environment when it is imported, takes over the signals, and starts processes to compile with.

if shutil.which(os.environ.get("cc_path", "g++")) is None:
    fail("Jittor compiles its operators with g++, and there is none; install it (Debian and Ubuntu: apt install g++)")
for name in ("use_mpi", "use_nccl", "use_cutt", "use_cutlass", "FIX_TORCH_ERROR"):
    os.environ.setdefault(name, "0")
os.environ.setdefault("cache_name", "default")
os.environ.setdefault("gdb_path", "")
try:
    ctypes.CDLL("libcuda.so.1")
except OSError:  # no driver: an nvcc that is installed all the same would end Jittor's import
    os.environ.setdefault("nvcc_path", "")
os.environ.setdefault("JPY_PARENT_PID", str(os.getppid()))  # so that Jittor leaves Ctrl-C alone

import jittor as jt  # noqa: E402
import jittor_utils  # noqa: E402
from jittor import nn  # noqa: E402

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
if jittor_utils.pool_size:  # its compiling processes would hang the end of a program that was stopped
    jittor_utils.pool_cleanup()
    jittor_utils.pool_size = 0
    atexit.unregister(jittor_utils.pool_cleanup)


# Networks, after Miyato & Koyama 2018 (arXiv:1802.05637), of DCGAN's 4x4 convolutions (arXiv:1511.06434).


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation with a scale and a shift for each class (Dumoulin et al. 2017, arXiv:1610.07629, eq. 5)."""

    def __init__(self, n: int, *, eps: float = 1e-5, momentum: float = 0.1):
        self.eps = eps
        self.momentum = momentum
        self.weight = jt.ones((N_CLASSES, n))
        self.bias = jt.zeros((N_CLASSES, n))
        self.running_mean = jt.zeros((n,)).stop_grad()
        self.running_var = jt.ones((n,)).stop_grad()

    def execute(self, x, one_hot):
        axes = [0, 2, 3]
        mean, variance = self.running_mean, self.running_var
        if self.is_training():
            mean = x.mean(dims=axes)
            variance = (x - mean.broadcast(x, axes)).sqr().mean(dims=axes)
            n = x.numel() // x.shape[1]
            self.track(mean, variance * (n / (n - 1)))
        gamma, beta = (jt.matmul(one_hot, each) for each in (self.weight, self.bias))
        scale = gamma / jt.sqrt(variance + self.eps)
        return (x - mean.broadcast(x, axes)) * scale.broadcast(x, axes[1:]) + beta.broadcast(x, axes[1:])

    def track(self, mean, variance):
        with jt.no_grad():
            self.running_mean.update(self.running_mean + (mean - self.running_mean) * self.momentum)
            self.running_var.update(self.running_var + (variance - self.running_var) * self.momentum)


class Tanh(jt.Function):
    """The hyperbolic tangent by its own derivative: Jittor's is NaN from |x| = 50 on."""

    def execute(self, x):
        self.y = jt.tanh(x)
        return self.y

    def grad(self, dy):
        return dy * (1 - self.y * self.y)


class SpectralConv(nn.Conv):
    """A convolution whose weight is divided by its largest singular value (Miyato et al. 2018, arXiv:1802.05957)."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__(n_in, n_out, 4, stride=2, padding=1)
        self.tracked = True
        self.running_u = unit(jt.randn((n_out,))).stop_grad()

    def execute(self, x):
        return nn.conv2d(x, normalized(self), self.bias, self.stride, self.padding)


class SpectralLinear(nn.Linear):
    """A linear layer whose weight is divided by its largest singular value."""

    def __init__(self, n_in: int, n_out: int, *, bias: bool = True):
        super().__init__(n_in, n_out, bias=bias)
        self.tracked = True
        self.running_u = unit(jt.randn((n_out,))).stop_grad()

    def execute(self, x):
        y = nn.matmul_transpose(x, normalized(self))
        return y if self.bias is None else y + self.bias


def normalized(layer):
    """The weight by its largest singular value, after one round of power iteration (algorithm 1)."""
    # v = W^T u / |W^T u|,  u = W v / |W v|,  sigma = u^T W v    where u and v count as constants
    matrix = layer.weight.reshape((layer.weight.shape[0], -1))
    constant = matrix.detach()
    v = unit((constant * layer.running_u.unsqueeze(1)).sum(0))
    u = unit((constant * v).sum(1))
    if layer.tracked:
        with jt.no_grad():
            layer.running_u.update(u)
    sigma = (matrix * u.unsqueeze(1) * v).sum()
    return layer.weight / sigma


def unit(vector):
    return vector / jt.maximum(vector.norm(2), 1e-12)


class Generator(nn.Module):
    """z (N, 64), standard normal, and labels (N,) -> images (N, 1, 32, 32) in [-1, 1]."""

    def __init__(self):
        self.project = nn.ConvTranspose(LATENT_DIM, WIDTHS[0], 4, bias=False)
        self.norms = nn.ModuleList([ConditionalBatchNorm(width) for width in WIDTHS])
        self.enlarge = nn.ModuleList(
            [
                nn.ConvTranspose(n_in, n_out, 4, stride=2, padding=1, bias=False)
                for n_in, n_out in zip(WIDTHS, (*WIDTHS[1:], 1))
            ]
        )
        draw_weights(self)

    def execute(self, z, labels):
        classes = one_hot(labels)
        x = self.project(z.reshape((-1, LATENT_DIM, 1, 1)))
        for norm, enlarge in zip(self.norms, self.enlarge):
            x = enlarge(nn.relu(norm(x, classes)))
        return Tanh()(x)


class Discriminator(nn.Module):
    """Images (N, 1, 32, 32) and labels (N,) -> a score (N, 1): linear, plus the features projected on the class.

    And the projections on all classes (N, 10), the logits of which class it is.
    """

    def __init__(self):
        widths = WIDTHS[::-1]
        layers = []
        for n_in, n_out in zip((1, *widths), widths):
            layers += [SpectralConv(n_in, n_out), nn.LeakyReLU(0.2)]
        self.model = nn.Sequential(*layers)
        self.score = SpectralLinear(WIDTHS[0] * 4 * 4, 1)
        self.embedding = SpectralLinear(WIDTHS[0] * 4 * 4, N_CLASSES, bias=False)
        draw_weights(self)

    def execute(self, images, labels):
        # f(x, y) = y^T V phi(x) + psi(phi(x))    (Miyato & Koyama, eq. 3)
        features = self.model(images).reshape((len(labels), -1))
        of_classes = self.embedding(features)
        return (of_classes * one_hot(labels)).sum(1, keepdims=True) + self.score(features), of_classes


def one_hot(labels):
    return (labels.unsqueeze(1) == jt.arange(N_CLASSES)).float32()


def draw_weights(network) -> None:
    """N(0, 0.02) for weights, N(1, 0.02) for the scales of normalisation, biases 0, as DCGAN's authors do."""
    for module in network.modules():
        if isinstance(module, (nn.Conv, nn.ConvTranspose, nn.Linear, ConditionalBatchNorm)):
            jt.init.gauss_(module.weight, 1 if isinstance(module, ConditionalBatchNorm) else 0, 0.02)
            if module.bias is not None:
                jt.init.zero_(module.bias)


def parameters(network) -> list:
    """What the optimizer moves: everything but running statistics."""
    return [var for name, var in network.state_dict().items() if "running_" not in name]


# Training, with the hinge loss (Lim & Ye 2017, arXiv:1705.02894).


def step(generator, discriminator, optimizer_g, optimizer_d, real, labels, z, fake_labels) -> tuple:
    """One update of the generator, then one of the discriminator: (g_loss, d_loss)."""
    # min_G  -E[ D(G(z|y)|y) ]
    fake = generator(z, fake_labels)
    track(discriminator, False)
    g_loss = -discriminator(fake, fake_labels)[0].mean()
    track(discriminator, True)
    optimizer_g.step(g_loss)

    # min_D  1/2 E[ max(0, 1 - D(x|y)) ] + 1/2 E[ max(0, 1 + D(G(z|y)|y)) ]
    #        + LAMBDA_CLASS E[ max_k (l_k + [k != y]) - l_y ] for the logits l of the classes of x
    #                                                         (Kavalerov et al. 2021, arXiv:1912.04216)
    score, of_classes = discriminator(real, labels)
    d_real = nn.relu(1 - score).mean()
    d_fake = nn.relu(1 + discriminator(fake.detach(), fake_labels)[0]).mean()
    d_loss = (d_real + d_fake) / 2
    optimizer_d.step(d_loss + LAMBDA_CLASS * class_margin(of_classes, labels))
    return g_loss, d_loss


def class_margin(logits, labels):
    """Mean of max_k (l_k + [k != y]) - l_y, 0 where the class leads by 1 (Crammer & Singer 2001, JMLR 2, section 3)."""
    classes = one_hot(labels)
    return ((logits + 1 - classes).max(1) - (logits * classes).sum(1)).mean()


def track(network, tracked: bool) -> None:
    """Whether spectral normalisation keeps its vectors: not while another network is updated."""
    for module in network.modules():
        if hasattr(module, "tracked"):
            module.tracked = tracked


def learning_rate(i: int, n_epochs: int, n_images: int) -> float:
    """LR, falling linearly to 0 over the last half of the epochs."""
    n_steps, decay_step = (math.ceil(epochs * n_images / BATCH_SIZE) for epochs in (n_epochs, n_epochs // 2))
    return LR * min(1.0, max(0, n_steps - i) / max(1, n_steps - decay_step))


def average(averaged: list, generator, i: int) -> None:
    """Take the weights after step i into their exponential average (Yazici et al. 2019, arXiv:1806.04498)."""
    decay = min(EMA_DECAY, (1 + i) / (10 + i))
    with jt.no_grad():
        for old, new in zip(averaged, generator.state_dict().values()):
            old.update(old + (new - old) * (1 - decay))


def train(n_epochs: int, max_steps: int, seed: int, data_dir: str | None) -> tuple[Generator, int]:
    """The averaged generator, and the number of the signal that stopped its training early, or 0."""
    images, digits = resized(load("train-images-idx3-ubyte", data_dir)), load("train-labels-idx1-ubyte", data_dir)
    stopped_by = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def stop(number, _):
        if stopped_by:
            raise KeyboardInterrupt
        stopped_by.append(int(number))
        print("\nstopping after this step; once more to stop at once", file=sys.stderr)

    for number, handler in handlers.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, stop)

    reseed(seed, "weights", 0)
    generator, discriminator = Generator(), Discriminator()
    optimizer_g, optimizer_d = (  # Adam as in its paper: Jittor's own adds eps in another place
        nn.AdamW(parameters(network), lr=LR, betas=BETAS, weight_decay=0) for network in (generator, discriminator)
    )
    averaged = Generator()
    averages = list(averaged.state_dict().values())
    for old, new in zip(averages, generator.state_dict().values()):
        old.assign(new.numpy())
        old.stop_grad()
    n_steps = min(math.ceil(n_epochs * len(images) / BATCH_SIZE), max_steps)
    start, order = time.time(), {}
    jt.sync_all()
    for i in range(n_steps):
        reseed(seed, "step", i)
        places = [divmod(position, len(images)) for position in range(i * BATCH_SIZE, (i + 1) * BATCH_SIZE)]
        for epoch in {epoch for epoch, _ in places} - order.keys():
            order[epoch] = rng(seed, "shuffle", epoch).permutation(len(images))
        chosen = np.array([order[epoch][place] for epoch, place in places])
        random = rng(seed, "noise", i)
        z = random.standard_normal((BATCH_SIZE, LATENT_DIM), dtype=np.float32)
        fake_labels = random.integers(0, N_CLASSES, BATCH_SIZE)
        optimizer_g.lr = optimizer_d.lr = learning_rate(i, n_epochs, len(images))
        losses = step(
            generator, discriminator, optimizer_g, optimizer_d,
            jt.array(images[chosen].astype(np.float32) / 127.5 - 1), jt.array(digits[chosen].astype(np.int32)),
            jt.array(z), jt.array(fake_labels.astype(np.int32)),
        )  # fmt: skip
        average(averages, generator, i)
        jt.sync_all()
        g_loss, d_loss = (loss.item() for loss in losses)
        if not (math.isfinite(g_loss) and math.isfinite(d_loss)):
            fail(f"a loss is no longer finite at step {i + 1}: g_loss {g_loss}, d_loss {d_loss}")
        if stopped_by:
            break
        if i % 100 == 0 or i == n_steps - 1:
            seconds = time.time() - start
            print(f"step {i + 1}/{n_steps}  g_loss {g_loss:.3f}  d_loss {d_loss:.3f}  {seconds:.0f} s", file=sys.stderr)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return averaged, stopped_by[0] if stopped_by else 0


def rng(seed: int, purpose: str, index: int) -> np.random.Generator:
    """Random numbers as a pure function of what they are for."""
    return np.random.default_rng([seed, index, *purpose.encode()])


def reseed(seed: int, purpose: str, index: int) -> None:
    """Restart Jittor's own random numbers: initial weights, dropout masks."""
    jt.sync_all()
    jt.set_seed(int(rng(seed, purpose, index).integers(2, 2**31 - 2)))


# Data


def load(name: str, data_dir: str | None) -> np.ndarray:
    """An IDX file of MNIST: magic 0, 0, 8, n_axes; the axes as big-endian int32; unsigned bytes."""
    package = importlib.util.find_spec("jittor_offline")
    cache = Path(os.environ.get("JITTOR_HOME", Path.home()), ".cache", "jittor", "dataset", "mnist_data")
    folders = [*(map(Path, package.submodule_search_locations) if package else ()), cache]
    if data_dir is not None:
        folders = [Path(data_dir)]
    paths = [folder / file for folder in folders for file in (name, f"{name}.gz")]
    path = next(filter(os.path.isfile, paths), None)
    if path is None and data_dir is not None:
        fail(f"{data_dir} holds no {name} and no {name}.gz")
    try:
        content = download(f"{name}.gz") if path is None else path.read_bytes()
        if path is None or path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        fail(f"{path or URL + name + '.gz'} cannot be read ({error}); pip install jittor-offline brings MNIST")
    if hashlib.sha256(content).hexdigest() != FILES[name]:
        fail(f"{path or URL} is not MNIST's {name}; pip install jittor-offline brings it")
    shape = np.frombuffer(content, ">i4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def download(file: str) -> bytes:
    print(f"downloading {URL}{file}", file=sys.stderr)
    context = ssl.create_default_context()  # importing Jittor switches the verification of certificates off
    with urllib.request.urlopen(URL + file, timeout=60, context=context) as response:
        return response.read()


def resized(images: np.ndarray) -> np.ndarray:
    """uint8 (N, 28, 28) -> (N, 1, 32, 32), bilinearly: all rows in one call of Pillow's, then all columns."""

    def rows(images):
        n, height, _ = images.shape
        tall = Image.fromarray(images.reshape((n * height, -1)))
        return np.asarray(tall.resize((IMG_SIZE, n * height), Image.BILINEAR)).reshape((n, height, IMG_SIZE))

    return np.ascontiguousarray(rows(rows(images).swapaxes(1, 2)).swapaxes(1, 2))[:, None]


# The program


def draw(generator: Generator, digits: list[int], seed: int) -> np.ndarray:
    """The digits side by side: uint8 (32, 32 * len(digits)). The noise of each place depends on (seed, place) alone."""
    generator.eval()
    z = [rng(seed, "digit", place).standard_normal((1, LATENT_DIM), dtype=np.float32) for place in range(len(digits))]
    images = generator(jt.array(np.concatenate(z)), jt.array(np.array(digits, np.int32))).numpy()
    if not np.isfinite(images).all():
        fail("the generator draws NaN or infinite values; train it again")
    pixels = np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype(np.uint8)
    return np.concatenate(list(pixels[:, 0]), axis=1)


def read_weights(path: str) -> Generator:
    """The generator of a generator.npz that an earlier training wrote."""
    try:
        with np.load(path) as file:
            arrays = dict(file)
    except Exception as error:  # numpy and zipfile raise whatever they stumble over
        fail(f"{path} is not a file of weights as this program writes them ({error})")
    generator = Generator()
    state = generator.state_dict()
    if {name: array.shape for name, array in arrays.items()} != {name: tuple(var.shape) for name, var in state.items()}:
        fail(f"{path} does not hold this generator's weights")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        fail(f"{path} holds weights that are NaN or infinite; train it again")
    for name, var in state.items():
        var.assign(arrays[name].astype(np.float32))
    return generator


def write(path: Path, save) -> None:
    """Write a file so that nobody ever sees half of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(partial, "wb") as file:
            save(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        fail(f"cannot write {path}: {error.strerror}")


def at_least(least: int):
    """For argparse: a function that reads a whole number and refuses smaller ones."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is too small; at least {least} is needed")
        return int(text)

    return number


def main() -> int:
    parser = argparse.ArgumentParser(description="Train a conditional GAN on MNIST and draw a number with it.")
    parser.add_argument("number", help="the digits to draw")
    parser.add_argument("--weights", help="draw with this .npz of an earlier training instead of training")
    parser.add_argument("--n_epochs", type=at_least(1), default=100)
    parser.add_argument("--max_steps", type=at_least(1), default=sys.maxsize)
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument("--data_dir", help="folder of MNIST's IDX files, if neither jittor-offline nor Jittor has them")
    parser.add_argument("--output", default="result.png")
    opt = parser.parse_args()
    jt.flags.use_cuda = int(bool(jt.has_cuda))
    # The more threads compile operators, the sooner two of them use one Var at once and Jittor crashes.
    jt.flags.use_parallel_op_compiler = min(16, os.cpu_count() or 1)

    wrong = next((place for place, digit in enumerate(opt.number, 1) if digit not in "0123456789"), None)
    if wrong or not opt.number:
        fail(f"character {wrong} of the number is {opt.number[wrong - 1]!r}" if wrong else "the number is empty")
    output = Path(opt.output)
    if output.suffix != ".png":
        fail(f"the image is written as PNG, so --output must end in .png; {output} does not")
    if not output.parent.is_dir():
        fail(f"the folder {output.parent} does not exist; make it, or choose another --output")
    if opt.weights is not None:
        generator = read_weights(opt.weights)
    else:
        if os.path.exists("generator.npz"):
            fail("generator.npz exists; draw with it by --weights generator.npz, or move it away to train anew")
        generator, stopped_by = train(opt.n_epochs, opt.max_steps, opt.seed, opt.data_dir)
        arrays = {name: var.numpy() for name, var in generator.state_dict().items()}
        write(Path("generator.npz"), lambda file: np.savez(file, **arrays))
        if stopped_by:
            print("stopped, and wrote generator.npz as it is by now; draw with it by --weights", file=sys.stderr)
            return 128 + stopped_by
        print("wrote generator.npz", file=sys.stderr)
    pixels = draw(generator, list(map(int, opt.number)), opt.seed)
    write(output, lambda file: Image.fromarray(pixels).save(file, format="PNG"))
    print(f"wrote {output}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
