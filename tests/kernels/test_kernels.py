"""What all kernels have in common: their bits don't depend on the threads, and they can be switched off."""

from __future__ import annotations

import jittor as jt
import numpy as np
from conftest import run_python

from jgan.kernels import call, serve
from jgan.models.cyclegan import ResnetGenerator

PROGRAM = """
import sys
import numpy as np
import jgan
import jittor as jt
from jgan.kernels.activate import leaky_relu
from jgan.kernels.normalize import batch_norm, instance_norm
from jgan.optimizers import adam
from jittor import nn

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
np.savez(sys.argv[1], *(each.numpy() for each in results))
"""


def test_the_bits_do_not_depend_on_the_number_of_threads(tmp_path):
    found = []
    for threads in ("1", "2", "3"):
        path = tmp_path / f"{threads}.npz"
        done = run_python("-c", PROGRAM, path, OMP_NUM_THREADS=threads)
        assert done.returncode == 0, done.stderr
        found.append(np.load(path))
    for other in found[1:]:
        assert found[0].files == other.files
        for name in other.files:
            np.testing.assert_array_equal(found[0][name], other[name], strict=True)


def test_where_the_kernels_serve(monkeypatch):
    assert serve(jt.ones(3), jt.ones(2)) and not serve(jt.ones(3), jt.ones(2).int32())
    monkeypatch.setenv("JGAN_KERNELS", "0")
    assert not serve(jt.ones(3))


def test_a_number_that_changes_compiles_nothing_anew(capfd):
    x = jt.array(np.float32([-1, 2]))
    for slope in (0.5, 0.25, 0.125):
        (y,) = call("activate.hpp", "leaky_relu", [x], [x.shape], slope=slope)
        np.testing.assert_array_equal(y.numpy(), [-slope, 2])
        if slope != 0.5:
            assert "Compiling" not in capfd.readouterr().err
        capfd.readouterr()


def test_a_network_draws_the_same_with_kernels_and_without(monkeypatch):
    network = ResnetGenerator(conv_dim=4, n_blocks=1)
    images = jt.array(np.random.default_rng(0).uniform(-1, 1, (2, 3, 16, 12)).astype(np.float32))
    with_kernels = network(images).numpy()
    monkeypatch.setenv("JGAN_KERNELS", "0")
    np.testing.assert_allclose(with_kernels, network(images).numpy(), atol=1e-5)
