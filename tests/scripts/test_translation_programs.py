"""Pix2Pix and CycleGAN, each trained by its program as its users do, on pictures drawn here."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw
from programs import (
    files_in,
    options_of,
    require_falling_steps,
    require_same_file,
    require_same_run_after_ctrl_c,
    require_same_run_in_two_parts,
    run,
    to_the_bit,
)

from jgan.models import cyclegan, pix2pix
from jgan.training.log import read_log
from jgan.weights.arrays import load, load_header
from jgan.weights.networks import load_network


def scene(i, ground, figure):
    """A disc whose place depends on i, in two colours."""
    image = Image.new("RGB", (40, 40), ground)
    x, y = 6 + 7 * (i % 3), 6 + 8 * (i // 3 % 3)
    ImageDraw.Draw(image).ellipse([x, y, x + 14, y + 12], fill=figure)
    return np.asarray(image)


@pytest.fixture
def pictures(tmp_path):
    """pairs/ with pairs side by side, unpaired/ with images A and, fewer of them, B; either with others to score by."""
    folders = [f"unpaired/{split}{domain}" for split in ("train", "test") for domain in "AB"]
    for folder in ("pairs/train", "pairs/val", *folders):
        (tmp_path / folder).mkdir(parents=True)
    for i in range(4):
        a, b = scene(i, "black", "white"), scene(i, "olive", "orange")
        Image.fromarray(np.concatenate([a, b], axis=1)).save(tmp_path / "pairs" / "train" / f"{i}.png")
        Image.fromarray(a).save(tmp_path / "unpaired" / "trainA" / f"{i}.png")
    for i in (6, 7):
        a, b = scene(i, "black", "white"), scene(i, "olive", "orange")
        Image.fromarray(np.concatenate([a, b], axis=1)).save(tmp_path / "pairs" / "val" / f"{i}.png")
        for name, image in (("testA", a), ("testB", b)):
            Image.fromarray(image).save(tmp_path / "unpaired" / name / f"{i}.png")
    for i in range(3):
        Image.fromarray(scene(i + 4, "olive", "orange")).save(tmp_path / "unpaired" / "trainB" / f"{i}.png")
    return tmp_path


PIX2PIX = ["--data_dir", "pairs", "--img_size", 32, "--conv_dim", 8, "--seed", 5]
CYCLEGAN = [
    "--data_dir", "unpaired", "--img_size", 32, "--conv_dim", 4, "--n_blocks", 1, "--seed", 5,
]  # fmt: skip


def require_cyclegan(whole, steps):
    """What a run of CycleGAN with a pool of three images holds."""
    assert {"d_a_real", "d_b_fake", "cycle_a"} <= read_log(whole / "log.jsonl")[-1].keys()
    arrays, _ = load(whole / "state.safetensors")
    assert sum(key.startswith("pool_a/") for key in arrays) == 3  # the pool is part of the state
    sample = Image.open(whole / "samples" / f"{steps:07d}.png")
    assert sample.mode == "RGB"
    assert sample.size == (6 * 34 + 2, 3 * 34 + 2)  # as many rows as the smaller domain has images
    load_network(whole / "generator.safetensors", cyclegan.Generators)


@to_the_bit
def test_a_run_stopped_by_ctrl_c_and_resumed_is_the_same_run_to_the_bit(pictures):
    whole = require_same_run_after_ctrl_c(pictures, "train_cyclegan", [*CYCLEGAN, "--pool_size", 3])
    require_cyclegan(whole, load_header(whole / "state.safetensors")["step"])


@to_the_bit
@pytest.mark.parametrize(
    "more", [["--augment", "translation,cutout"], ["--arch", "conv"], ["--arch", "residual", "--lambda_identity", 0]]
)
def test_a_run_of_cyclegan_in_two_parts_is_the_same_run_to_the_bit(pictures, more):
    options = [*CYCLEGAN, *more, "--pool_size", 3, "--n_epochs", 1]
    require_cyclegan(require_same_run_in_two_parts(pictures, "train_cyclegan", options), 4)


@to_the_bit
@pytest.mark.parametrize(
    "options", [[], ["--gan_mode", "wgangp", "--batch_size", 3], ["--gan_mode", "hinge", "--upsample", "resize"]]
)
def test_a_run_of_pix2pix_in_two_parts_is_the_same_run_to_the_bit(pictures, options):
    whole = require_same_run_in_two_parts(pictures, "train_pix2pix", [*PIX2PIX, *options])
    logged = read_log(whole / "log.jsonl")[-1].keys()
    assert {"d_real", "d_fake"} <= logged and ("penalty" in logged) == ("wgangp" in options)
    sample = Image.open(whole / "samples" / "0000004.png")
    assert sample.mode == "RGB" and sample.size == (3 * 34 + 2, 4 * 34 + 2)
    load_network(whole / "generator.safetensors", pix2pix.Generator)


@pytest.mark.parametrize(("name", "options"), [("train_pix2pix", PIX2PIX), ("train_cyclegan", CYCLEGAN)])
def test_what_a_kill_after_the_last_state_prevented_is_made_again(pictures, name, options):
    """Byte for byte; a sample of Pix2Pix has noise in it, dropout."""
    run(pictures, name, *options, "--max_steps", 2, "--output", "run", curves=True)
    folder = pictures / "run"
    before = files_in(folder)
    for file in ("generator.safetensors", "curves.png", "index.html", "samples/0000002.png"):
        (folder / file).unlink()
    (folder / ".state.safetensors.abcd1234").write_bytes(b"half a state")
    run(pictures, name, "--resume", "run", "--max_steps", 2, curves=True)
    assert files_in(folder) == before


def test_another_image_is_another_data_set(refused, pictures):
    run(pictures, "train_cyclegan", *CYCLEGAN, "--max_steps", 1, "--output", "run")
    (pictures / "unpaired" / "trainB" / "0.png").unlink()
    sentence = refused("train_cyclegan", "--resume", "run", "--max_steps", 2)
    assert "was started on other data (data: 4 + 3 images" in sentence and "(4 + 2 images" in sentence


def test_pix2pix_learns_four_pairs(pictures):
    """Mean absolute difference to the targets in [-1, 1] over the last logged steps (measured: 0.24, then 0.017)."""
    run(pictures, "train_pix2pix", *PIX2PIX, "--no_jitter", "--lr", 0.002, "--max_steps", 150, "--output", "run")
    losses = [entry["g_l1"] for entry in read_log(pictures / "run" / "log.jsonl")]
    assert np.mean(losses[-5:]) < 0.05


@pytest.mark.parametrize("domain", ["a", "b"])
def test_cyclegans_discriminators_see_images_augmented(pictures, domain):
    """The first losses of two runs differ by what is augmented alone."""
    for name, options in (("plain", []), ("augmented", ["--augment", "color"])):
        run(pictures, "train_cyclegan", *CYCLEGAN, *options, "--max_steps", 1, "--output", name)
    plain, augmented = (read_log(pictures / name / "log.jsonl")[0] for name in ("plain", "augmented"))
    assert plain[f"d_{domain}_real"] != augmented[f"d_{domain}_real"] and plain["cycle_a"] == augmented["cycle_a"]


def test_cyclegan_learns_the_way_back(pictures):
    """The mean absolute differences after the way there and back, both together (measured: 0.45, then 0.16)."""
    run(pictures, "train_cyclegan", *CYCLEGAN, "--no_jitter", "--lr", 0.002, "--max_steps", 120, "--output", "run")
    log = read_log(pictures / "run" / "log.jsonl")
    assert np.mean([entry["cycle_a"] + entry["cycle_b"] for entry in log[-5:]]) < 0.25


@pytest.mark.parametrize(("name", "options"), [("train_pix2pix", PIX2PIX), ("train_cyclegan", CYCLEGAN)])
def test_the_programs_step_by_the_learning_rate(pictures, name, options):
    require_falling_steps(pictures, name, options, n_steps=4)


def test_a_run_is_resumed_for_longer_with_a_decay_epoch(refused, pictures):
    run(pictures, "train_pix2pix", *PIX2PIX, "--n_epochs", 1, "--output", "run")
    assert options_of(pictures / "run")["decay_epoch"] is None
    before = files_in(pictures / "run")
    sentence = refused("train_pix2pix", "--resume", "run", "--n_epochs", 3)
    assert "with --n_epochs 3 it would rise" in sentence and "say by --decay_epoch" in sentence
    assert files_in(pictures / "run") == before
    run(pictures, "train_pix2pix", "--resume", "run", "--n_epochs", 3, "--decay_epoch", 2, "--max_steps", 5)
    assert load_header(pictures / "run" / "state.safetensors")["step"] == 5
    assert options_of(pictures / "run")["decay_epoch"] == 2


@to_the_bit
@pytest.mark.parametrize(("name", "options"), [("train_pix2pix", PIX2PIX), ("train_cyclegan", CYCLEGAN)])
def test_a_run_of_the_version_before_is_resumed(pictures, name, options):
    """Its config.json holds the epoch from which the learning rate falls where none was given, and no strictness."""
    run(pictures, name, *options, "--n_epochs", 2, "--max_steps", 5, "--output", "run")
    config = json.loads((pictures / "run" / "config.json").read_text())
    assert config["options"]["decay_epoch"] is None
    config["options"]["decay_epoch"] = 1
    config["options"].pop("strict", None)
    (pictures / "run" / "config.json").write_text(json.dumps(config))
    run(pictures, name, "--resume", "run")
    run(pictures, name, *options, "--n_epochs", 2, "--output", "new")
    require_same_file(pictures / "run" / "state.safetensors", pictures / "new" / "state.safetensors")
    assert load_header(pictures / "run" / "state.safetensors")["step"] == 8


@pytest.mark.parametrize(("mode", "expected"), [("vanilla", np.log(2)), ("lsgan", 0.5), ("hinge", 1), ("wgangp", 0)])
def test_the_first_loss_is_that_of_scores_near_0(pictures, mode, expected):
    run(pictures, "train_pix2pix", *PIX2PIX, "--gan_mode", mode, "--max_steps", 1, "--output", "run")
    (logged,) = read_log(pictures / "run" / "log.jsonl")
    assert abs(logged["d_real"]) < 0.1 and abs(logged["d_fake"]) < 0.1
    assert logged["d_loss"] == pytest.approx(expected, abs=0.1)
    assert options_of(pictures / "run")["gan_mode"] == mode


def test_directions_and_channels(pictures):
    options = ["--direction", "b2a", "--in_channels", 3, "--out_channels", 1, "--max_steps", 1, "--output", "run"]
    run(pictures, "train_pix2pix", *PIX2PIX, *options)
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
        (
            ["train_pix2pix", "--img_size", "500x40"],
            "--img_size 500x40: width and height must be multiples of 32; the nearest is 512x32",
        ),
        (
            ["train_pix2pix", "--img_size", "3"],
            "--img_size 3: width and height must be multiples of 32; the nearest is 32",
        ),
        (["train_pix2pix", "--img_size", "32*64"], "--img_size '32*64' is no size; give one number, or WIDTHxHEIGHT"),
        (
            ["train_pix2pix", "--dir_a", "unpaired/trainA", "--dir_b", "unpaired/trainB"],
            "have no partner of their name in",
        ),
        (["train_cyclegan"], "give the images as --data_dir with trainA/ and trainB/, or as --dir_a and --dir_b"),
        (["train_cyclegan", "--data_dir", "pairs"], "pairs does not hold trainA/ and trainB/; give two folders as"),
        (["train_cyclegan", "--gan_mode", "hinge"], "unrecognized arguments: --gan_mode hinge"),
        (["train_pix2pix", "--data_dir", "unpaired/trainB"], "is no pair side by side; pairs in two folders"),
        (["train_pix2pix", "--data_dir", "half"], "half has B/ in it, but no A/, and pairs need both"),
        (["train_pix2pix", "--data_dir", "pairs", "--output", "pairs/train/run"], "among its own images"),
        (
            ["train_cyclegan", "--data_dir", "unpaired", "--output", "unpaired/trainB"],
            "the run unpaired/trainB would lie among its own images",
        ),
        (["train_cyclegan", "--dir_a", "unpaired/trainA", "--dir_b", "empty"], "there is no image in"),
        (
            ["train_cyclegan", "--data_dir", "unpaired", "--img_size", "36"],
            "--img_size must be a multiple of 8, not 36",
        ),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(refused, pictures, arguments, sentence):
    (pictures / "empty").mkdir()
    (pictures / "half" / "B").mkdir(parents=True)
    assert sentence in refused(*arguments)


def test_a_translator_is_scored_by_images_that_it_is_not_trained_on(pictures):
    """As evaluate.py scores the weights that the run leaves."""
    run(pictures, "train_pix2pix", *PIX2PIX, "--max_steps", 2, "--evaluate_interval", 2, "--output", "pix2pix")
    run(pictures, "train_cyclegan", *CYCLEGAN, "--max_steps", 2, "--evaluate_interval", 2, "--output", "cyclegan")
    for name, data in (("pix2pix", "pairs/val"), ("cyclegan", "unpaired")):
        options = ["--weights", f"{name}/best.safetensors", "--data_dir", data, "--img_size", 32]
        run(pictures, "evaluate", *options, "--json", f"{name}.json", "--seed", 5)
    (pix2pix,), (cyclegan,) = (read_log(pictures / name / "scores.jsonl") for name in ("pix2pix", "cyclegan"))
    translated = json.loads((pictures / "pix2pix.json").read_text())["scores"]["translated"]
    assert pix2pix.pop("step") == 2 and pix2pix.keys() == {"l1", "psnr", "ssim"}
    assert pix2pix == {name: pytest.approx(translated[name], rel=1e-4) for name in pix2pix}
    scores = json.loads((pictures / "cyclegan.json").read_text())["scores"]
    both = [scores[direction]["sliced_wasserstein"] for direction in ("a2b", "b2a")]
    assert cyclegan["sliced_wasserstein"] == pytest.approx(np.mean(both), rel=1e-3)
    assert [cyclegan[f"sliced_wasserstein_{name}"] for name in ("a2b", "b2a")] == pytest.approx(both, rel=1e-3)


def test_a_translator_without_images_to_score_by_is_refused(refused, pictures):
    options = ["--img_size", 32, "--evaluate_interval", 2]
    for val_dir in ("pairs/train", "pairs"):
        assert "pairs/train; give others as --val_dir" in refused(
            "train_pix2pix", "--data_dir", "pairs/train", "--val_dir", val_dir, *options
        )
    assert "would lie among its own images" in refused(
        "train_pix2pix", "--data_dir", "pairs", "--output", "pairs/val/run", *options
    )
    assert "give their folder as --val_dir" in refused("train_pix2pix", "--data_dir", "pairs/train", *options)
    where = ["--dir_a", "unpaired/trainA", "--dir_b", "unpaired/trainB"]
    assert "give a folder with testA/ and testB/" in refused("train_cyclegan", *where, *options)
    assert "--val_dir is about scores; give --evaluate_interval" in refused(
        "train_pix2pix", "--data_dir", "pairs", "--val_dir", "pairs/val"
    )
