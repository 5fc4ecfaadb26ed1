"""train_cgan.py on the real MNIST and on folders of classes: started, stopped, resumed and misused as its users do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, run_python
from PIL import Image
from programs import (
    files_in,
    options_of,
    require_falling_steps,
    require_same_file,
    require_same_run_in_two_parts,
    run,
    to_the_bit,
)

from jgan.data import mnist
from jgan.inference.generators import load_generator
from jgan.models.cgan import Generator
from jgan.random import normal, rng
from jgan.training.log import read_log
from jgan.training.page import write_page
from jgan.training.run import Run
from jgan.weights.arrays import load, load_header
from jgan.weights.networks import load_network


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The run directory of a real training of 200 steps with the warm-up's defaults."""
    folder = tmp_path_factory.mktemp("trained")
    run(folder, "train_cgan", "--arch", "mlp", "--max_steps", 200, "--output", "run", curves=True)
    return folder / "run"


def test_a_run_directory_is_complete(trained):
    files = {str(path.relative_to(trained)) for path in trained.rglob("*") if path.is_file()}
    assert files == {
        "config.json", "log.jsonl", "curves.png", "index.html", "state.safetensors", "generator.safetensors",
        "samples/real.png", "samples/0000200.png", ".lock",
    }  # fmt: skip
    config = json.loads((trained / "config.json").read_text())
    assert config["program"] == "train_cgan"
    (session,) = config["sessions"]
    assert {"jgan", "jittor", "numpy", "python", "g++", "device", "processor", "threads"} <= session.keys()
    assert session["classes"] == list("0123456789")
    warm_up = {
        "n_epochs": 100, "batch_size": 64, "lr": 0.0002, "b1": 0.5, "b2": 0.999, "latent_dim": 100, "gan_mode": "lsgan",
        "dataset": "mnist", "n_classes": None, "img_size": 32, "channels": 1, "sample_interval": 1000,
        "ema_decay": 0, "decay_epoch": None, "conv_dim": None,
    }  # fmt: skip
    assert warm_up.items() <= config["options"].items()


def test_the_log_shows_that_the_generator_catches_up(trained):
    """The discriminator is ahead at first; after 50 steps the generator's loss has fallen and stays below.

    The ratio was 0.72, 0.74 and 0.52 with three seeds; rounding alone makes runs differ.
    """
    log = read_log(trained / "log.jsonl")
    assert [entry["step"] for entry in log] == list(range(10, 201, 10))
    g_loss = [entry["g_loss"] for entry in log]
    assert np.mean(g_loss[5:]) < 0.9 * np.mean(g_loss[:5])


def test_the_grids_have_a_column_for_each_digit(trained):
    real = np.asarray(Image.open(trained / "samples" / "real.png"))
    drawn = Image.open(trained / "samples" / "0000200.png")
    assert real.shape == (342, 342) and drawn.size == (342, 342) and drawn.mode == "L"
    data = mnist.load_mnist("train", size=32)
    for label in range(10):
        example = data.pixels[data.labels == label][0, 0]
        assert np.array_equal(real[2:34, 2 + 34 * label : 34 + 34 * label], example)


def between_to_within(generator):
    """How far the mean images of the classes lie apart, against the spread within a class: a ratio of variances.

    100 samples of each class; 0.01 is expected of images that have nothing to do with their label.
    """
    import jittor as jt

    z = jt.array(normal(rng(0, "test"), 1000, generator.latent_dim))
    images = generator(z, np.repeat(np.arange(10), 100)).numpy().reshape((10, 100, -1))
    return images.mean(axis=1).var(axis=0).mean() / images.var(axis=1).mean()


def test_after_200_steps_the_samples_of_the_classes_differ(trained):
    """The ratio is above 0.5, having been below 0.1 before (measured: 1.30 and 0.07)."""
    untrained = Generator()
    untrained.eval()
    assert between_to_within(untrained) < 0.1
    generator = load_network(trained / "generator.safetensors", Generator)
    assert between_to_within(generator) > 0.5


def test_the_convolutional_networks_learn_to_draw_their_classes(tmp_path):
    """400 steps of small ones, at a learning rate for so few: the ratio was 0.079, having been 0.009."""
    run(
        tmp_path, "train_cgan", "--conv_dim", 16, "--img_size", 16, "--lr", 0.002, "--n_epochs", 1, "--max_steps", 400,
        "--output", "run",
    )  # fmt: skip
    recipe = {
        "arch": "conv", "b1": 0, "b2": 0.99, "latent_dim": 64, "gan_mode": "hinge", "ema_decay": 0.999,
    }  # fmt: skip
    assert recipe.items() <= options_of(tmp_path / "run").items()
    generator = load_generator(tmp_path / "run" / "generator.safetensors")
    untrained = type(generator)(**generator.model_options)
    untrained.eval()
    assert between_to_within(untrained) < 0.02
    assert between_to_within(generator) > 0.04


