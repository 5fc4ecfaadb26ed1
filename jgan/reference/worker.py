"""One side of the benchmark: a process that runs one model in one way, as scripts/benchmark.py asks it to.

python -m jgan.reference.worker SIDE MODEL THREADS DEVICE [quick]

It reads a request per line, {"do": NAME, ...}, and answers each with a line, both JSON; times are in seconds, each of
work that is finished (synchronised). Whatever a framework prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from contextlib import nullcontext

import numpy as np

from jgan.errors import UserError
from jgan.images import from_pixels
from jgan.jittor_setup import runtime
from jgan.random import rng
from jgan.reference.cases import CASES, Library, dropout_rates, noise_images, set_dropout, without_dropout

WGAN = {"batch_size": 64, "img_size": 32, "latent_dim": 128, "conv_dim": 128, "n_critic": 5}
SIZES = {  # the networks of the papers, with the batches they are usually trained in
    "gan": {"batch_size": 64, "img_size": 28, "latent_dim": 100, "width": 32},
    "cgan": {"batch_size": 64, "img_size": 32, "latent_dim": 100, "n_classes": 10, "width_g": 128, "width_d": 512},
    "projection": {"batch_size": 64, "img_size": 32, "latent_dim": 64, "n_classes": 10, "conv_dim": 32},
    "dcgan": {"batch_size": 32, "img_size": 64, "latent_dim": 100, "conv_dim": 64},
    "wgan": WGAN,
    "wgan_gp": {"arch": "upsampling", **WGAN},
    "pix2pix": {"batch_size": 1, "img_size": 256, "conv_dim": 64, "n_levels": 8},
    "spade": {"batch_size": 1, "img_size": 256, "label_classes": 29, "conv_dim": 64, "n_levels": 6},
    "cyclegan": {
        "arch": "resnet", "upsample": "deconv", "batch_size": 1, "img_size": 256, "conv_dim": 64, "n_blocks": 9
    },
}  # fmt: skip
DRAWN = (1, 16, 64)  # images at once, of those that draw; translate.py gives the others one at a time
QUICK_N_CRITIC = 2
SIDES = {  # and what the environment of each holds, beside the number of threads
    "jittor": {"JGAN_KERNELS": "1"},
    "stock": {"JGAN_KERNELS": "0"},
    "pytorch": {},
    "tuned": {
        "MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_TOP_PAD_": "67108864"
    },
}  # fmt: skip
CHANNELS_LAST = ("dcgan",)  # faster by 3% in PyTorch; pix2pix and wgan_gp are not, and cyclegan is slower
N_STORED = 256  # images in memory, from which the steps with data take their batches


def sizes(model: str, quick: bool) -> dict:
    """The sizes of a model; a quick run's critics are updated less often."""
    less = {"n_critic": QUICK_N_CRITIC} if quick and "n_critic" in SIZES[model] else {}
    return {**SIZES[model], **less}


def inference_batches(model: str) -> tuple[int, ...]:
    """How many images at once the generator of a model is timed with."""
    return DRAWN if "latent_dim" in SIZES[model] else (1,)


