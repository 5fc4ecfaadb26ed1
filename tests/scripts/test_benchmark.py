"""benchmark.py: what it measures and says, never how long anything took."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from PIL import Image
from programs import module

benchmark = module("benchmark")
TORCH = importlib.util.find_spec("torch") is not None


def test_a_quick_run_of_one_model(script, tmp_path, device):
    options = ["--quick", "--models", "gan", "--threads", 1, "--device", device, "--output", "out"]
    done = script("benchmark", *options)
    assert done.returncode == 0, done.stderr
    assert ("Jittor is timed alone" in done.stdout) == (not TORCH)
    found = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert found["how"] == {"threads": 1, "device": device, "rounds": 3, "seconds": 1.0}
    gan = found["models"]["gan"]
    assert list(gan) == (["jittor", "pytorch"] if TORCH else ["jittor"])
    for side, each in gan.items():
        assert len(each["step"]) == len(each["ratio"]["step"]) == 3
        assert all(len(each[f"inference of {n}"]) == 3 for n in (1, 16, 64))
        assert min(each["step"]) > 0 and each["first_step"] > 0 and each["peak_mb"] > 0
        assert ("device_peak_mb" in each) == (device == "cuda")
        assert each["losses"].keys() == {"g_loss", "d_loss"} and each["versions"]
        assert each["difference"] < benchmark.TOLERANCE
        assert any(line.startswith(f"gan        {side}") for line in done.stdout.splitlines())
    assert Image.open(tmp_path / "out" / "benchmark.png").width > 100


def test_losses_are_compared_by_the_largest_of_a_step():
    reference = [{"g": 2.0, "d": 0.001}, {"g": 1.0, "d": 1.0}]
    assert benchmark.difference(reference, reference) == 0
    assert benchmark.difference([{"g": 2.0, "d": 0.003}, {"g": 1.0, "d": 1.0}], reference) == pytest.approx(0.001)
    assert benchmark.difference([{"g": 2.0, "d": 0.001}, {"g": 1.5, "d": 1.0}], reference) == pytest.approx(0.5)
    assert np.isnan(benchmark.difference([{"g": 2.0, "d": np.nan}, {"g": 1.0, "d": 1.0}], reference))


def test_the_table_gives_medians_and_the_ratio_of_pairs():
    each = {
        "first_step": 3.0,
        "images_per_second": 640.0,
        "peak_mb": 100.0,
        "inference of 1": [0.001],
        "inference of 16": [0.02],
    }
    found = {
        "jittor": {**each, "step": [0.1, 0.2, 0.1]},
        "pytorch": {**each, "step": [0.2, 0.2, 0.1], "difference": 0.25, "device_peak_mb": 2048.0},
    }
    found["pytorch"]["ratio"] = {"step": [0.5, 1.0, 1.0], "inference of 1": [2.0], "inference of 16": [3.0]}
    found["pytorch"]["interval"] = {"step": (0.75, 1.0), "inference of 1": None, "inference of 16": (1.5, 2.5)}
    jittor, pytorch = benchmark.row("gan", found).splitlines()
    assert "100.0 ms   100%    640.0" in jittor
    assert "200.0 ms    50%" in pytorch
    assert " 100 MB" in jittor and "2048 MB" in pytorch  # of the GPU, where there is one
    assert " 1 in 1.0 ms, 16 in 20.0 ms" in jittor
    assert "step 1.00 [0.75 to 1.00], inference of 1 2.00, inference of 16 3.00 [1.50 to 2.50], losses" in pytorch
    assert "losses DIFFER (2e-01)" in pytorch


@pytest.mark.parametrize(("n", "k"), [(6, 1), (8, 1), (9, 2), (15, 4), (20, 6), (25, 8), (50, 18)])
def test_the_interval_of_a_median_is_between_the_values_that_tables_of_the_sign_test_give(n, k):
    """The k-th smallest and the k-th largest of n (Dixon & Massey 1983, table of confidence limits for the median)."""
    values = np.random.default_rng(0).permutation(n) + 1.0
    assert benchmark.median_interval(list(values)) == (k, n + 1 - k)
    assert benchmark.median_interval([1.0] * 5) is None


def test_the_interval_of_a_median_holds_it_as_often_as_it_says():
    random = np.random.default_rng(0)
    intervals = [benchmark.median_interval(list(random.lognormal(size=15))) for _ in range(2000)]
    assert 0.95 <= np.mean([low <= 1 <= high for low, high in intervals]) <= 0.98  # 0.965 by the binomial distribution


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--models", "gan,vae"], "argument --models: 'vae' is none of all, gan, cgan"),
        (["--quick", "--rounds", 5], "--quick has its own --rounds"),
        (["--processes", "1,x"], "--processes '1,x': 'x' is no number"),
        (["--processes", "0-2"], "--processes: at least one process computes"),
        (["--processes", "2", "--quick"], "--quick has no part in --processes"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(refused, arguments, sentence):
    assert sentence in refused("benchmark", *arguments)


def test_a_side_that_ends_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(benchmark, "WORKER", (tmp_path / "gone.py",))
    side = benchmark.Side("jittor", "gan", benchmark.Options())
    with pytest.raises(benchmark.UserError, match="the process of jittor ended with status 2"):
        side.ask("ready")
    side.close()
