"""GAN, DCGAN, WGAN and WGAN-GP, each trained by its program as its users do."""

from __future__ import annotations

import importlib

import jittor as jt
import numpy as np
import pytest
from conftest import require_same_run_after_ctrl_c
from PIL import Image

from jgan.weights.networks import load_header
from jgan.data import mnist
from jgan.inference.generators import GENERATORS, load_generator
from jgan.images import from_pixels
from jgan.random import rng
from jgan.training.log import read_log

SMALL = {
    "train_gan": ["train_gan", "--img_size", 12],
    "train_dcgan": ["train_dcgan", "--img_size", 16, "--conv_dim", 4],
    "train_wgan": ["train_wgan", "--img_size", 12, "--conv_dim", 4, "--n_critic", 2],
    "train_wgan_gp": ["train_wgan_gp", "--img_size", 12, "--conv_dim", 4, "--n_critic", 2],
    "train_wgan_gp, conv": ["train_wgan_gp", "--arch", "conv", "--img_size", 16, "--conv_dim", 4, "--n_critic", 2],
}
CRITIC = {"g_loss", "real_score", "fake_score", "wasserstein"}
LOGGED = {
    "train_gan": {"g_loss", "d_loss"},
    "train_dcgan": {"g_loss", "d_loss"},
    "train_wgan": CRITIC,
    "train_wgan_gp": CRITIC | {"penalty"},
}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("train_gan", {}, {"dataset": "mnist", "img_size": 28, "latent_dim": 100, "lr": 0.002, "real_target": 0.9}),
        ("train_dcgan", {}, {"dataset": "folder", "img_size": 64, "channels": 3, "lr": 0.0002, "b1": 0.5, "b2": 0.999}),
        (
            "train_wgan",
            {},
            {
                "dataset": "fashion_mnist", "img_size": 32, "channels": 1, "latent_dim": 128, "conv_dim": 128,
                "lr": 0.00005, "n_critic": 5, "clip_value": 0.01,
            },
        ),
        (
            "train_wgan_gp",
            {},
            {
                "dataset": "fashion_mnist", "img_size": 32, "channels": 1, "latent_dim": 128, "conv_dim": 128,
                "lr": 0.0001, "b1": 0.5, "b2": 0.9, "n_critic": 5, "lambda_gp": 10,
            },
        ),
        (
            "train_wgan_gp",
            {"arch": "conv"},
            {"dataset": "folder", "img_size": 64, "channels": 3, "latent_dim": 100, "conv_dim": 64, "lr": 0.0002},
        ),
        ("train_wgan_gp", {"arch": "conv", "img_size": 32, "lr": 0.1}, {"img_size": 32, "lr": 0.1, "channels": 3}),
    ],
)  # fmt: skip
def test_the_defaults_are_those_of_the_papers(name, given, expected):
    options = vars(importlib.import_module(name).Options(**given))
    assert {key: options[key] for key in expected} == expected


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (30, 20, 16, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    return folder


@pytest.mark.parametrize("program", SMALL)
def test_a_run_stopped_by_ctrl_c_and_resumed_is_the_same_run_to_the_bit(script, tmp_path, pictures, program):
    name, *small = map(str, SMALL[program])
    common = [
        *small, "--dataset", "folder", "--data_dir", str(pictures), "--channels", "3", "--batch_size", "4",
        "--latent_dim", "8", "--seed", "5", "--device", "cpu",
    ]  # fmt: skip
    done = require_same_run_after_ctrl_c(script, tmp_path, name, common)
    sample = f"samples/{done:07d}.png"
    for file in ("config.json", "curves.png", "generator.safetensors", "samples/real.png"):
        assert (tmp_path / "whole" / file).exists()
    assert read_log(tmp_path / "whole" / "log.jsonl")[-1].keys() == {"step", "images_per_s"} | LOGGED[name]
    assert Image.open(tmp_path / "whole" / sample).mode == "RGB"

    Image.new("RGB", (9, 9)).save(pictures / "one more.png")
    refused = script(name, "--resume", "parts", "--max_steps", done + 6)
    assert refused.returncode == 2 and "was started on other data (30 images" in refused.stderr.splitlines()[-1]


def frechet(real, drawn):
    """Frechet distance of two sets of images as normal distributions over the first 16 principal axes of the real."""
    real, drawn = (images.reshape((len(images), -1)).astype(np.float64) for images in (real, drawn))
    mean = real.mean(axis=0)
    axes = np.linalg.svd(real - mean, full_matrices=False)[2][:16].T
    a, b = (real - mean) @ axes, (drawn - mean) @ axes
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    overlap = np.sqrt(np.maximum(np.linalg.eigvals(cov_a @ cov_b).real, 0)).sum()
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap


def drawn_by(generator):
    z = generator.draw_z(rng(0, "test"), 1000, generator.latent_dim)
    return np.concatenate([generator(jt.array(part)).numpy() for part in np.split(z, 10)])


AT_16 = ["--dataset", "mnist", "--img_size", 16, "--channels", 1, "--conv_dim", 8, "--batch_size", 32]


@pytest.mark.parametrize(
    ("name", "arguments", "share"),
    [
        ("train_gan", ["--max_steps", 1200], 0.75),  # measured: 208 -> 124
        ("train_dcgan", [*AT_16, "--lr", "0.001", "--max_steps", 300], 0.5),  # 63 -> 8
        ("train_wgan", [*AT_16, "--lr", "0.0005", "--max_steps", 100], 0.5),  # 62 -> 20
        ("train_wgan_gp", [*AT_16, "--lr", "0.0005", "--max_steps", 100], 0.5),  # 62 -> 19
    ],
)
def test_a_short_training_on_mnist_brings_the_images_nearer_to_the_real_ones(script, tmp_path, name, arguments, share):
    """The Frechet distance falls below a stated share of the untrained generator's."""
    done = script(name, *arguments, "--output", "run")
    assert done.returncode == 0, done.stderr
    weights = tmp_path / "run" / "generator.safetensors"
    header = load_header(weights)
    jt.set_seed(5)
    untrained = GENERATORS[header["model"]](**header["options"])
    untrained.eval()
    pixels, _ = mnist.load_mnist("test")
    real = from_pixels(mnist.resize(pixels[:1000], header["options"]["img_size"]))
    before, after = (frechet(real, drawn_by(generator)) for generator in (untrained, load_generator(weights)))
    assert after < share * before


def test_a_named_data_set_is_trained_on_as_it_is_and_its_classes_are_not_needed(script, tmp_path):
    done = script("train_dcgan", "--dataset", "mnist", "--img_size", 16, "--conv_dim", 2, "--max_steps", 1)
    assert done.returncode == 0, done.stderr
    sheet = np.asarray(Image.open(tmp_path / "runs" / "dcgan" / "samples" / "real.png"))
    pixels, _ = mnist.load_mnist("train")
    assert np.array_equal(sheet[2:18, 20:36], mnist.resize(pixels[1:2], 16)[0, 0][..., None].repeat(3, 2))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train_dcgan"], "give the folder of images to train on as --data_dir"),
        (["train_dcgan", "--img_size", "48"], "--img_size: invalid choice: 48 (choose from 16, 32, 64, 128, 256)"),
        (["train_dcgan", "--data_dir", "gone"], "gone does not exist"),
        (["train_dcgan", "--data_dir", ".", "--output", "../run"], "there is no image in"),
        (["train_dcgan", "--data_dir", "."], "the run runs/dcgan would lie among its own training images"),
        (["train_gan", "--data_dir", "."], "holds no file of mnist; --dataset folder trains on the images in it"),
        (["train_gan", "--data_dir", "gone"], "gone does not exist"),
        (["train_gan", "--strict"], "--strict is about the images of a folder"),
        (["train_gan", "--real_target", "1.5"], "--real_target: 1.5 is too large; at most 1 is possible"),
        (["train_wgan", "--clip_value", "0"], "--clip_value: 0.0 must be above 0"),
        (["train_wgan", "--b1", "0.5"], "unrecognized arguments: --b1 0.5"),
        (["train_wgan_gp", "--n_critic", "0"], "--n_critic: 0 is too small"),
        (["train_wgan_gp", "--img_size", "4"], "--img_size: 4 is too small; at least 8 is needed"),
        (["train_wgan_gp", "--arch", "conv", "--dataset", "mnist", "--img_size", "48"], "64, 128, 256, not 48"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_with_status_2(script, arguments, sentence):
    done = script(*arguments)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