def update_as_usual(optimizer, loss) -> None:
    """An update as most PyTorch programs write it: in the generator's, the discriminator's gradients come along."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class Worker:
    """A model on one side, with the weights that it has on the others; batch_size: another than the benchmark's."""

    def __init__(self, side: str, model: str, threads: int, device: str, quick: bool, batch_size: int | None = None):
        if side in ("pytorch", "tuned"):
            import torch

            torch.set_num_threads(threads)
            torch.backends.cudnn.benchmark = True  # as Jittor
            self.lib = Library("pytorch", device)
            if side == "pytorch":
                self.lib.half.steps.update = update_as_usual
            if device == "cuda" and not torch.cuda.is_available():
                raise UserError("the device cuda was asked for, but PyTorch sees none; install a PyTorch for CUDA")
            self.on_device = lambda: torch.device(device)
            self.device_memory = torch.cuda.max_memory_reserved
            self.synchronise = torch.cuda.synchronize if device == "cuda" else lambda: None
            self.no_grad = torch.no_grad
            self.versions = {"torch": torch.__version__}
        else:
            import jittor as jt

            runtime.set_device(device)
            self.lib = Library("jittor")
            self.on_device = nullcontext
            self.device_memory = lambda: jt.get_mem_info().total_cuda_used  # of a pool that does not shrink
            self.synchronise = lambda: jt.sync_all(True)
            self.no_grad = jt.no_grad
            self.versions = runtime.versions()
        self.model, self.device = model, device
        self.sizes = {**sizes(model, quick), **({"batch_size": batch_size} if batch_size else {})}
        self.done = 0
        self.stored: dict[tuple, np.ndarray] = {}
        self._build()
        if side == "tuned":
            self._tune()

    def _tune(self) -> None:
        import torch

        for network in self.case.networks.values():
            if self.model in CHANNELS_LAST:
                network.to(memory_format=torch.channels_last)

    def _build(self) -> None:
        """Make the case, with weights that depend on their names alone."""
        with self.on_device():
            self.case = CASES[self.model](self.lib, **self.sizes)
        for network, module in self.case.networks.items():
            for name, value in module.state_dict().items():
                if name.endswith(("weight", "bias", "running_u")):
                    mean = 1 if name.endswith("weight") and len(value.shape) == 1 else 0  # of BatchNorm's scale
                    drawn = rng(0, f"{network}/{name}").normal(mean, 0.02, tuple(value.shape)).astype(np.float32)
                    value.copy_(self.lib.tensor(drawn)) if hasattr(value, "copy_") else value.assign(drawn)
        self.synchronise()

    def ready(self) -> dict:
        """Answered when everything is loaded and built, so that no other process is timed meanwhile."""
        return {"versions": self.versions}

    def begin(self, n: int) -> dict:
        """The times and losses of the first n steps, every Dropout at rate 0, and then one step with the model's own.

        In these Jittor compiles what it has not compiled before.
        """
        rates = dropout_rates(self.case.networks)
        without_dropout(self.case.networks)
        timed = [self._time(self.case.tensors(self.lib, i)) for i in range(n)]
        set_dropout(self.case.networks, rates)
        if any(rates.values()):
            self._time(self.case.tensors(self.lib, n))
        return {"seconds": [seconds for seconds, _ in timed], "losses": [losses for _, losses in timed]}

    def steps(self, n: int) -> dict:
        """The times of n steps on inputs that are ready."""
        inputs = [self.case.tensors(self.lib, i) for i in range(self.done, self.done + min(n, 4))]
        self.synchronise()
        self.done += n
        timed = [self._time(inputs[i % len(inputs)]) for i in range(n)]
        return {"seconds": [seconds for seconds, _ in timed], "losses": timed[-1][1]}

    def steps_with_data(self, n: int) -> dict:
        """The times of n steps that choose their images among uint8 in memory and draw their noise.

        That is what the training programs do, but for the random crops of Pix2Pix and CycleGAN.
        """
        self.case.tensors(self.lib, 0, self._stored_images)
        times = []
        for _ in range(n):
            start = time.perf_counter()
            inputs = self.case.tensors(self.lib, self.done, self._stored_images)
            self.done += 1
            self._time(inputs)
            times.append(time.perf_counter() - start)
        return {"seconds": times}

    def _stored_images(self, random: np.random.Generator, n: int, channels: int, img_size: int) -> np.ndarray:
        shape = (N_STORED, channels, img_size, img_size)
        if shape not in self.stored:
            self.stored[shape] = rng(0, "stored").integers(0, 256, shape, np.uint8)
        return from_pixels(self.stored[shape][random.integers(0, N_STORED, n)])

    def inference(self, n: int, batch_size: int) -> dict:
        """The times in which the generator draws or translates n batches."""
        inputs = {
            name: self.lib.tensor(np.resize(array, (batch_size, *array.shape[1:])))
            for name, array in self.case.inputs(0, noise_images).items()
            if name not in self.case.axes
        }
        name, network = next(iter(self.case.networks.items()))
        network.eval()
        times = []
        with self.no_grad():
            for _ in range(n + 1):
                start = time.perf_counter()
                self.lib.array(self.case.forward[name](inputs))
                times.append(time.perf_counter() - start)
        network.train()
        return {"seconds": times[1:]}

    def memory(self) -> dict:
        """The most memory that this process has held, in MB, and on a GPU the most that its pool there has held.

        Jittor's pool is without the workspaces of cuDNN, which PyTorch's holds, too.
        """
        found = {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        return {**found, "device_peak_mb": self.device_memory() / 2**20} if self.device == "cuda" else found

    def _time(self, inputs: dict) -> tuple[float, dict[str, float]]:
        start = time.perf_counter()
        losses = {name: float(loss.item()) for name, loss in self.case.step(**inputs).items()}
        self.synchronise()
        return time.perf_counter() - start, losses


def main(side: str, model: str, threads: str, device: str, *quick: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        worker = Worker(side, model, int(threads), device, bool(quick))
        for line in sys.stdin:
            request = json.loads(line)
            answer = getattr(worker, request.pop("do"))(**request)
            print(json.dumps(answer), file=answers, flush=True)
    except UserError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:
        os._exit(1)  # nobody waits for the answer any more


if __name__ == "__main__":
    main(*sys.argv[1:])
