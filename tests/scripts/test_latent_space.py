"""sample.py, interpolate.py and progress.py on small untrained generators."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from PIL import Image
from programs import run

from jgan.images import to_pixels
from jgan.inference.generators import draw, latents, load_generator
from jgan.inference.latent import line, sphere
from jgan.models import cgan, dcgan, gan, pix2pix, wgan
from jgan.training.run import Run
from jgan.weights.arrays import load, save
from jgan.weights.networks import save_network

MODELS = {
    "gan": (gan.Generator, {"latent_dim": 6, "img_size": 12, "channels": 1}),
    "cgan": (cgan.Generator, {"latent_dim": 6, "n_classes": 4, "img_size": 12, "channels": 3}),
    "dcgan": (dcgan.Generator, {"latent_dim": 6, "img_size": 16, "channels": 3, "conv_dim": 3}),
    "wgan": (wgan.Generator, {"latent_dim": 6, "img_size": 12, "channels": 1, "conv_dim": 3}),
}


@pytest.fixture
def weights(tmp_path):
    """A function that writes an untrained generator's weights, and returns their path."""

    def write(name):
        constructor, options = MODELS[name]
        jt.set_seed(5)
        save_network(tmp_path / name, constructor(**options))
        return tmp_path / name

    return write


def cells(path, size):
    """The images of a sheet with padding 2, by row and column."""
    sheet = np.asarray(Image.open(path))
    rows, columns = ((length - 2) // (size + 2) for length in sheet.shape[:2])
    assert sheet.shape[:2] == (rows * (size + 2) + 2, columns * (size + 2) + 2)
    parts = [
        [sheet[2 + i * (size + 2) :][:size, 2 + j * (size + 2) :][:, :size] for j in range(columns)]
        for i in range(rows)
    ]
    return np.array(parts)


def test_what_is_asked_for_twice_is_written_once_and_counted_so(tmp_path, weights):
    done = run(tmp_path, "sample", "--weights", weights("gan"), "--seeds", "3,3", "--output", "twice")
    assert done.out == "wrote 1 image into twice\n"
    assert [path.name for path in (tmp_path / "twice").iterdir()] == ["seed0003.png"]


@pytest.mark.parametrize("name", ["gan", "dcgan", "wgan"])
def test_a_seed_gives_one_image_in_any_company(tmp_path, weights, name):
    path, size = weights(name), MODELS[name][1]["img_size"]
    run(tmp_path, "sample", "--weights", path, "--seeds", "0-8")
    run(tmp_path, "sample", "--weights", path, "--seeds", "5,3", "--columns", 1, "--output", "two.png")
    run(tmp_path, "sample", "--weights", path, "--seeds", "5", "--output", "alone")
    nine, two = cells(tmp_path / "samples.png", size), cells(tmp_path / "two.png", size)
    assert nine.shape[:2] == (3, 3) and two.shape[:2] == (2, 1)
    assert np.array_equal(two[0, 0], nine[1, 2]) and np.array_equal(two[1, 0], nine[1, 0])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "alone" / "seed0005.png")), nine[1, 2])
    assert not np.array_equal(nine[1, 2], nine[1, 0])


def test_a_conditional_generator_draws_every_class_of_a_seed_or_those_asked_for(tmp_path, weights):
    path = weights("cgan")
    run(tmp_path, "sample", "--weights", path, "--seeds", "7,2")
    run(tmp_path, "sample", "--weights", path, "--seeds", "2", "--labels", "3,1", "--output", "some")
    run(tmp_path, "sample", "--weights", path, "--seeds", "0-8", "--labels", "3", "--output", "one.png")
    assert cells(tmp_path / "one.png", 12).shape[:2] == (3, 3)
    sheet = cells(tmp_path / "samples.png", 12)
    assert sheet.shape[:2] == (2, 4)
    files = {file.name: np.asarray(Image.open(file)) for file in (tmp_path / "some").iterdir()}
    assert files.keys() == {"seed0002_label3.png", "seed0002_label1.png"}
    assert np.array_equal(files["seed0002_label3.png"], sheet[1, 3])
    assert not np.array_equal(sheet[1, 3], sheet[1, 1])


