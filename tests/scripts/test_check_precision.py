"""check_precision.py: what it says; the figures it prints are PyTorch's business as much as ours."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from programs import module

TORCH = importlib.util.find_spec("torch") is not None


@pytest.mark.skipif(TORCH, reason="PyTorch is installed")
def test_without_pytorch_it_says_what_to_install(refused):
    assert "pip install -r requirements-benchmark.txt" in refused("check_precision")


@pytest.mark.parametrize("option", ["--models", "--sides"])
def test_an_unknown_name_is_named(refused, option):
    assert f"error: argument {option}: 'vae' is none of" in refused("check_precision", option, "vae")


@pytest.mark.skipif(not TORCH, reason="needs PyTorch (requirements-benchmark.txt)")
def test_gradients_are_those_of_float64(script):
    done = script("check_precision", "--models", "gan,projection", "--sides", "jittor,pytorch")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    assert [row[:2] for row in rows] == [
        [model, side] for model in ("gan", "projection") for side in ("jittor", "pytorch")
    ]
    assert all(float(error) < 1e-4 for row in rows for error in row[4:6])


@pytest.mark.skipif(not TORCH, reason="needs PyTorch (requirements-benchmark.txt)")
def test_a_batch_may_be_smaller(script):
    done = script("check_precision", "--models", "gan", "--sides", "pytorch", "--batch_size", 3)
    units_of_an_image = 5 * (128 + 64 + 32)  # hidden ones, in three passes of the discriminator, two of the generator
    assert done.stdout.split()[-1] == str(3 * units_of_an_image)


def test_an_error_is_a_share_of_the_largest_gradient_of_its_parameter():
    reference = {"g/a": np.array([2.0, -4.0]), "g/b": np.array([1e-6]), "d/a": np.array([1e-6]), "branches": np.ones(1)}
    found = {"g/a": np.array([2.0, -3.0]), "g/b": np.array([1.0]), "d/a": np.array([1.5e-6])}
    relative_errors = module("check_precision").relative_errors
    assert relative_errors(found, reference) == pytest.approx([0.25, 0.5])  # g/b is rounding beside g/a
