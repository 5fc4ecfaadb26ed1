"""How near a training step of each model is to what the machine can do: a table in Markdown.

python -m jgan.reference.bounds benchmark.json

The multiplications and additions of a step's matrix products and convolutions, directly computed, are divided by the
rate of PyTorch's product of large matrices or, where that is faster, of its convolution by 1x1 windows, measured here;
the bytes that these and the optimizers read and write if nothing stays in a cache, by the bandwidth of a sum of large
arrays. The longer of the two is the bound, and a share over 100% is computed by fewer multiplications (Winograd's
convolutions) or from a cache. The times of the steps are those of jittor in benchmark.json, which scripts/benchmark.py
wrote on this machine. It needs PyTorch.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

LARGE = 4096  # rows and columns: an array of 67 MB
REPETITIONS = 7


def main(path: str) -> None:
    measured = json.loads(Path(path).read_text())
    threads = measured["how"]["threads"]
    rate, bandwidth = machine(threads)
    print(f"{rate / 1e9:.0f} GFLOPS, {bandwidth / 1e9:.1f} GB/s, {threads} threads\n")
    print("| model | GFLOP | at that rate, ms | MB | at that bandwidth, ms | a step, ms | the bound's share |")
    print("| --- " * 7 + "|")
    for model, found in measured["models"].items():
        flops, moved = work(model)
        step = statistics.median(found["jittor"]["step"])
        computing, moving = flops / rate, moved / bandwidth
        print(
            f"| {model} | {flops / 1e9:.3g} | {1000 * computing:.1f} | {moved / 1e6:.0f} | {1000 * moving:.1f} "
            f"| {1000 * step:.1f} | {max(computing, moving) / step:.0%} |",
            flush=True,
        )


def machine(threads: int) -> tuple[float, float]:
    """Floating-point operations and bytes in a second, the best of some."""
    import torch

    torch.set_num_threads(threads)
    a, b, c = (torch.ones(LARGE, LARGE) for _ in range(3))
    images, windows = a.reshape(1, LARGE, LARGE // 64, 64), b.reshape(LARGE, LARGE, 1, 1)
    with torch.no_grad():
        product = min(
            _seconds(multiply)
            for multiply in (lambda: torch.mm(a, b, out=c), lambda: torch.conv2d(images, windows))
            for _ in range(REPETITIONS)
        )
    total = min(_seconds(lambda: torch.add(a, b, out=c)) for _ in range(REPETITIONS))
    return 2 * LARGE**3 / product, 3 * a.nbytes / total


def _seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def work(model: str) -> tuple[int, int]:
    """The floating-point operations and the bytes of a step, of the benchmark's size."""
    from jgan.reference.worker import Worker

    worker = Worker("tuned", model, 1, "cpu", False)
    inputs = worker.case.tensors(worker.lib, 0)
    worker.case.step(**inputs)  # the optimizers' averages exist from now on
    return counted(lambda: worker.case.step(**inputs))


def counted(step) -> tuple[int, int]:
    """The floating-point operations and the bytes of what a function has PyTorch compute.

    An optimizer reads and writes a weight and its averages, and reads its gradient.
    """
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves
    from torch.utils.flop_counter import flop_registry  # its FlopCounterMode cannot follow a gradient penalty

    class Counting(TorchDispatchMode):
        flops = bytes = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            if function.overloadpacket in flop_registry:
                tensors = (leaf for leaf in tree_leaves((args, result)) if isinstance(leaf, torch.Tensor))
                self.bytes += sum(tensor.nbytes for tensor in tensors)
                self.flops += flop_registry[function.overloadpacket](*args, **(kwargs or {}), out_val=result)
            return result

    def updated(optimizer, *_):
        for weight in (weight for group in optimizer.param_groups for weight in group["params"]):
            averages = sum(getattr(value, "shape", None) == weight.shape for value in optimizer.state[weight].values())
            counting.bytes += weight.nbytes * (3 + 2 * averages)

    hook = register_optimizer_step_post_hook(updated)
    try:
        with Counting() as counting:
            step()
    finally:
        hook.remove()
    return counting.flops, counting.bytes


if __name__ == "__main__":
    main(*sys.argv[1:])