@pytest.mark.parametrize("path", ["line", "sphere"])
def test_a_path_goes_from_one_seed_to_the_other(tmp_path, weights, path):
    run(tmp_path, "sample", "--weights", weights("wgan"), "--seeds", "4,9", "--columns", 2)
    ends = cells(tmp_path / "samples.png", 12)[0]
    options = ["--seed_a", 4, "--seed_b", 9, "--path", path, "--n", 5, "--gif"]
    run(tmp_path, "interpolate", "--weights", weights("wgan"), *options)
    (way,) = cells(tmp_path / "interpolation.png", 12)
    assert len(way) == 5 and np.array_equal(way[0], ends[0]) and np.array_equal(way[-1], ends[1])
    generator = load_generator(weights("wgan"))
    z = {"line": line, "sphere": sphere}[path](*latents(generator, [4, 9]), np.linspace(0, 1, 5))
    assert np.array_equal(way, to_pixels(draw(generator, z))[:, 0])
    assert not np.allclose(*(between(*latents(generator, [4, 9]), np.linspace(0, 1, 5)) for between in (line, sphere)))
    with Image.open(tmp_path / "interpolation.gif") as animation:
        assert animation.n_frames == 8 and animation.size == (12, 12)  # there and back, no end shown twice


def test_the_square_has_the_seeds_in_its_corners(tmp_path, weights):
    run(tmp_path, "sample", "--weights", weights("dcgan"), "--seeds", "0-1", "--columns", 2)
    run(tmp_path, "interpolate", "--weights", weights("dcgan"))
    ends, square = cells(tmp_path / "samples.png", 16)[0], cells(tmp_path / "interpolation.png", 16)
    assert square.shape[:2] == (11, 11)
    run(tmp_path, "interpolate", "--weights", weights("dcgan"), "--n", 3, "--gif")
    frames = cells(tmp_path / "interpolation.png", 16).astype(int)
    with Image.open(tmp_path / "interpolation.gif") as animation:
        assert animation.n_frames == 16
        animation.seek(3)  # after the first row's end, the second's: the way winds
        assert np.abs(np.asarray(animation.convert("RGB")) - frames[1, 2]).mean() < 8
    assert np.array_equal(square[0, 0], ends[0]) and np.array_equal(square[10, 10], ends[1])


def test_a_class_is_walked_through(tmp_path, weights):
    run(tmp_path, "sample", "--weights", weights("cgan"), "--seeds", "0-1", "--labels", "2")
    run(tmp_path, "interpolate", "--weights", weights("cgan"), "--path", "line", "--n", 2, "--label", 2)
    ends, way = cells(tmp_path / "samples.png", 12), cells(tmp_path / "interpolation.png", 12)
    assert np.array_equal(way[0], ends[:, 0])


@pytest.mark.parametrize("img_size", [4, "8x4"])
def test_progress_shows_the_same_latents_over_time(tmp_path, img_size):
    """Of images of a height of 4."""
    training = Run(tmp_path / "run", program="train_toy")
    training.create({"img_size": img_size}, {})
    sheets = np.random.default_rng(0).integers(0, 256, (5, 14, 20), np.uint8)  # two rows of three images of 4x4
    for i, sheet in enumerate(sheets):
        Image.fromarray(sheet).save(training.samples / f"{i * 10:07d}.png")
    Image.fromarray(sheets[0]).save(training.samples / "real.png")
    run(tmp_path, "progress", "run", "--rows", 3)
    strip = np.asarray(Image.open(tmp_path / "run" / "progress.png"))
    assert np.array_equal(strip[:18], np.concatenate([sheets[i][:6] for i in (0, 2, 4)]))
    run(tmp_path, "progress", "run", "--rows", 1)
    assert np.array_equal(
        np.asarray(Image.open(tmp_path / "run" / "progress.png")), np.concatenate([sheets[-1][:6], sheets[0][:2]])
    )
    with Image.open(tmp_path / "run" / "progress.gif") as animation:
        assert animation.n_frames == 5 and animation.info["duration"] == 200
        animation.seek(3)
        assert np.abs(np.asarray(animation.convert("L")).astype(int) - sheets[3]).max() <= 8


