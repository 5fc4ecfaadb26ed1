"""What all kernels have in common: their bits don't depend on the threads, and they can be switched off."""

from __future__ import annotations

import platform
from pathlib import Path

import jittor as jt
import numpy as np
import pytest
from conftest import run_python

from jgan.kernels import call_kernel, can_use_kernels
from jgan.models.cyclegan import ResnetGenerator

pytestmark = pytest.mark.cpu("kernels are for the CPU")

PROGRAM = """
import sys
from pathlib import Path

import numpy as np
import jgan
import jittor as jt
from jgan.kernels.activate import leaky_relu
from jgan.kernels.convolve import conv
from jgan.kernels.dense import linear
from jgan.kernels.library import shared_library
from jgan.kernels.normalize import batch_norm, instance_norm
from jgan.layers import SpectralLinear
from jgan.optimizers import adam
from jittor import nn

if len(sys.argv) > 2:  # for another processor, into a folder of its own
    folder = Path(jt.flags.cache_path, sys.argv[2])
    for name in ("jit", "obj_files", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    jt.flags.cache_path = str(folder)
    assert "-march=native" in jt.flags.cc_flags
    jt.flags.cc_flags = jt.flags.cc_flags.replace("-march=native", f"-march={sys.argv[2]}")
    shared_library.cache_clear()
    assert shared_library().parent == folder

random = np.random.default_rng(0)
results = []
for shape in [(8, 33, 17, 9), (64, 130)]:
    x, upstream = (jt.array(random.normal(size=shape).astype(np.float32)) for _ in range(2))
    weight, bias = (jt.array(random.normal(size=shape[1]).astype(np.float32)) for _ in range(2))
    y, mean, variance = batch_norm(x, weight, bias, eps=1e-5, slope=0.2)
    results += [y, mean, variance, *jt.grad((y * upstream).sum(), [x, weight, bias])]
    results += [leaky_relu(x, 0.2)]
    if len(shape) == 4:
        y = instance_norm(x, eps=1e-5, slope=0)
        results += [y, jt.grad((y * upstream).sum(), x)]
layer = nn.Linear(100, 77)
layer.weight.assign(random.normal(size=(77, 100)).astype(np.float32))
layer.bias.assign(np.zeros(77, np.float32))
optimizer = adam(layer, lr=0.1, b1=0.5, b2=0.999)
for _ in range(3):
    optimizer.step((layer.weight**3).sum() + (layer.bias**2 + layer.bias).sum())
results += [layer.weight, layer.bias]
layer = SpectralLinear(1100, 130, bias=False)
layer.weight.assign(random.normal(size=(130, 1100)).astype(np.float32))
layer.running_u.assign(np.ones(130, np.float32))
x = jt.array(random.normal(size=(9, 1100)).astype(np.float32))
adam(layer, lr=0.1, b1=0.5, b2=0.999).step(layer(x).sqr().sum())
results += [layer.weight, layer.running_u]
results = {f"ours {i}": each for i, each in enumerate(results)}
convolutions = {  # images, channels of the result, window, stride, padding
    "ours, short tiles": [(6, 64, 23, 18), 64, 4, 2, 1],
    "ours, long tiles": [(10, 64, 31, 30), 80, 4, 2, 1],
    "ours, 5x5": [(16, 80, 25, 22), 64, 5, 2, 2],
    "ours, stride 1": [(6, 64, 13, 16), 80, 5, 1, 2],
    "ours, few channels": [(3, 3, 33, 150), 16, 4, 2, 1],
    "ours, few places": [(2, 70, 10, 12), 130, 4, 2, 1],
    "oneDNN's": [(4, 32, 16, 16), 48, 4, 2, 1],
    "oneDNN's Winograd": [(1, 32, 24, 24), 32, 3, 1, 1],
}
for name, (shape, n_out, window, stride, padding) in convolutions.items():
    x = jt.array(random.normal(size=shape).astype(np.float32))
    w = jt.array(random.normal(size=(n_out, shape[1], window, window)).astype(np.float32))
    y = conv(x, w, None, stride=(stride, stride), padding=(padding, padding))
    upstream = jt.array(random.normal(size=y.shape).astype(np.float32))
    dx, dw = jt.grad((y * upstream).sum(), [x, w])
    results.update({name + " y": y, name + " dx": dx, name + " dw": dw})
for n, n_in, n_out in [(70, 257, 130), (200, 300, 260), (12, 700, 400), (3, 900, 800), (64, 512, 1)]:
    shapes = [(n, n_in), (n_out, n_in), n_out, (n, n_out)]
    x, w, bias, upstream = (jt.array(random.normal(size=shape).astype(np.float32)) for shape in shapes)
    y = linear(x, w, bias, slope=0.2)
    gradients = jt.grad((y * upstream).sum(), [x, w, bias])
    results.update({f"ours, dense {n} {i}": each for i, each in enumerate([y, *gradients])})
    results[f"ours, tanh {n}"] = linear(x / 30, w, bias, tanh=True).numpy()  # few near 1
    jt.set_seed(5)
    results[f"ours, dropout {n}"] = linear(x, w, bias, slope=0.2, dropout=0.3).numpy()
np.savez(sys.argv[1], **{name: np.asarray(each) for name, each in results.items()})
"""


