"""GAN, DCGAN, WGAN and WGAN-GP, each trained by its program as its users do."""

from __future__ import annotations

import json
import re
import shutil
import tempfile

import jittor as jt
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from programs import (
    files_in,
    module,
    options_of,
    pipe_at,
    require_falling_steps,
    require_same_file,
    require_same_run_after_ctrl_c,
    require_same_run_in_two_parts,
    run,
    to_the_bit,
    write_images,
)

from jgan import algorithms
from jgan.data import mnist
from jgan.data.batches import Batches
from jgan.data.folder import load_folder
from jgan.inference.generators import load_generator
from jgan.jittor_setup import runtime
from jgan.models import network_class
from jgan.models.classifier import Classifier
from jgan.random import rng
from jgan.training.log import read_log
from jgan.weights.arrays import load, load_header
from jgan.weights.networks import save_network

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
ON_PICTURES = [
    "--dataset", "folder", "--data_dir", "pictures", "--channels", 3, "--batch_size", 4, "--latent_dim", 8,
    "--seed", 5,
]  # fmt: skip
DCGAN = [*SMALL["train_dcgan"][1:], *ON_PICTURES]
GAN = [*SMALL["train_gan"][1:], *ON_PICTURES]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        (
            "train_gan",
            {},
            {
                "dataset": "mnist", "img_size": 28, "latent_dim": 100, "lr": 0.002, "gan_mode": "vanilla",
                "real_target": None,
            },
        ),
        (
            "train_dcgan",
            {},
            {
                "dataset": "folder", "img_size": 64, "channels": 3, "lr": 0.0002, "b1": 0.5, "b2": 0.999,
                "gan_mode": "vanilla", "real_target": None,
            },
        ),
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
    options = vars(module(name).Options(**given))
    assert {key: options[key] for key in expected} == expected


PROGRAMS = {path.stem for path in (ROOT / "scripts").glob("*.py")} - {"make_fixtures"}  # which has no options


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_program_has_a_help(tmp_path, name):
    assert f"usage: {name}.py" in run(tmp_path, name, "--help").out


@pytest.fixture
def pictures(tmp_path):
    """The folder "pictures" in the test's folder."""
    return write_images(tmp_path / "pictures", 30)


@to_the_bit
def test_a_run_stopped_by_ctrl_c_and_resumed_is_the_same_run_to_the_bit(tmp_path, pictures):
    require_same_run_after_ctrl_c(tmp_path, "train_gan", GAN)


@pytest.mark.parametrize("program", SMALL)
def test_the_programs_step_by_the_learning_rate(tmp_path, pictures, program):
    """Of the 30 pictures an epoch is 8 steps of 4, or 4 of twice as many for the critic."""
    name, *small = SMALL[program]
    n_steps = 4 if "--n_critic" in small else 8
    require_falling_steps(tmp_path, name, [*small, *ON_PICTURES], n_steps=n_steps)


@to_the_bit
@pytest.mark.parametrize("program", SMALL)
def test_a_run_in_two_parts_is_the_same_run_to_the_bit(tmp_path, refused, pictures, program):
    name, *small = SMALL[program]
    whole = require_same_run_in_two_parts(tmp_path, name, [*small, *ON_PICTURES])
    assert (whole / "config.json").exists() and (whole / "samples" / "real.png").exists()
    assert read_log(whole / "log.jsonl")[-1].keys() == {"step", "images_per_s"} | LOGGED[name]
    assert Image.open(whole / "samples" / "0000004.png").mode == "RGB"

    Image.new("RGB", (9, 9)).save(pictures / "one more.png")
    assert "was started on other data (data: 30 images" in refused(name, "--resume", "parts", "--max_steps", 6)


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
        ("train_gan", ["--img_size", 16, "--b1", 0.5, "--max_steps", 500], 0.6),  # measured: 62 -> 23
        ("train_dcgan", [*AT_16, "--lr", 0.001, "--max_steps", 300], 0.5),  # 63 -> 10
        ("train_wgan", [*AT_16, "--lr", 0.001, "--max_steps", 50], 0.5),  # 62 -> 17
        ("train_wgan_gp", [*AT_16, "--lr", 0.001, "--max_steps", 50], 0.5),  # 62 -> 20
    ],
)
def test_a_short_training_on_mnist_brings_the_images_nearer_to_the_real_ones(tmp_path, name, arguments, share):
    """The Frechet distance falls below a stated share of the untrained generator's."""
    run(tmp_path, name, *arguments, "--output", "run")
    weights = tmp_path / "run" / "generator.safetensors"
    header = load_header(weights)
    jt.set_seed(5)
    untrained = network_class(header["model"])(**header["options"])
    untrained.eval()
    data = mnist.load_mnist("test", size=header["options"]["img_size"], labelled=False)
    real = data.batch(np.arange(1000))
    before, after = (frechet(real, drawn_by(generator)) for generator in (untrained, load_generator(weights)))
    assert after < share * before