COLOURS = {"ant": (200, 30, 30), "bee": (230, 200, 20), "cat": (40, 60, 220)}
SMALL = [
    "--dataset", "folder", "--data_dir", "animals", "--img_size", 16, "--channels", 3, "--batch_size", 4,
    "--latent_dim", 8, "--seed", 5,
]  # fmt: skip


def make_animals(folder):
    """The folder "animals" in a folder, with a folder for each class, of five images in about the class's colour."""
    random = np.random.default_rng(0)
    for name in ("cat", "ant", "bee"):
        (folder / "animals" / name).mkdir(parents=True)
        for i in range(5):
            pixels = random.integers(-20, 20, (18, 16, 3)) + COLOURS[name]
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "animals" / name / f"{i}.png")


@pytest.fixture
def animals(tmp_path):
    """The folder of class folders "animals" in the test's folder."""
    make_animals(tmp_path)
    return tmp_path / "animals"


@pytest.fixture(scope="module")
def three_steps(tmp_path_factory):
    """A folder that holds "animals", and "run", three steps of training on them."""
    folder = tmp_path_factory.mktemp("classes")
    make_animals(folder)
    run(folder, "train_cgan", *SMALL, "--max_steps", 3, "--output", "run")
    return folder


@pytest.fixture
def to_resume(three_steps, tmp_path):
    """A copy of these in the test's folder, to be changed; returns its run."""
    shutil.copytree(three_steps, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "run" / "config.json"
    config.write_text(config.read_text().replace(str(three_steps), str(tmp_path)))
    write_page(Run(tmp_path / "run"))  # it shows the folder
    return tmp_path / "run"


def test_the_program_steps_by_the_learning_rate(animals, tmp_path):
    options = [*SMALL, "--conv_dim", 2, "--ema_decay", 0]
    require_falling_steps(tmp_path, "train_cgan", options, n_steps=4)


def test_the_folders_are_the_classes_by_their_names(three_steps):
    folder = three_steps / "run"
    (session,) = json.loads((folder / "config.json").read_text())["sessions"]
    header = load_header(folder / "generator.safetensors")
    assert session["classes"] == header["classes"] == ["ant", "bee", "cat"]
    assert header["options"]["n_classes"] == 3 and options_of(folder)["n_classes"] is None
    assert Image.open(folder / "samples" / "0000003.png").size == (3 * 18 + 2, 10 * 18 + 2)
    real = np.asarray(Image.open(folder / "samples" / "real.png")).astype(int)
    for column, colour in enumerate(COLOURS.values()):
        cells = real[2:, 2 + 18 * column : 18 + 18 * column]
        assert np.abs(cells[: 5 * 18].reshape((5, 18, 16, 3))[:, :16] - colour).max() < 40
        assert not cells[5 * 18 :].any()  # there are five of each


def test_samples_are_drawn_by_the_names_of_classes_as_by_their_numbers(three_steps):
    drawn = []
    for labels in ("cat,ant", "2,0", "0-2"):
        options = ["--weights", "run/generator.safetensors", "--seeds", "0-3", "--labels", labels]
        run(three_steps, "sample", *options, "--output", "sheet.png")
        drawn.append((three_steps / "sheet.png").read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]
    walked = []
    for label in ("bee", "1", "cat"):
        options = ["--weights", "run/generator.safetensors", "--path", "line", "--n", 2, "--label", label]
        run(three_steps, "interpolate", *options, "--output", "way.png")
        walked.append((three_steps / "way.png").read_bytes())
    assert walked[0] == walked[1] != walked[2]


def test_a_name_that_is_no_class_is_refused(refused, three_steps):
    weights = three_steps / "run" / "generator.safetensors"
    for labels, name in (("ant,dog", "dog"), ("3", "3"), ("1-3", "3")):
        sentence = refused("sample", "--weights", weights, "--labels", labels)
        assert f"--labels {labels}: {name} is none of the classes ant, bee, cat" in sentence
    sentence = refused("interpolate", "--weights", weights, "--label", "ant,bee")
    assert "--label ant,bee names 2 classes; give one" in sentence


@to_the_bit
def test_a_run_in_two_parts_is_the_same_run_to_the_bit(tmp_path, animals):
    recipe = ["--conv_dim", 4, "--lambda_r1", 1, "--augment", "translation"]
    whole = require_same_run_in_two_parts(tmp_path, "train_cgan", [*SMALL, *recipe])
    arrays, header = load(whole / "state.safetensors")
    assert header == {"step": 4, "optimizer_steps": {"optimizer_g": 4, "optimizer_d": 4}}
    assert not all(np.array_equal(array, 0 * array) for name, array in arrays.items() if "optimizer_d/m" in name)
    assert read_log(whole / "log.jsonl")[-1].keys() == {"step", "images_per_s", "g_loss", "d_loss", "class_loss", "r1"}


@pytest.mark.parametrize(("mode", "expected"), [("vanilla", np.log(2)), ("lsgan", 0.5), ("hinge", 1)])
def test_the_first_loss_is_that_of_scores_near_0(tmp_path, animals, mode, expected):
    run(tmp_path, "train_cgan", *SMALL, "--arch", "mlp", "--gan_mode", mode, "--max_steps", 1, "--output", "run")
    assert read_log(tmp_path / "run" / "log.jsonl")[0]["d_loss"] == pytest.approx(expected, abs=0.15)


def test_the_discriminator_sees_images_augmented(tmp_path, animals):
    """The first losses of two runs differ by what is augmented alone."""
    for name, options in (("plain", []), ("augmented", ["--augment", "cutout"])):
        run(tmp_path, "train_cgan", *SMALL, *options, "--max_steps", 1, "--output", name)
    plain, augmented = (read_log(tmp_path / name / "log.jsonl")[0]["d_loss"] for name in ("plain", "augmented"))
    assert plain != augmented


def test_another_seed_is_another_run(tmp_path, animals):
    for seed in (5, 6):
        run(tmp_path, "train_cgan", *SMALL, "--seed", seed, "--max_steps", 1, "--output", f"run{seed}")
    one, other = (load(tmp_path / f"run{seed}" / "generator.safetensors")[0] for seed in (5, 6))
    assert not np.array_equal(one["project.weight"], other["project.weight"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: shutil.rmtree(folder / "cat"), "was started on other data (data: 15 images"),
        (lambda folder: (folder / "cat").rename(folder / "dog"), "(classes: ['ant', 'bee', 'cat']) than it finds now"),
        (lambda folder: (folder / "ant" / "4.png").rename(folder / "bee" / "!.png"), "(labels: crc32 "),
        (lambda folder: (folder / "ant" / "4.png").unlink(), "was started on other data (data: 15 images"),
    ],
)
def test_a_run_is_not_resumed_with_other_classes_or_labels(refused, to_resume, change, sentence):
    """The third change keeps every image in its place, and gives one another label."""
    change(to_resume.parent / "animals")
    before = files_in(to_resume)
    assert sentence in refused("train_cgan", "--resume", "run", "--max_steps", 4)
    assert files_in(to_resume) == before


