"""The submission, drawn by the program with weights as a training leaves them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from conftest import ENVIRONMENT, ROOT
from PIL import Image
from programs import run, write_exchanged

from jgan.images import strip
from jgan.inference.judges import load_judge, read
from jgan.models import dcgan
from jgan.models.cgan import Generator
from jgan.models.classifier import Classifier
from jgan.weights.networks import save_network

NUMBER = "00123456789"
SHIPPED = ROOT / "weights" / "cgan_mnist.safetensors"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "generator.safetensors"
    save_network(path, Generator())
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_result_png_has_the_format_of_the_submission(script, tmp_path, weights):
    script("render_digits", NUMBER, "--weights", SHIPPED)  # in which Jittor compiles what it has not, and says so
    done = script("render_digits", NUMBER, "--weights", SHIPPED)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("wrote result.png\ndigit 1: 0 is read as 0 (")
    with Image.open(tmp_path / "result.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", (32 * 11, 32))


@pytest.mark.parametrize("number", ["0", "00123456789012"])
def test_any_length_is_drawn_and_zeros_are_kept(tmp_path, weights, number):
    run(tmp_path, "render_digits", number, "--weights", weights)
    assert Image.open(tmp_path / "result.png").size == (32 * len(number), 32)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(script, tmp_path, weights):
    for name, seed in (("a.png", 5), ("c.png", 6)):
        run(tmp_path, "render_digits", NUMBER, "--weights", weights, "--seed", seed, "--output", name)
    assert script("render_digits", NUMBER, "--weights", weights, "--seed", 5, "--output", "b.png").returncode == 0
    assert digest(tmp_path / "a.png") == digest(tmp_path / "b.png") != digest(tmp_path / "c.png")


def test_the_archive_lies_beside_the_image(tmp_path, weights):
    done = run(tmp_path, "render_digits", NUMBER, "--weights", weights, "--zip")
    assert "wrote result.png\n" in done.out and "wrote result.zip\n" in done.out
    assert f"CGAN.py trains with the defaults of train_cgan.py, whatever {weights} was trained with" in done.out
    with zipfile.ZipFile(tmp_path / "result.zip") as archive:
        assert archive.namelist() == ["result/result.png", "result/CGAN.py"]
        assert archive.read("result/result.png") == (tmp_path / "result.png").read_bytes()
        program = archive.read("result/CGAN.py").decode()
    compile(program, "CGAN.py", "exec")
    assert NUMBER not in program
    assert run(tmp_path, "render_digits", NUMBER, "--zip").out.endswith("%)\nwrote result.zip\n")


def bad_weights(kind, tmp_path):
    path = tmp_path / f"{kind}.safetensors"
    if kind == "rubbish":
        path.write_bytes(b"rubbish")
    elif kind == "other":
        save_network(path, dcgan.Generator(img_size=16))
    elif kind == "large":
        save_network(path, Generator(img_size=64))
    return ["1", "--weights", path]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([""], "the number is empty"),
        (["12x"], "character 3 of the number is 'x'"),
        (["１２"], "character 1 of the number is '１'"),
        (["٠١"], "character 1 of the number is '٠'"),
        (["1 2"], "character 2 of the number is ' '"),
        (["+86138"], "character 1 of the number is '+'"),
        (["1", "--output", "gone/result.png"], "the folder gone does not exist"),
        (["1", "--output", "/proc/result.png"], "cannot write /proc/result.png"),
        (["1", "--output", "result.jpg"], "must end in .png"),
        (["1", "--weights", "gone.safetensors"], "there is no weights file gone.safetensors"),
        (["1", "--seed", "-1"], "--seed: -1 is too small"),
        (["1", "--seed", "x"], "--seed: 'x' is no whole number"),
        ([], "the following arguments are required: number"),
        ("rubbish", "rubbish.safetensors is not a readable safetensors file"),
        (
            "other",
            "holds dcgan.Generator; what is needed here is weights of one of these: cgan.Generator, projection",
        ),
        ("large", "the submission wants ten digits of the shape (1, 32, 32)"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2_and_leaves_nothing(refused, tmp_path, weights, arguments, sentence):
    if isinstance(arguments, str):
        arguments = bad_weights(arguments, tmp_path)
    if "--weights" not in arguments:
        arguments = [*arguments, "--weights", weights]
    assert sentence in refused("render_digits", *arguments)
    assert not list(tmp_path.glob("*.png"))


def test_the_image_is_what_the_generator_draws(tmp_path, weights):
    """Against the package used by hand, as somebody's own entry would."""
    import jittor as jt

    from jgan.random import rng
    from jgan.weights.networks import load_network

    run(tmp_path, "render_digits", "42", "--weights", weights, "--seed", "9")
    generator = load_network(weights, Generator)
    z = np.stack([rng(9, "digit", place).standard_normal(100, dtype=np.float32) for place in range(2)])
    expected = strip(generator(jt.array(z), np.array([4, 2])))
    assert np.abs(np.asarray(Image.open(tmp_path / "result.png")).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("arguments", [["--help"], ["42"]])
def test_an_output_that_is_full_is_a_sentence_with_status_2(tmp_path, weights, arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, ROOT / "scripts" / "render_digits.py", *arguments, "--weights", weights],
            cwd=tmp_path, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "error: cannot write to the standard output: No space left on device\n"


@pytest.fixture(scope="module")
def mislabelled(tmp_path_factory):
    """The shipped generator with the classes 3 and 7 exchanged: asked for one it draws the other."""
    path = tmp_path_factory.mktemp("mislabelled") / "generator.safetensors"
    write_exchanged(path, SHIPPED, 3, 7)
    return path


def test_each_digit_is_read_and_one_that_is_read_otherwise_is_warned_of(tmp_path, mislabelled):
    done = run(tmp_path, "render_digits", "1370", "--weights", mislabelled, "--report", "report.png")
    lines = done.out.splitlines()
    readings = [re.fullmatch(r"digit (\d): (\d) is read as (\d) \((\d+\.\d)%\)", line) for line in lines[1:5]]
    assert [match[2] for match in readings] == list("1370") and [match[3] for match in readings] == list("1730")
    assert all(50 < float(match[4]) <= 100 for match in readings)
    warnings = [line for line in done.err.splitlines() if line.startswith("warning")]
    assert [line.split(";")[0] for line in warnings] == [
        "warning: digit 2, a 3, is read as a 7",
        "warning: digit 3, a 7, is read as a 3",
    ]
    assert lines[5] == "wrote report.png"
    with Image.open(tmp_path / "report.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    red = np.flatnonzero((pixels == (255, 0, 0)).all(axis=2).any(axis=0))  # the titles of the second and the third
    quarter = pixels.shape[1] // 4
    assert set(red // quarter) == {1, 2}


def test_of_several_candidates_the_surest_are_kept_and_that_is_said(tmp_path):
    sure = []
    for n in (1, 30):
        done = run(tmp_path, "render_digits", "0123", "--weights", SHIPPED, "--candidates", n)
        assert ("of each digit 30 were drawn" in done.out) == (n == 30)
        pixels = np.asarray(Image.open(tmp_path / "result.png")).reshape((32, 4, 1, 32)).transpose(1, 2, 0, 3)
        probabilities = read(load_judge(ROOT / "weights" / "classifier_mnist.safetensors"), pixels).probabilities
        sure.append(probabilities[range(4), range(4)])
    assert (sure[1] >= sure[0]).all() and sure[1].sum() > sure[0].sum()


def test_garments_are_no_digits(refused, tmp_path):
    garments = SHIPPED.with_name("cgan_fashion_mnist.safetensors")
    assert "draw the classes T-shirt/top, Trouser" in refused("render_digits", "12", "--weights", garments)
    assert not (tmp_path / "result.png").exists()


def test_a_report_over_the_image_and_a_judge_of_other_classes_are_refused(refused, tmp_path, weights):
    save_network(tmp_path / "judge", Classifier(n_classes=2, width=1), classes=("cat", "dog"))
    assert "are the same file" in refused("render_digits", "12", "--report", "result.png")
    assert "--report must end in .png; r.jpg" in refused("render_digits", "12", "--report", "r.jpg")
    assert "tells apart the classes cat, dog" in refused("render_digits", "12", "--judge", "judge")
    assert not (tmp_path / "result.png").exists()
