"""Pix2Pix and SPADE on rectangles of label maps, trained, drawn with and scored by the programs as their users do."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from programs import module, options_of, require_same_run_in_two_parts, run, to_the_bit

from jgan.data.label_maps import distinct_palette
from jgan.models import pix2pix, spade
from jgan.training.log import read_log
from jgan.weights.arrays import load_header
from jgan.weights.networks import load_network

N_CLASSES, WIDTH, HEIGHT = 29, 64, 32
COMMON = ["--label_classes", N_CLASSES, "--img_size", f"{WIDTH}x{HEIGHT}", "--seed", 5]
ARCHS = {
    "unet": ["--conv_dim", 8],
    "spade": ["--arch", "spade", "--conv_dim", 2, "--lr", 0.001, "--lr_d", 0.002],
    "spade_noise": ["--arch", "spade", "--conv_dim", 2, "--latent_dim", 6],
}


@pytest.fixture
def landscapes(tmp_path):
    """{train,val}/A with label maps of 29 classes, B with pictures that have a colour for each of them."""
    colours = np.random.default_rng(0).integers(0, 256, (N_CLASSES, 3), np.uint8)
    for i in range(6):
        folder = tmp_path / ("train" if i < 4 else "val")
        classes = (
            np.random.default_rng(i).integers(0, N_CLASSES, (4, 8), np.uint8).repeat(10, axis=0).repeat(10, axis=1)
        )
        classes[0, 0] = N_CLASSES - 1
        for name, image in (("A", classes), ("B", colours[classes])):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / name / f"{i}.png")
    return tmp_path


@to_the_bit
@pytest.mark.parametrize("arch", ARCHS)
def test_rectangles_of_29_classes_are_trained_resumed_to_the_bit_drawn_and_scored(landscapes, arch):
    whole = require_same_run_in_two_parts(landscapes, "train_pix2pix", ["--data_dir", ".", *COMMON, *ARCHS[arch]])
    logged = read_log(whole / "log.jsonl")[-1].keys()
    assert ({"g_feat"} if "spade" in arch else {"g_l1"}) <= logged
    sample = Image.open(whole / "samples" / "0000004.png")
    assert sample.size == (3 * (WIDTH + 2) + 2, 4 * (HEIGHT + 2) + 2)
    shown = np.asarray(sample)[2 : 2 + HEIGHT, 2 : 2 + WIDTH].reshape((-1, 3))
    assert {*map(tuple, shown)} <= {*map(tuple, distinct_palette(N_CLASSES).colours)}

    weights = whole / "generator.safetensors"
    network = load_network(weights, pix2pix.Generator, spade.Generator)
    assert network.label_classes == N_CLASSES
    size = ["--size", f"{WIDTH}x{HEIGHT}"]
    out = run(landscapes, "translate", "val/A", "--weights", weights, *size, "--compare", "--output", "drawn").out
    assert out == "wrote 2 images into drawn\n"
    assert Image.open(landscapes / "drawn" / "4.png").size == (2 * WIDTH, HEIGHT)

    options = ["--data_dir", "val", "--img_size", f"{WIDTH}x{HEIGHT}", "--seed", 5]
    best = whole / "best.safetensors"
    run(landscapes, "evaluate", "--weights", best, *options, "--json", "scores.json")
    scores = json.loads((landscapes / "scores.json").read_text())["scores"]["translated"]
    header = load_header(best)
    assert header["scores"] == {name: pytest.approx(scores[name], rel=1e-4) for name in ("l1", "psnr", "ssim")}


def test_maps_to_score_by_are_not_those_that_are_trained_on(landscapes, refused):
    options = [*COMMON, "--evaluate_interval", 1]
    given = ["--dir_a", "train/A", "--dir_b", "train/B", "--val_dir", "train"]
    assert "train/A would be trained on, as those in" in refused("train_pix2pix", *given, *options)
    for name in "AB":
        (landscapes / "train" / name).rename(landscapes / name)
    (landscapes / "train").rmdir()
    run(landscapes, "train_pix2pix", "--data_dir", ".", *options, *ARCHS["spade"], "--max_steps", 1)


def test_a_map_is_drawn_by_its_classes_at_any_size_and_only_with_noise_at_that_of_the_training(landscapes):
    for arch in ("spade", "spade_noise"):
        run(landscapes, "train_pix2pix", "--data_dir", ".", *COMMON, *ARCHS[arch], "--max_steps", 1, "--output", arch)
    run(landscapes, "train_pix2pix", "--resume", "spade", "--arch", "spade", "--max_steps", 2)
    weights = ["--weights", "spade/generator.safetensors"]
    odd = np.full((45, 70), 7, np.uint8)
    odd[20:, 30:] = 28
    for name, value in (("odd", 28), ("other", 3)):
        Image.fromarray(np.where(odd == 28, np.uint8(value), odd)).save(landscapes / f"{name}.png")
    Image.new("L", (6, 5), 3).save(landscapes / "small.png")
    run(landscapes, "translate", "odd.png", "other.png", "small.png", *weights)
    drawn = [np.asarray(Image.open(landscapes / "translated" / f"{name}.png")) for name in ("odd", "other")]
    assert drawn[0].shape == (45, 70, 3) and not np.array_equal(*drawn)
    assert Image.open(landscapes / "translated" / "small.png").size == (6, 5)
    assert (
        "--seed means nothing to the generator"
        in run(landscapes, "translate", "odd.png", *weights, "--seed", 1, status=2).err
    )

    done = run(landscapes, "translate", "odd.png", "--weights", "spade_noise/generator.safetensors", status=2)
    assert "begins with noise draws images of 64x32 alone, and was given one of 70x45" in done.err
    Image.fromarray(odd + 1).save(landscapes / "odd.png")
    done = run(landscapes, "translate", "odd.png", *weights, "--output", "again", status=2)
    assert "left out odd.png: it holds the value 29, and the classes of 29 are 0 to 28" in done.err


def test_spade_learns_four_maps(landscapes):
    """Mean absolute difference to their pictures, 0 to 255."""
    options = ["--arch", "spade", "--conv_dim", 4, "--no_jitter", "--batch_size", 4, "--lr", 0.004, "--lr_d", 0.004]
    run(landscapes, "train_pix2pix", "--data_dir", ".", *COMMON, *options, "--max_steps", 100, "--output", "run")
    run(
        landscapes, "evaluate", "--weights", "run/generator.safetensors", "--data_dir", "train",
        "--img_size", f"{WIDTH}x{HEIGHT}", "--json", "scores.json",
    )  # fmt: skip
    assert json.loads((landscapes / "scores.json").read_text())["scores"]["translated"]["l1"] < 30


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--arch", "spade"],
            "--arch spade draws from label maps; give the number of their classes as --label_classes",
        ),
        ([*COMMON, "--arch", "spade", "--lambda_l1", 5], "--lambda_l1 means nothing to --arch spade; leave it out"),
        (
            [*COMMON, "--arch", "spade", "--upsample", "resize"],
            "--upsample means nothing to --arch spade; leave it out",
        ),
        ([*COMMON, "--latent_dim", 5], "--latent_dim means nothing to --arch unet; leave it out"),
        ([*COMMON, "--in_channels", 3], "--in_channels is about images, --label_classes about label maps"),
        ([*COMMON, "--arch", "spade", "--gan_mode", "wgangp"], "--gan_mode wgangp is for --arch unet"),
        (["--label_classes", 28, "--img_size", 32], "train/A/0.png cannot be used: it holds the value 28, and"),
        (
            ["--label_classes", 29, "--direction", "b2a"],
            "train/B/0.png cannot be used: its mode is RGB; a label map is",
        ),
        (["--label_classes", 257], "--label_classes: 257 is too large; at most 256 is possible"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(refused, landscapes, arguments, sentence):
    assert sentence in refused("train_pix2pix", "--data_dir", ".", *arguments)


def test_a_run_whose_size_was_a_number_is_resumed(landscapes):
    options = ["--data_dir", ".", "--label_classes", N_CLASSES, "--img_size", 32, "--conv_dim", 8]
    run(landscapes, "train_pix2pix", *options, "--max_steps", 1, "--output", "run")
    config = json.loads((landscapes / "run" / "config.json").read_text())
    assert config["options"]["img_size"] == "32"
    config["options"]["img_size"] = 32
    (landscapes / "run" / "config.json").write_text(json.dumps(config))
    run(landscapes, "train_pix2pix", "--resume", "run", "--img_size", 32, "--max_steps", 2)
    assert options_of(landscapes / "run")["img_size"] == "32"


@pytest.mark.parametrize(
    ("img_size", "of_unet", "of_spade"),
    [("256", 8, 6), ("512x384", 7, 6), ("128", 7, 5), ("96x64", 5, 4), ("32", 5, 3)],
)
def test_the_sizes_are_halved_as_often_as_they_can(img_size, of_unet, of_spade):
    program = module("train_pix2pix")
    levels = [
        program.n_levels(program.Options(arch=arch, img_size=img_size, label_classes=2)) for arch in program.DEFAULTS
    ]
    assert levels == [of_unet, of_spade]


@pytest.mark.parametrize(
    ("arch", "options", "rates"),
    [
        ("unet", {}, [0.0002, 0.0002]),
        ("unet", {"lr": 0.001, "lr_d": 0.003}, [0.001, 0.003]),
        ("spade", {}, [0.0001, 0.0004]),
        ("spade", {"lr": 0.001}, [0.001, 0.0004]),
    ],
)
def test_the_discriminator_has_a_learning_rate_of_its_own(arch, options, rates):
    program = module("train_pix2pix")
    opt = program.Options(arch=arch, img_size="32", label_classes=2, conv_dim=2, **options)
    assert [optimizer.lr for optimizer in program.build(opt).optimizers.values()] == rates