def test_a_run_finds_its_classes_in_a_new_place(tmp_path, refused, to_resume):
    (tmp_path / "animals").rename(tmp_path / "moved")
    assert "which is not there any more; say where it is as --data_dir" in refused("train_cgan", "--resume", "run")
    run(tmp_path, "train_cgan", "--resume", "run", "--max_steps", 4, "--data_dir", "moved")
    assert load(to_resume / "state.safetensors")[1]["step"] == 4
    assert options_of(to_resume)["data_dir"] == str(tmp_path / "moved")


@to_the_bit
def test_a_run_of_the_version_before_is_resumed(tmp_path):
    """Its config.json has no networks to choose, no data set, no loss, no recipe, and its sessions know no classes."""
    small = ["--arch", "mlp", "--img_size", 8, "--latent_dim", 8, "--batch_size", 4, "--n_classes", 10]
    run(tmp_path, "train_cgan", *small, "--max_steps", 2, "--output", "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    for name in ("arch", "dataset", "strict", "gan_mode", "decay_epoch", "lambda_r1", "augment", "conv_dim"):
        del config["options"][name]
    for name in ("labels", "classes"):
        del config["sessions"][0][name]
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    run(tmp_path, "train_cgan", "--resume", "run", "--max_steps", 3)
    run(tmp_path, "train_cgan", *small, "--max_steps", 3, "--output", "new")
    require_same_file(tmp_path / "run" / "state.safetensors", tmp_path / "new" / "state.safetensors")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda folder: [shutil.rmtree(folder / name) for name in ("ant", "bee")],
            "animals holds one class, cat; two or more are needed",
        ),
        (
            lambda folder: [(folder / "ant" / f"{i}.png").rename(folder / f"{i}.png") for i in (0, 1)],
            "not in the folder of a class, but in animals itself, lie 0.png, 1.png; make a folder in it",
        ),
        (
            lambda folder: (folder / "dog").mkdir(),
            "no image can be read in these class folders of animals: dog; remove them",
        ),
        (
            lambda folder: [path.write_text("no image") for path in (folder / "ant").iterdir()],
            "no image can be read in these class folders of animals: ant; remove them",
        ),
    ],
)
def test_folders_that_are_no_classes_are_refused(tmp_path, refused, animals, change, sentence):
    change(animals)
    assert sentence in refused("train_cgan", *SMALL, "--output", "run").replace(f"{tmp_path}/", "")
    assert not (tmp_path / "run").exists()


