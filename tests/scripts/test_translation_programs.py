"""Pix2Pix and CycleGAN, each trained by its program as its users do, on pictures drawn here."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import require_same_run_after_ctrl_c
from PIL import Image, ImageDraw

from jgan.weights.networks import load, load_header, load_network
from jgan.models import cyclegan, pix2pix
from jgan.training.log import read_log


def scene(i, ground, figure):
    """A disc whose place depends on i, in two colours."""
    image = Image.new("RGB", (40, 40), ground)
    x, y = 6 + 7 * (i % 3), 6 + 8 * (i // 3 % 3)
    ImageDraw.Draw(image).ellipse([x, y, x + 14, y + 12], fill=figure)
    return np.asarray(image)


@pytest.fixture
def pictures(tmp_path):
    """pairs/train/ with pairs side by side, and unpaired/ with trainA/ and, fewer of them, trainB/."""
    for folder in ("pairs/train", "unpaired/trainA", "unpaired/trainB"):
        (tmp_path / folder).mkdir(parents=True)
    for i in range(4):
        a, b = scene(i, "black", "white"), scene(i, "olive", "orange")
        Image.fromarray(np.concatenate([a, b], axis=1)).save(tmp_path / "pairs" / "train" / f"{i}.png")
        Image.fromarray(a).save(tmp_path / "unpaired" / "trainA" / f"{i}.png")
    for i in range(3):
        Image.fromarray(scene(i + 4, "olive", "orange")).save(tmp_path / "unpaired" / "trainB" / f"{i}.png")
    return tmp_path


PIX2PIX = ["--data_dir", "pairs", "--img_size", 32, "--conv_dim", 8, "--seed", 5, "--device", "cpu"]
CYCLEGAN = [
    "--data_dir",
    "unpaired",
    "--img_size",
    32,
    "--conv_dim",
    4,
    "--n_blocks",
    1,
    "--seed",
    5,
    "--device",
    "cpu",
]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("train_pix2pix", PIX2PIX),
        ("train_pix2pix", [*PIX2PIX, "--gan_mode", "wgangp", "--batch_size", 3]),
        ("train_cyclegan", [*CYCLEGAN, "--pool_size", 3]),
    ],
)
def test_a_run_stopped_by_ctrl_c_and_resumed_is_the_same_run_to_the_bit(script, pictures, name, options):
    done = require_same_run_after_ctrl_c(script, pictures, name, options)
    logged = read_log(pictures / "whole" / "log.jsonl")[-1].keys() - {"step", "images_per_s"}
    assert {"d_real", "d_fake"} <= logged if name == "train_pix2pix" else {"d_a_real", "d_b_fake", "cycle_a"} <= logged
    assert ("penalty" in logged) == ("wgangp" in options)
    sample = Image.open(pictures / "whole" / "samples" / f"{done:07d}.png")
    assert sample.mode == "RGB"
    if name == "train_cyclegan":
        arrays, _ = load(pictures / "whole" / "state.safetensors")
        assert sum(key.startswith("pool_a/") for key in arrays) == 3  # the pool is part of the state
        assert sample.size == (6 * 34 + 2, 3 * 34 + 2)  # as many rows as the smaller domain has images
        load_network(pictures / "whole" / "generator.safetensors", cyclegan.Generators, model="cyclegan.Generators")
    else:
        assert sample.size == (3 * 34 + 2, 4 * 34 + 2)
        load_network(pictures / "whole" / "generator.safetensors", pix2pix.Generator, model="pix2pix.Generator")


def test_pix2pix_learns_four_pairs(script, pictures):
    """Mean absolute difference to the targets in [-1, 1] over the last logged steps (measured: 0.010)."""
    done = script("train_pix2pix", *PIX2PIX, "--no_jitter", "--lr", "0.002", "--max_steps", 300, "--output", "run")
    assert done.returncode == 0, done.stderr
    losses = [entry["g_l1"] for entry in read_log(pictures / "run" / "log.jsonl")]
    assert np.mean(losses[-5:]) < 0.05


def test_cyclegan_learns_the_way_back(script, pictures):
    """The mean absolute differences after the way there and back, both together (measured: 0.45, then 0.14)."""
    done = script("train_cyclegan", *CYCLEGAN, "--no_jitter", "--lr", "0.002", "--max_steps", 200, "--output", "run")
    assert done.returncode == 0, done.stderr
    log = read_log(pictures / "run" / "log.jsonl")
    assert np.mean([entry["cycle_a"] + entry["cycle_b"] for entry in log[-5:]]) < 0.25


@pytest.mark.parametrize(("name", "options"), [("train_pix2pix", PIX2PIX), ("train_cyclegan", CYCLEGAN)])
def test_the_learning_rate_falls_from_decay_epoch_on(script, pictures, name, options):
    """An epoch has 4 steps. Falling from its begin, the rate is whole at the first step, and a quarter at the last."""

    def moved(decay_epoch, steps):
        output = f"{decay_epoch}-{steps}"
        arguments = ["--n_epochs", 1, "--decay_epoch", decay_epoch, "--max_steps", steps, "--output", output]
        done = script(name, *options, *arguments)
        assert done.returncode == 0, done.stderr
        arrays, _ = load(pictures / output / "generator.safetensors")
        return np.concatenate([array.ravel() for key, array in sorted(arrays.items()) if key.endswith("weight")])

    assert np.array_equal(moved(0, 1), moved(1, 1))
    fallen, constant = (moved(epoch, 4) - moved(epoch, 3) for epoch in (0, 1))
    assert np.linalg.norm(fallen) == pytest.approx(np.linalg.norm(constant) / 4, rel=0.2)


def test_directions_and_channels(script, pictures):
    options = ["--direction", "b2a", "--in_channels", 3, "--out_channels", 1, "--max_steps", 1, "--output", "run"]
    done = script("train_pix2pix", *PIX2PIX, *options)
    assert done.returncode == 0, done.stderr
    real = np.asarray(Image.open(pictures / "run" / "samples" / "real.png")).astype(int)
    cell = real[2:34, 2:34]
    assert abs(cell[:3, :3] - [128, 128, 0]).max() <= 3  # the input is B, on its olive ground
    assert np.ptp(real[2:34, 36:68], axis=2).max() == 0  # and the target A, grey
    assert load_header(pictures / "run" / "generator.safetensors")["options"]["out_channels"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train_pix2pix"], "give the pairs as --data_dir, or as --dir_a and --dir_b"),
        (["train_pix2pix", "--dir_a", "pairs"], "give the pairs as --data_dir, or as --dir_a and --dir_b"),
        (["train_pix2pix", "--data_dir", "gone"], "gone does not exist"),
        (["train_pix2pix", "--data_dir", "unpaired"], "holds trainA/, images that belong to no pairs"),
        (["train_pix2pix", "--img_size", "48"], "--img_size: invalid choice: 48"),
        (
            ["train_pix2pix", "--dir_a", "unpaired/trainA", "--dir_b", "unpaired/trainB"],
            "have no partner of their name in",
        ),
        (["train_cyclegan"], "give the images as --data_dir with trainA/ and trainB/, or as --dir_a and --dir_b"),
        (["train_cyclegan", "--data_dir", "pairs"], "pairs does not hold trainA/ and trainB/; give two folders as"),
        (["train_pix2pix", "--data_dir", "unpaired/trainB"], "is no pair side by side; for pairs in two folders"),
        (["train_pix2pix", "--data_dir", "pairs", "--output", "pairs/train/run"], "among its own training images"),
        (
            ["train_cyclegan", "--data_dir", "unpaired", "--output", "unpaired/trainB"],
            "the run unpaired/trainB would lie among its own training images",
        ),
        (["train_cyclegan", "--dir_a", "unpaired/trainA", "--dir_b", "empty"], "there is no image in"),
        (
            ["train_cyclegan", "--data_dir", "unpaired", "--img_size", "36"],
            "--img_size must be a multiple of 8, not 36",
        ),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(script, pictures, arguments, sentence):
    (pictures / "empty").mkdir()
    done = script(*arguments)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