def test_a_named_data_set_is_trained_on_as_it_is_and_its_classes_are_not_needed(tmp_path):
    run(tmp_path, "train_dcgan", "--dataset", "mnist", "--img_size", 16, "--conv_dim", 2, "--max_steps", 1)
    sheet = np.asarray(Image.open(tmp_path / "runs" / "dcgan" / "samples" / "real.png"))
    digit = mnist.load_mnist("train", size=16).pixels[1, 0]
    assert np.array_equal(sheet[2:18, 20:36], digit[..., None].repeat(3, 2))
    assert "classes" not in load_header(tmp_path / "runs" / "dcgan" / "generator.safetensors")


def hinge(real, fake):
    return np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()


def vanilla(target):
    """Cross-entropy of probabilities, in float64."""

    def loss(real, fake):
        real, fake = (1 / (1 + np.exp(-logits.astype(np.float64))) for logits in (real, fake))
        return -(target * np.log(real) + (1 - target) * np.log(1 - real)).mean() - np.log(1 - fake).mean()

    return loss


def least_squares(target):
    return lambda real, fake: ((real - target) ** 2).mean() + (fake**2).mean()


@pytest.mark.parametrize(
    ("options", "loss"),
    [
        ([], vanilla(0.9)),
        (["--real_target", 1], vanilla(1.0)),
        (["--gan_mode", "lsgan"], least_squares(0.9)),
        (["--gan_mode", "lsgan", "--real_target", 0.7], least_squares(0.7)),
        (["--gan_mode", "hinge"], hinge),
    ],
)
def test_the_first_loss_is_that_of_the_untrained_networks(tmp_path, pictures, options, loss):
    """Their outputs are computed here, and the loss of them by numpy."""
    run(tmp_path, "train_dcgan", *DCGAN, *options, "--max_steps", 1, "--output", "run")
    runtime.seed_jittor(5, "weights")
    sizes = {"latent_dim": 8, "img_size": 16, "channels": 3, "conv_dim": 4}
    generator, discriminator = algorithms.dcgan(algorithms.framework("jittor"), **sizes).networks.values()
    real = load_folder(pictures, size=16).batch(Batches(30, batch_size=4, seed=5).at(0))
    z = rng(5, "noise", 0).standard_normal((8, 8), dtype=np.float32)[:4]
    scores = [discriminator(images).numpy() for images in (jt.array(real), generator(jt.array(z)))]
    (logged,) = read_log(tmp_path / "run" / "log.jsonl")
    assert logged["d_loss"] == pytest.approx(loss(*scores), rel=1e-4)
    assert options_of(tmp_path / "run")["gan_mode"] == ("vanilla" if "--gan_mode" not in options else options[1])


@to_the_bit
def test_a_recipe_is_resumed_to_the_bit(tmp_path, pictures):
    """Spectral normalisation keeps its vectors in the state; its discriminator has no BatchNorm."""
    recipe = ["--gan_mode", "hinge", "--spectral_norm", "--lambda_r1", 0.5, "--augment", "color,translation,cutout"]
    whole = require_same_run_in_two_parts(tmp_path, "train_dcgan", [*DCGAN, *recipe])
    assert read_log(whole / "log.jsonl")[-1]["r1"] > 0
    arrays, _ = load(whole / "state.safetensors")
    names = {name.rpartition(".")[2] for name in arrays if name.startswith("discriminator/")}
    assert names == {"weight", "running_u"}


def test_augmented_images_are_what_the_discriminator_learns(tmp_path, pictures):
    """The first losses of two runs differ by what is augmented alone."""
    for name, options in (("plain", []), ("augmented", ["--augment", "cutout"])):
        run(tmp_path, "train_dcgan", *DCGAN, *options, "--max_steps", 1, "--output", name)
    plain, augmented = (read_log(tmp_path / name / "log.jsonl")[0]["d_loss"] for name in ("plain", "augmented"))
    assert plain != augmented


def test_gan_is_penalised_by_r1(tmp_path, pictures):
    run(tmp_path, "train_gan", *GAN, "--lambda_r1", 1, "--max_steps", 1, "--output", "run")
    assert read_log(tmp_path / "run" / "log.jsonl")[0]["r1"] > 0