def results(path, *processor: str, **environment: str):
    done = run_python("-c", PROGRAM, path, *processor, **environment)
    assert done.returncode == 0, done.stderr
    return np.load(path)


def test_the_bits_do_not_depend_on_the_number_of_threads(tmp_path):
    """oneDNN's own convolutions are compared for one and two threads only."""
    found = []
    for threads in ("1", "2", "3", "8"):
        found.append(results(tmp_path / f"{threads}.npz", OMP_NUM_THREADS=threads))
    for other in found[1:]:
        assert found[0].files == other.files
        for name in other.files:
            if "ours" in name or other is found[1]:
                np.testing.assert_array_equal(found[0][name], other[name], strict=True, err_msg=name)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="of processors of one kind")
@pytest.mark.parametrize(
    ("processor", "instructions"), [("haswell", "AVX2"), ("x86-64", "SSE41"), ("x86-64-v4", "AVX512_CORE")]
)
def test_other_processors(processor, instructions, tmp_path):
    """Without AVX-512, without AVX at all, and of a kind with AVX-512 that the compiler does not know.

    oneDNN holds back as it would there.
    """
    if "AVX512" in instructions and "avx512f" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no AVX-512")
    native = results(tmp_path / "native.npz")
    other = results(tmp_path / "other.npz", processor, DNNL_MAX_CPU_ISA=instructions)
    for name in native.files:
        scale = np.abs(native[name]).max()
        np.testing.assert_allclose(native[name], other[name], rtol=1e-4, atol=1e-5 * scale, err_msg=name)


def test_where_the_kernels_serve(monkeypatch):
    assert can_use_kernels(jt.ones(3), jt.ones(2)) and not can_use_kernels(jt.ones(3), jt.ones(2).int32())
    monkeypatch.setattr("jgan.kernels.wanted", False)
    assert not can_use_kernels(jt.ones(3))


def test_a_number_that_changes_compiles_nothing_anew(capfd):
    x = jt.array(np.float32([-1, 2]))
    for slope in (0.5, 0.25, 0.125):
        (y,) = call_kernel("leaky_relu", [x], [x.shape], slope=slope)
        np.testing.assert_array_equal(y.numpy(), [-slope, 2])
        if slope != 0.5:
            assert "Compiling" not in capfd.readouterr().err
        capfd.readouterr()


def test_a_network_draws_the_same_with_kernels_and_without(monkeypatch):
    network = ResnetGenerator(conv_dim=4, n_blocks=1)
    images = jt.array(np.random.default_rng(0).uniform(-1, 1, (2, 3, 16, 12)).astype(np.float32))
    with_kernels = network(images).numpy()
    monkeypatch.setattr("jgan.kernels.wanted", False)
    np.testing.assert_allclose(with_kernels, network(images).numpy(), atol=1e-5)
