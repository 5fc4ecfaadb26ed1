"""Device, seeds, versions."""

from __future__ import annotations

import numpy as np
import pytest

from jgan.errors import UserError
from jgan.jittor_setup import runtime


def test_the_device_is_set_or_refused():
    import jittor as jt

    assert runtime.set_device("cpu") == "cpu" and jt.flags.use_cuda == 0
    if jt.has_cuda:
        assert runtime.set_device("cuda") == runtime.set_device("auto") == "cuda" and jt.flags.use_cuda == 1
        runtime.set_device("cpu")
    else:
        assert runtime.set_device("auto") == "cpu"
        with pytest.raises(UserError, match="the device cuda was asked for"):
            runtime.set_device("cuda")


def uniform(seed, index=0):
    import jittor as jt

    runtime.seed_jittor(seed, "test", index)
    return jt.rand((1000,)).numpy()


def test_equal_seeds_repeat_and_near_seeds_differ():
    assert np.array_equal(uniform(7), uniform(7))
    for other in (uniform(1), uniform(0, 1)):
        assert abs(np.corrcoef(uniform(0), other)[0, 1]) < 0.15
    assert abs(uniform(0)[:10].mean() - 0.5) < 0.35  # Jittor's own small seeds begin near 0


def test_seeding_leaves_numbers_asked_for_earlier_alone():
    import jittor as jt

    runtime.seed_jittor(1, "test")
    expected = jt.rand((10,)).numpy()
    runtime.seed_jittor(1, "test")
    lazy = jt.rand((10,))
    runtime.seed_jittor(2, "test")
    assert np.array_equal(lazy.numpy(), expected)


def test_versions_name_all_that_a_result_depends_on():
    versions = runtime.versions()
    assert versions["jittor"].startswith("1.3.11") and versions["numpy"] == np.__version__
    assert set(versions) == {
        "jgan", "jittor", "numpy", "python", "g++", "platform", "device", "kernels", "processor", "threads",
    }  # fmt: skip
    assert all(versions.values())