def test_the_width_of_gan_is_that_of_its_hidden_layers(tmp_path, pictures):
    run(tmp_path, "train_gan", *GAN, "--width", 5, "--max_steps", 1, "--output", "run")
    arrays, _ = load(tmp_path / "run" / "state.safetensors")
    assert arrays["generator/model.0.weight"].shape == (5, 8)
    assert arrays["discriminator/model.0.weight"].shape == (20, 432)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], 2 * np.log(2)),
        (["--gan_mode", "lsgan", "--real_target", 0.3], 0.3**2),
        (["--gan_mode", "hinge"], 2),
    ],
)
def test_the_first_loss_of_gan_is_that_of_scores_near_0(tmp_path, pictures, options, expected):
    run(tmp_path, "train_gan", *GAN, *options, "--max_steps", 1, "--output", "run")
    (logged,) = read_log(tmp_path / "run" / "log.jsonl")
    assert logged["d_loss"] == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize("older", [False, True])
def test_what_a_kill_after_the_last_state_prevented_is_made_again(tmp_path, pictures, older):
    """Byte for byte, and half a file that it left is removed; an older generator may lie there, or none."""
    run(tmp_path, "train_gan", *GAN, "--max_steps", 3, "--output", "run", curves=True)
    folder, before = tmp_path / "run", files_in(tmp_path / "run")
    for name in ("generator.safetensors", "curves.png", "index.html", "samples/0000003.png"):
        (folder / name).unlink()
    (folder / ".state.safetensors.abcd1234").write_bytes(b"half a state")
    if older:
        run(tmp_path, "train_gan", *GAN, "--max_steps", 1, "--output", "older")
        shutil.copy(tmp_path / "older" / "generator.safetensors", folder)
        assert files_in(folder)["generator.safetensors"] != before["generator.safetensors"]
    done = run(tmp_path, "train_gan", "--resume", "run", "--max_steps", 3, curves=True)
    assert done.out == "run has done 3 steps\n"
    assert files_in(folder) == before


@to_the_bit
def test_a_run_of_the_version_before_is_resumed(tmp_path, pictures):
    """Its config.json has no option that came later."""
    folder = tmp_path / "run"
    run(tmp_path, "train_dcgan", *DCGAN, "--real_target", 0.9, "--max_steps", 3, "--output", "run")
    config = json.loads((folder / "config.json").read_text())
    del config["options"]["gan_mode"]
    (folder / "config.json").write_text(json.dumps(config))
    run(tmp_path, "train_dcgan", "--resume", "run", "--max_steps", 4)
    run(tmp_path, "train_dcgan", *DCGAN, "--max_steps", 4, "--output", "new")
    require_same_file(folder / "state.safetensors", tmp_path / "new" / "state.safetensors")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_pipe_and_an_image_too_large_are_named_and_left_out(tmp_path, pictures):
    Image.new("1", (10_000, 10_000)).save(pictures / "large.png")
    with pipe_at(pictures / "pipe.png"):
        done = run(tmp_path, "train_dcgan", *DCGAN, "--max_steps", 1, "--output", "run")
    assert f"left out {pictures}/pipe.png: it is not a regular file" in done.err
    assert f"left out {pictures}/large.png: it is suspiciously large" in done.err
    assert f"left out 2 of 32 images in {pictures}" in done.err


def test_strict_stops_at_an_image_that_cannot_be_used(tmp_path, refused, pictures):
    (pictures / "broken.png").write_text("no image")
    assert "broken.png cannot be used" in refused("train_dcgan", *DCGAN, "--strict")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train_dcgan"], "give the folder of images to train on as --data_dir"),
        (["train_dcgan", "--img_size", "48"], "--img_size: invalid choice: 48 (choose from 16, 32, 64, 128, 256)"),
        (["train_dcgan", "--data_dir", "gone"], "gone does not exist"),
        (["train_dcgan", "--data_dir", ".", "--output", "../run"], "there is no image in"),
        (["train_dcgan", "--data_dir", "."], "the run runs/dcgan would lie among its own images"),
        (["train_gan", "--data_dir", "."], "holds no file of mnist; --dataset folder trains on the images in it"),
        (["train_gan", "--data_dir", "gone"], "gone does not exist"),
        (["train_gan", "--strict"], "--strict is about the images of a folder"),
        (["train_gan", "--real_target", "1.5"], "--real_target: 1.5 is too large; at most 1 is possible"),
        (
            ["train_gan", "--gan_mode", "hinge", "--real_target", "0.9"],
            "the hinge loss has no target for real images; leave --real_target out",
        ),
        (["train_wgan", "--clip_value", "0"], "--clip_value: 0.0 must be above 0"),
        (["train_wgan", "--b1", "0.5"], "unrecognized arguments: --b1 0.5"),
        (["train_wgan", "--gan_mode", "hinge"], "unrecognized arguments: --gan_mode hinge"),
        (["train_wgan_gp", "--n_critic", "0"], "--n_critic: 0 is too small"),
        (["train_wgan_gp", "--img_size", "4"], "--img_size: 4 is too small; at least 8 is needed"),
        (["train_wgan_gp", "--arch", "conv", "--dataset", "mnist", "--img_size", "48"], "64, 128, 256, not 48"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_with_status_2(refused, arguments, sentence):
    assert sentence in refused(*arguments)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("train_dcgan", [*DCGAN, "--conv_dim", 100_000]),
        ("train_dcgan", [*DCGAN, "--batch_size", 10**10]),
        ("train_gan", ["--img_size", 1_000_000]),
        ("train_gan", [*GAN, "--latent_dim", 10**9]),
        ("train_wgan_gp", [*SMALL["train_wgan_gp"][1:], *ON_PICTURES, "--n_critic", 10**9]),
    ],
)
def test_sizes_for_which_there_is_no_memory_are_refused(tmp_path, refused, pictures, name, options):
    sentence = refused(name, *options, "--output", "run")
    assert re.search(r"need [0-9.]+ [GTPEZ]iB of memory, and [0-9.]+ [MGT]iB are free", sentence), sentence
    assert not (tmp_path / "run").exists()


