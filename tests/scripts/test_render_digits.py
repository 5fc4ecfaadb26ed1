"""The submission, drawn by the program with weights as a training leaves them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from conftest import ENVIRONMENT, ROOT
from PIL import Image
from programs import run

from jgan.images import strip
from jgan.models import dcgan
from jgan.models.cgan import Generator
from jgan.weights.networks import save_network

NUMBER = "00123456789"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "generator.safetensors"
    save_network(path, Generator())
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_result_png_has_the_format_of_the_submission(script, tmp_path, weights):
    done = script("render_digits", NUMBER, "--weights", weights)
    assert (done.returncode, done.stdout, done.stderr) == (0, "wrote result.png\n", "")
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
    assert done.out.startswith("wrote result.png\nwrote result.zip\n")
    assert f"CGAN.py trains with the defaults of train_cgan.py, whatever {weights} was trained with" in done.out
    with zipfile.ZipFile(tmp_path / "result.zip") as archive:
        assert archive.namelist() == ["result/result.png", "result/CGAN.py"]
        assert archive.read("result/result.png") == (tmp_path / "result.png").read_bytes()
        program = archive.read("result/CGAN.py").decode()
    compile(program, "CGAN.py", "exec")
    assert NUMBER not in program
    assert run(tmp_path, "render_digits", NUMBER, "--zip").out == "wrote result.png\nwrote result.zip\n"


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
        (["1", "--seed", "x"], "--seed: invalid int value: 'x'"),
        ([], "the following arguments are required: number"),
        ("rubbish", "rubbish.safetensors is not a readable safetensors file"),
        ("other", "holds dcgan.Generator; what is needed here is weights of cgan.Generator"),
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
