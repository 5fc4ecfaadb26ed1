from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from programs import run, write_images

from jgan import metrics
from jgan.data.folder import load_folder
from jgan.data.paired import load_pairs
from jgan.models import cgan, cyclegan, dcgan, pix2pix
from jgan.models.classifier import Classifier
from jgan.weights.arrays import load_header, save
from jgan.weights.networks import save_network

WEIGHTS = ROOT / "weights"
MNIST_JUDGE = WEIGHTS / "classifier_mnist.safetensors"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders of images, of classes, of pairs and of two domains; and a small network of each kind."""
    folder = tmp_path_factory.mktemp("pictures")
    for i, name in enumerate(("testA", "testB")):
        write_images(folder / "domains" / name, 3 + i, seed=i)
    for i, name in enumerate(("a", "b")):
        write_images(folder / "classes" / name, 40, seed=i)
    for name, seed in (("pairs", 0), ("others", 1), ("split/train", 2)):
        (folder / name).mkdir(parents=True)
        for i, pixels in enumerate(np.random.default_rng(seed).integers(0, 256, (3, 32, 64, 3), np.uint8)):
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    save_network(folder / "cgan", cgan.Generator(n_classes=2, img_size=16, channels=3, width=4), classes=("a", "b"))
    save_network(folder / "judge", Classifier(n_classes=2, img_size=16, channels=3, width=1), classes=("a", "b"))
    write_images(folder / "few", 5)
    save(folder / "state", {}, {"step": 3, "optimizer_steps": {}})
    save_network(folder / "dcgan", dcgan.Generator(img_size=16, channels=3, conv_dim=2))
    save_network(folder / "pix2pix", pix2pix.Generator(in_channels=1, out_channels=3, conv_dim=2, n_levels=5))
    save_network(folder / "odd", pix2pix.Generator(conv_dim=2, n_levels=5), img_size=32, direction="x2y")
    save(folder / "damaged", {}, {"model": "pix2pix.Generator", "options": None})
    save(folder / "bare", {}, {"model": "cyclegan.Generators", "options": {}})
    save_network(folder / "cyclegan", cyclegan.Generators(channels=3, conv_dim=2, n_blocks=1))
    return folder


TRANSLATOR = ["--weights", "pix2pix", "--direction", "a2b", "--img_size", "32"]


def evaluate(folder, *options):
    """What the program prints, and the JSON that it writes."""
    path = folder / "scores.json"
    done = run(folder, "evaluate", *options, "--json", path)
    content = json.loads(path.read_text())
    path.unlink()
    return done.out, content


def test_a_conditional_generator_is_scored_beside_other_real_images(pictures, tmp_path):
    options = ["--weights", "cgan", "--dataset", "folder", "--data_dir", "classes", "--judge", "judge"]
    out, content = evaluate(pictures, *options, "--n_samples", 100, "--samples", tmp_path / "samples")
    assert content["protocol"]["drawn"] == 40 and content["protocol"]["beside"] == "40 of 40 real images"
    assert content["protocol"]["data"].startswith("folder, 40 + 40 images, crc32 ")
    scores = content["scores"]["drawn"]
    images = {path.stem: np.asarray(Image.open(path)) for path in sorted((tmp_path / "samples").iterdir())}
    assert list(images) == [f"{i:05d}_label{i % 2}" for i in range(40)]
    drawn = np.stack(list(images.values())).transpose(0, 3, 1, 2)
    real = load_folder(pictures / "classes", size=16, labelled=True).pixels[::2]
    expected = metrics.sliced_wasserstein(real, drawn, random=rng_of_patches())
    assert scores["sliced_wasserstein"] == pytest.approx(np.mean(list(expected.values())))
    assert scores.keys() >= {"frechet_distance", "kernel_distance", "recall", "coverage", "within_class_diversity"}
    counts = np.array(scores["confusion"])
    assert counts.sum(axis=1).tolist() == [20, 20] and scores["accuracy"] == np.trace(counts) / 40
    assert scores["accuracy_by_class"] == {"a": counts[0, 0] / 20, "b": counts[1, 1] / 20}
    for name, value in scores.items():
        if isinstance(value, float):
            (line,) = re.findall(rf"^{name.replace('_', ' ')} +[0-9-].*$", out, re.M)
            assert line.split()[-2] == f"{value:.4f}"


def rng_of_patches():
    return np.random.default_rng([0, 0, *b"patches"])


def test_the_same_command_gives_the_same_scores(pictures):
    options = ["--weights", "cgan", "--dataset", "folder", "--data_dir", "classes", "--judge", "judge"]
    first, again, other = (evaluate(pictures, *options, "--n_samples", 100, "--seed", seed) for seed in (0, 0, 1))
    assert first == again and first[1]["scores"] != other[1]["scores"]


def test_a_generator_without_a_judge_has_the_distance_that_needs_none(pictures):
    _, content = evaluate(pictures, "--weights", "dcgan", "--dataset", "folder", "--data_dir", "classes")
    assert content["protocol"]["judge"] == "none"
    for scores in content["scores"].values():
        assert scores.keys() == {"sliced_wasserstein", "sliced_wasserstein_by_size"}
    distances = {name: scores["sliced_wasserstein"] for name, scores in content["scores"].items()}
    assert distances["other real images"] < distances["drawn"]


@pytest.mark.parametrize("direction", ["a2b", "b2a"])
def test_translations_are_compared_with_their_targets(pictures, tmp_path, direction):
    _, content = evaluate(
        pictures, "--weights", "pix2pix", "--data_dir", "pairs", "--direction", direction, "--img_size", 32,
        "--samples", tmp_path / "samples",
    )  # fmt: skip
    assert content["protocol"]["pairs"] == 3
    translated = load_folder(tmp_path / "samples", size=32).pixels
    forth = 1 if direction == "a2b" else -1
    targets = load_pairs(pictures / "pairs", size=(32, 32), channels=(1, 3)[::forth])[::forth][1].pixels
    scores = content["scores"]["translated"]
    assert scores["l1"] == pytest.approx(np.abs(translated.astype(float) - targets).mean())
    assert scores.keys() >= {"psnr", "ssim", "sliced_wasserstein"}


@pytest.mark.parametrize("direction", ["a2b", "b2a"])
def test_size_and_direction_are_those_of_the_training_unless_given(pictures, tmp_path, direction):
    run(
        tmp_path, "train_pix2pix", "--data_dir", pictures / "pairs", "--direction", direction, "--img_size", "64x32",
        "--conv_dim", 2, "--max_steps", 1, "--evaluate_interval", 1, "--val_dir", pictures / "others", "--output", "run"
    )  # fmt: skip
    for name in ("generator", "best"):
        options = ["--weights", tmp_path / "run" / f"{name}.safetensors", "--data_dir", "pairs"]
        implied = evaluate(pictures, *options)
        assert implied == evaluate(pictures, *options, "--direction", direction, "--img_size", "64x32")
        protocol = implied[1]["protocol"]
        assert (protocol["size"], protocol["direction"]) == ("64x32", direction)
        _, other = evaluate(pictures, *options, "--direction", "b2a", "--img_size", 64)
        assert (other["protocol"]["size"], other["protocol"]["direction"]) == ("64", "b2a")
    header = load_header(tmp_path / "run" / "generator.safetensors")
    assert (header["img_size"], header["direction"]) == ("64x32", direction)


def test_cyclegans_are_scored_at_the_size_of_their_training(pictures, tmp_path):
    run(
        tmp_path, "train_cyclegan", "--dir_a", pictures / "domains/testA", "--dir_b", pictures / "domains/testB",
        "--img_size", 24, "--conv_dim", 2, "--n_blocks", 1, "--max_steps", 1, "--output", "run",
    )  # fmt: skip
    _, content = evaluate(pictures, "--weights", tmp_path / "run/generator.safetensors", "--data_dir", "domains")
    assert content["protocol"]["size"] == "24"


@pytest.mark.parametrize("held_out", ["val", "test"])
def test_pairs_that_were_held_out_are_scored_alone(pictures, tmp_path, held_out):
    for name, source in (("train", "others"), (held_out, "pairs")):
        shutil.copytree(pictures / source, tmp_path / "all" / name)
    _, within = evaluate(pictures, *TRANSLATOR, "--data_dir", tmp_path / "all")
    _, alone = evaluate(pictures, *TRANSLATOR, "--data_dir", "pairs")
    assert within["scores"] == alone["scores"]
    assert within["protocol"].pop("folder") == str(tmp_path / "all" / held_out)
    assert alone["protocol"].pop("folder") == "pairs" and within == alone


def test_translations_without_pairs_are_compared_with_their_domain_as_the_inputs_are(pictures):
    _, content = evaluate(pictures, "--weights", "cyclegan", "--data_dir", "domains", "--img_size", 16)
    assert list(content["scores"]) == ["a2b", "a2b, untranslated", "b2a", "b2a, untranslated"]
    a, b = (load_folder(pictures / "domains" / name, size=16).pixels for name in ("testA", "testB"))
    chosen = np.sort(np.random.default_rng([0, 0, *b"compared"]).permutation(4)[:3])
    expected = metrics.sliced_wasserstein(b[chosen], a, random=rng_of_patches())
    assert content["scores"]["a2b, untranslated"]["sliced_wasserstein_by_size"] == {"16": pytest.approx(expected[16])}


def test_mnist_has_its_judge_and_its_test_images(tmp_path):
    """Of few images, to be quick; the figures of 10,000 are in weights/README.md."""
    _, content = evaluate(
        tmp_path, "--weights", WEIGHTS / "gan_mnist.safetensors", "--dataset", "mnist", "--n_samples", 500
    )
    assert "classifier_mnist.safetensors (sha256 " in content["protocol"]["judge"]
    assert content["protocol"]["beside"] == "500 of 60000 real images"
    drawn, other = content["scores"].values()
    assert "accuracy" not in drawn and drawn.keys() == other.keys()
    assert other["frechet_distance"] < 0.3 * drawn["frechet_distance"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weights", "cgan"], "give the real images as --dataset: mnist, fashion_mnist, folder"),
        (["--weights", "cgan", "--dataset", "folder"], "give the folder of real images as --data_dir"),
        (["--weights", "cgan", "--dataset", "mnist", "--direction", "a2b"], "--direction means nothing to cgan.Gen"),
        (["--weights", "pix2pix", "--data_dir", "pairs", "--judge", "judge"], "--judge means nothing to pix2pix.Gen"),
        (["--weights", "pix2pix", "--data_dir", "pairs"], "pix2pix does not say which --direction it was trained with"),
        (["--weights", "pix2pix", "--data_dir", "pairs", "--direction", "a2b"], "which --img_size it was trained with"),
        (["--weights", "cyclegan", "--data_dir", "domains"], "which --img_size it was trained with; give it, too"),
        (["--weights", "odd", "--data_dir", "pairs"], "odd is damaged: x2y is no direction"),
        (["--weights", "damaged", "--data_dir", "pairs"], "damaged is damaged .* None are not the options"),
        (["--weights", "bare", "--data_dir", "domains"], "bare holds cyclegan.Generators; generators and"),
        ([*TRANSLATOR, "--dir_a", "x"], "give the test images as --data_dir, or as"),
        ([*TRANSLATOR, "--data_dir", "split"], "split has train/ in it, but no val/ or test/"),
        (["--weights", "cyclegan", "--data_dir", "pairs"], "pairs does not hold testA/ and testB/"),
        (["--weights", "cyclegan", "--data_dir", "domains", "--direction", "a2b"], "leave --direction out"),
        (["--weights", "none", "--dataset", "mnist"], "there is no weights file none"),
        (["--weights", "judge"], "judge holds classifier.Classifier; generators and translators are scored"),
        (["--weights", "state"], "state holds the state of a run; generators and translators"),
        (["--weights", "dcgan", "--dataset", "folder", "--data_dir", "classes", "--json", "pairs"], "is a folder"),
        (["--weights", "dcgan", "--dataset", "folder", "--data_dir", "few", "--judge", "judge"], "2 images .* too few"),
        (["--weights", "cgan", "--dataset", "folder", "--data_dir", "classes", "--judge", "cgan"], "which is no judge"),
        (["--weights", "dcgan", "--dataset", "folder", "--data_dir", "classes", "--judge", "x"], "there is no judge x"),
        (["--weights", "dcgan", "--dataset", "folder", "--data_dir", "classes", "--samples", "pairs"], "is not empty"),
        (["--weights", "dcgan", "--dataset", "folder", "--data_dir", "classes", "--json", "x/y"], "x does not exist"),
        ([*TRANSLATOR, "--data_dir", "few", "--samples", "made/here"], "few/.* is no pair side by side"),
        (["--weights", "cgan", "--dataset", "folder", "--data_dir", "domains"], "draws the classes a, b, and those of"),
        (["--weights", "dcgan", "--dataset", "mnist", "--judge", MNIST_JUDGE], "reads grey images, and those to judge"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_said(refused, pictures, monkeypatch, options, message):
    options = [pictures / each if (pictures / str(each)).exists() else each for each in options]
    assert re.search(message, refused("evaluate", *options).replace(f"{pictures}/", ""))
    assert list(Path.cwd().iterdir()) == []