def test_images_for_which_the_disk_has_no_room_are_refused(tmp_path, refused, pictures):
    """The sentence says how much room there is, not what is left once it is taken."""
    sentence = refused("train_wgan", *ON_PICTURES, "--img_size", 1_000_000, "--output", "run")
    assert "the 30 images take 81.9 TiB decoded at 1000000 x 1000000, and" in sentence
    room, unit = re.search(r"has room for ([0-9.]+) (\S+)", sentence).groups()
    free = shutil.disk_usage(tempfile.gettempdir()).free
    assert float(room) * 1024 ** ["B", "KiB", "MiB", "GiB", "TiB"].index(unit) == pytest.approx(free, rel=0.2)
    assert not (tmp_path / "run").exists()


def test_a_generator_is_scored_by_a_judge_as_evaluate_scores_it(tmp_path, refused):
    """Of few images: those of a run are the 10,000 that evaluate.py draws."""
    options = ["--img_size", 16, "--max_steps", 2, "--evaluate_interval", 2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jgan.inference.evaluation.N_SAMPLES", 300)
        run(tmp_path, "train_gan", *options, "--output", "run")
    (entry,) = read_log(tmp_path / "run" / "scores.jsonl")
    arguments = ["--weights", "run/best.safetensors", "--dataset", "mnist", "--n_samples", 300, "--json", "json"]
    run(tmp_path, "evaluate", *arguments)
    scores = json.loads((tmp_path / "json").read_text())["scores"]["drawn"]
    assert entry == {"step": 2, "frechet_distance": pytest.approx(scores["frechet_distance"], rel=1e-4)}
    assert f"there is no judge {tmp_path}/none" in refused("train_gan", *options, "--judge", "none")
    assert "--judge is about scores" in refused("train_gan", "--judge", ROOT / "weights" / "gan_mnist.safetensors")
    assert "gan_mnist.safetensors holds gan.Generator, which is no judge" in refused(
        "train_gan", *options, "--judge", ROOT / "weights" / "gan_mnist.safetensors", "--output", "other"
    )


def test_a_run_keeps_its_judge(tmp_path, refused, pictures):
    for seed, name in enumerate(("one", "other")):
        jt.set_seed(seed + 2)
        save_network(tmp_path / name, Classifier(n_classes=2, img_size=16, channels=3, width=1))
    options = [*GAN, "--evaluate_interval", 1, "--output", "run"]
    run(tmp_path, "train_gan", *options, "--max_steps", 1, "--judge", "one")
    assert "was started on other data (judge: crc32" in refused("train_gan", "--resume", "run", "--judge", "other")
    run(tmp_path, "train_gan", "--resume", "run", "--max_steps", 2)
    assert [entry["step"] for entry in read_log(tmp_path / "run" / "scores.jsonl")] == [1, 2]


def test_the_shipped_judge_does_not_score_what_it_cannot_read(tmp_path, refused):
    options = ["--channels", 3, "--max_steps", 1, "--evaluate_interval", 1]
    run(tmp_path, "train_gan", *options, "--img_size", 8, "--output", "run")
    (entry,) = read_log(tmp_path / "run" / "scores.jsonl")
    assert entry.keys() == {"step", "sliced_wasserstein"}
    assert "images of 7 x 7 and more can be scored, not of 6" in refused("train_gan", *options, "--img_size", 6)
