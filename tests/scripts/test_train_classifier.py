from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from programs import run, to_the_bit, write_images

from jgan.training.log import read_log
from jgan.weights.arrays import load_header

SMALL = ["--conv_dim", 2, "--batch_size", 8, "--img_size", 16]


@pytest.fixture(scope="module")
def shades(tmp_path_factory):
    """Two classes that anybody can tell apart, of 30 images each."""
    folder = tmp_path_factory.mktemp("shades") / "images"
    for name, (low, high) in {"bright": (150, 255), "dark": (0, 100)}.items():
        (folder / name).mkdir(parents=True)
        for i, pixels in enumerate(np.random.default_rng(0).integers(low, high, (30, 16, 16, 3), np.uint8)):
            Image.fromarray(pixels).save(folder / name / f"{i:02d}.png")
    return folder


def test_a_judge_learns_the_classes_of_a_folder(shades, tmp_path):
    options = ["--dataset", "folder", "--data_dir", shades, "--channels", 3, *SMALL, "--mirror"]
    run(tmp_path, "train_classifier", *options, "--max_steps", 40, "--evaluate_interval", 10, "--output", "run")
    scores = read_log(tmp_path / "run" / "scores.jsonl")
    assert [entry["step"] for entry in scores] == [10, 20, 30, 40] and scores[-1]["test_error"] == 0
    for name in ("classifier", "best"):
        header = load_header(tmp_path / "run" / f"{name}.safetensors")
        assert header["model"] == "classifier.Classifier" and header["classes"] == ["bright", "dark"]
        assert header["ema_decay"] == 0.999
    assert not (tmp_path / "run" / "generator.safetensors").exists()
    logged = [entry["loss"] for entry in read_log(tmp_path / "run" / "log.jsonl")]
    assert logged[-1] < 0.8 * logged[0]


@to_the_bit
def test_a_resumed_training_is_the_same_to_the_bit(shades, tmp_path):
    options = ["--dataset", "folder", "--data_dir", shades, "--channels", 3, *SMALL, "--evaluate_interval", 2]
    run(tmp_path, "train_classifier", *options, "--max_steps", 4, "--output", "whole")
    run(tmp_path, "train_classifier", *options, "--max_steps", 3, "--output", "parts")
    run(tmp_path, "train_classifier", "--resume", "parts", "--max_steps", 4)
    for name in ("state.safetensors", "classifier.safetensors", "best.safetensors", "scores.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name


def test_mnist_is_tested_by_its_test_images(tmp_path):
    run(tmp_path, "train_classifier", *SMALL, "--max_steps", 2, "--evaluate_interval", 2, "--output", "run")
    (entry,) = read_log(tmp_path / "run" / "scores.jsonl")
    assert round(entry["test_error"] * 10000, 6).is_integer() and 0.5 < entry["test_error"] <= 1


def test_what_cannot_be_told_apart_is_refused(refused, tmp_path):
    write_images(tmp_path / "one" / "only", 3)
    options = ["--dataset", "folder", "--data_dir", "one"]
    assert "holds one class, only; two or more are needed" in refused("train_classifier", *options)
    write_images(tmp_path / "one" / "single", 1)
    assert "the class single has one image" in refused("train_classifier", *options)
    assert "--img_size must be a multiple of 8, not 30" in refused("train_classifier", "--img_size", 30)
    assert "unrecognized arguments: --latent_dim" in refused("train_classifier", "--latent_dim", 3)