@pytest.mark.parametrize(
    ("program", "arguments", "sentence"),
    [
        ("sample", [], "give a generator's weights as --weights"),
        ("sample", ["--weights", "gan", "--seeds", "3-1"], "'3-1' is no number and no rising range"),
        ("sample", ["--weights", "gan", "--seeds", "1,,2"], "'' is no number"),
        ("sample", ["--weights", "gan", "--seeds", "0-999999999"], "more than 100000"),
        ("sample", ["--weights", "gan", "--output", "faces.jpg"], "--output must end in .png"),
        (
            "sample",
            ["--weights", "gan", "--output", "many", "--columns", "3"],
            "--columns is about a sheet, and many",
        ),
        ("sample", ["--weights", "gone"], "there is no weights file gone"),
        ("sample", ["--weights", "."], ". is a folder; give the file of weights in it"),
        ("sample", ["--weights", "gan", "--labels", "1"], "gan holds a generator without classes"),
        ("sample", ["--weights", "cgan", "--labels", "4"], "--labels 4: 4 is none of the classes 0, 1, 2, 3"),
        ("sample", ["--weights", "cgan", "--labels", "1-9"], "--labels 1-9: 4 is none of the classes 0, 1, 2, 3"),
        ("sample", ["--weights", "cgan", "--labels", "cat"], "--labels cat: cat is none of the classes 0, 1, 2, 3"),
        ("sample", ["--weights", "gan", "--output", "gone/x.png"], "the folder gone does not exist"),
        ("interpolate", ["--weights", "gan", "--output", "x.jpg"], "--output must end in .png"),
        ("interpolate", ["--weights", "gan", "--label", "1"], "gan holds a generator without classes"),
        ("interpolate", ["--weights", "cgan", "--label", "4"], "--label 4: 4 is none of the classes 0, 1, 2, 3"),
        ("interpolate", ["--weights", "cgan", "--label", "1,2"], "--label 1,2 names 2 classes; give one"),
        ("interpolate", ["--weights", "gan", "--n", "1"], "--n: 1 is too small"),
        (
            "interpolate",
            ["--weights", "unet"],
            "unet holds pix2pix.Generator; what is needed here is weights of one of these: cgan.Generator, d",
        ),
        ("sample", ["--seeds", "3000000000"], "'3000000000' is too large; 999999999 is the largest"),
        ("interpolate", ["--n", "100000"], "--n: 100000 is too large; at most 100 is possible"),
        ("progress", ["gone"], "gone/samples holds no samples"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(refused, tmp_path, weights, program, arguments, sentence):
    weights("gan"), weights("cgan")
    save_network(tmp_path / "unet", pix2pix.Generator(conv_dim=2, n_levels=4))
    assert sentence in refused(program, *arguments)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"conv_dim": 100_000}, "the network that its header describes would be more than"),
        ({"conv_dim": float("inf")}, "conv_dim must be a whole number from 1 on, not inf"),
        ({"img_size": 17}, "17 is none of them"),
        ({"depth": 2}, "unexpected keyword argument 'depth'"),
    ],
)
def test_a_header_that_describes_another_network_is_refused(refused, tmp_path, weights, options, sentence):
    arrays, header = load(weights("dcgan"))
    save(tmp_path / "dcgan", arrays, {**header, "options": {**header["options"], **options}})
    assert sentence in refused("sample", "--weights", "dcgan")
    assert not (tmp_path / "samples.png").exists()