def test_the_number_of_classes_is_an_option_that_may_be_larger(tmp_path, refused, animals):
    assert "--n_classes 2: the data have 3; leave the option out" in refused("train_cgan", *SMALL, "--n_classes", 2)
    run(tmp_path, "train_cgan", *SMALL, "--n_classes", 5, "--max_steps", 1, "--output", "run")
    assert Image.open(tmp_path / "run" / "samples" / "0000001.png").size == (5 * 18 + 2, 10 * 18 + 2)


def test_a_diverging_run_stops_with_its_step(tmp_path, refused, animals):
    last = refused("train_cgan", *SMALL, "--lr", "1e30", "--max_steps", 10, "--output", "run")
    assert last.startswith("error: ") and "at step 2" in last and "smaller lr" in last
    assert not (tmp_path / "run" / "state.safetensors").exists()


def test_size_channels_and_classes_are_options(tmp_path):
    sizes = ["--img_size", 16, "--channels", 3, "--n_classes", 12, "--latent_dim", 8, "--batch_size", 10]
    run(tmp_path, "train_cgan", *sizes, "--max_steps", 1, "--output", "run")
    image = Image.open(tmp_path / "run" / "samples" / "0000001.png")
    assert image.mode == "RGB" and image.size == (12 * 18 + 2, 10 * 18 + 2)
    real = np.asarray(Image.open(tmp_path / "run" / "samples" / "real.png"))
    assert real.shape == (182, 218, 3)
    assert real[:, : 10 * 18 + 2].any() and not real[:, 10 * 18 :].any()  # MNIST has no eleventh class
    generator = load_generator(tmp_path / "run" / "generator.safetensors")
    assert (generator.img_shape, generator.n_classes, generator.latent_dim) == ((3, 16, 16), 12, 8)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--n_epochs", "0"], "--n_epochs: 0 is too small; at least 1 is needed"),
        (["--batch_size", "1"], "--batch_size: 1 is too small; at least 2 is needed"),
        (["--batch_size", "many"], "--batch_size: 'many' is no whole number"),
        (["--lr", "fast"], "--lr: 'fast' is no number"),
        (["--augment", "cutout,colour"], "--augment: 'colour' is none of color, translation, cutout, which commas may"),
        (["--augment", "cutout,color,cutout"], "--augment: cutout stands there twice"),
        (["--lr", "0"], "--lr: 0.0 must be above 0"),
        (["--lr", "nan"], "--lr: nan is no finite number"),
        (["--lr", "inf"], "--lr: inf is no finite number"),
        (["--b1", "1"], "--b1: 1.0 must be below 1"),
        (["--n_classes", "1"], "--n_classes: 1 is too small; at least 2 is needed"),
        (["--n_classes", "9"], "--n_classes 9: the data have 10; leave the option out"),
        (["--gan_mode", "wgangp"], "--gan_mode: invalid choice: 'wgangp'"),
        (["--channels", "2"], "--channels: invalid choice: 2"),
        (["--device", "tpu"], "--device: invalid choice: 'tpu'"),
        (["--n_epoch", "3"], "unrecognized arguments: --n_epoch 3"),
        (["--data_dir", "gone"], "gone does not exist"),
        (["--data_dir", "."], "holds no file of mnist; --dataset folder trains on the images in it"),
        (["--dataset", "folder"], "give the folder of images to train on as --data_dir"),
        (["--strict"], "--strict is about the images of a folder"),
        (["--output", "/proc/run"], "cannot make the folder /proc/run"),
        (["--output", ""], "--output: it is empty"),
        (["--resume", ""], "--resume: it is empty"),
        (["--resume", "gone"], "gone is not a run directory"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(refused, arguments, sentence):
    assert sentence in refused("train_cgan", *arguments)


def test_a_mistake_is_a_sentence_with_status_2_in_a_process_of_its_own(script):
    done = script("train_cgan", "--data_dir", "gone")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: the data folder") and "gone does not exist" in line


MISTAKES = [
    ["train_gan", "--data_dir", "gone"],
    ["train_cgan", "--resume", "gone"],
    ["train_dcgan"],
    ["train_wgan", "--data_dir", "."],
    ["train_wgan_gp", "--arch", "conv", "--data_dir", "gone"],
    ["train_pix2pix", "--data_dir", "gone"],
    ["train_cyclegan", "--dir_a", "gone", "--dir_b", "gone"],
    ["sample", "--weights", "gone"],
    ["interpolate", "--weights", "gone"],
    ["translate", "gone.png"],
    ["render_digits", "12x"],
    ["convert_weights", "gone.pth", "g.safetensors", "--model", "cgan.Generator"],
    ["progress", "gone"],
    ["benchmark", "--models", "vae"],
    ["check_precision", "--models", "vae"],
]


def test_mistakes_are_found_before_jittor_is_imported(tmp_path):
    """Its first import takes minutes."""
    code = f"""
import runpy, sys
sys.modules["jittor"] = None  # an import of it would fail
for name, *arguments in {MISTAKES}:
    sys.argv = [name, *arguments]
    try:
        runpy.run_path(f"{ROOT}/scripts/{{name}}.py", run_name="__main__")
    except SystemExit as stop:
        print(stop.code)
"""
    done = run_python("-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout.split()) == (0, ["2"] * len(MISTAKES)), done.stderr
    assert sum("error: " in line for line in done.stderr.splitlines()) == len(MISTAKES)


@pytest.mark.parametrize("options", [["--latent_dim", 10**9], ["--n_classes", 10**9], ["--img_size", 10**6]])
def test_sizes_for_which_there_is_no_memory_are_refused(tmp_path, refused, animals, options):
    mnist_or_not = [] if "--img_size" in options else SMALL
    sentence = refused("train_cgan", *mnist_or_not, "--arch", "mlp", *options, "--output", "run")
    assert re.search(r"need [0-9.]+ [GTPEZ]iB of memory, and [0-9.]+ [MGT]iB are free", sentence), sentence
    assert not (tmp_path / "run").exists()


def test_without_output_a_run_goes_into_runs(tmp_path, animals):
    run(tmp_path, "train_cgan", *SMALL, "--max_steps", 1)
    assert options_of(tmp_path / "runs" / "cgan")["output"] == "runs/cgan"


def test_a_run_is_neither_overwritten_nor_resumed_under_other_options(refused, three_steps):
    folder = three_steps / "run"
    before = files_in(folder)
    for arguments, sentence in [
        ([*SMALL, "--output", folder], f"already holds a run; resume it with --resume {folder}"),
        (["--resume", folder, "--lr", "1", "--seed", "3"], "--lr 1.0 (the run: 0.0005), --seed 3 (the run: 5)"),
        (["--resume", folder, "--n_classes", "5"], "--n_classes 5 (the run: None)"),
        (["--resume", folder, "--dataset", "mnist"], "--dataset mnist (the run: folder)"),
        (["--resume", folder, "--output", "other"], "--output other (a run is resumed in place)"),
        ([*SMALL, "--output", folder / "config.json" / "inner"], "config.json is a file"),
    ]:
        assert sentence in refused("train_cgan", *arguments)
    assert files_in(folder) == before


def test_a_run_whose_steps_are_done_says_so_and_stays_as_it_is(tmp_path, to_resume):
    before = files_in(to_resume)
    assert run(tmp_path, "train_cgan", "--resume", "run", "--max_steps", 3).out == "run has done 3 steps\n"
    assert files_in(to_resume) == before


def test_a_run_that_is_training_is_not_resumed(refused, to_resume):
    config = (to_resume / "config.json").read_bytes()
    holding = "import fcntl, sys; file = open(sys.argv[1], 'r+'); fcntl.lockf(file, fcntl.LOCK_EX); print(); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", holding, to_resume / ".lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        other.stdout.readline()
        assert "another process is training in run" in refused("train_cgan", "--resume", "run", "--max_steps", 4)
    assert (to_resume / "config.json").read_bytes() == config
