"""translate.py on small untrained generators."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from PIL import Image

from jgan.weights.networks import load_network, network_arrays, save_network
from jgan.images import from_pixels, to_pixels
from jgan.models import cyclegan, dcgan, pix2pix
from jgan.inference.translators import load_translator, translate

UNET = {"in_channels": 3, "out_channels": 3, "conv_dim": 2, "n_levels": 4}  # stride 16
CYCLE = {"arch": "resnet", "channels": 1, "conv_dim": 2, "n_blocks": 1, "upsample": "deconv"}  # stride 4


@pytest.fixture
def weights(tmp_path):
    """Untrained generators of both kinds in tmp_path, "unet" and "cycle", whose every weight matters."""
    jt.set_seed(5)
    for name, constructor, options, model in (
        ("unet", pix2pix.Generator, UNET, "pix2pix.Generator"),
        ("cycle", cyclegan.Generators, CYCLE, "cyclegan.Generators"),
    ):
        network = constructor(**options)
        for key, var in network.state_dict().items():
            if var.ndim == 4:
                var.assign(var.numpy() * 20)
            elif "running" in key:
                var.assign(np.random.default_rng(0).uniform(0.5, 2, var.shape).astype(np.float32))
        save_network(tmp_path / name, network, model=model, options=options)
    return tmp_path


def picture(path, height, width, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


def run(script, *arguments):
    done = script("translate", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_images_of_any_size_come_back_as_large_as_they_were(script, weights):
    (weights / "in").mkdir()
    sizes = [(64, 64), (128, 128), (256, 256), (33, 70), (5, 40), (1, 1)]
    for height, width in sizes:
        picture(weights / "in" / f"{height}x{width}.png", height, width)
    run(script, "in", "--weights", "unet")
    run(script, "in", "--weights", "unet", "--compare", "--output", "both")
    for height, width in sizes:
        paths = (weights / folder / f"{height}x{width}.png" for folder in ("in", "translated", "both"))
        given, translated, both = (np.asarray(Image.open(path)) for path in paths)
        assert translated.shape == (height, width, 3)
        assert np.array_equal(both[:, :width], given)
        assert np.array_equal(both[:, width:], translated)


def test_cyclegan_translates_the_smallest_images(script, weights):
    (weights / "in").mkdir()
    sizes = [(1, 1), (4, 60), (7, 3)]
    for height, width in sizes:
        picture(weights / "in" / f"{height}x{width}.png", height, width)
    run(script, "in", "--weights", "cycle")
    for height, width in sizes:
        assert Image.open(weights / "translated" / f"{height}x{width}.png").size == (width, height)


def test_it_is_what_the_generator_draws_of_the_mirrored_image(script, weights):
    picture(weights / "a.png", 30, 18)
    run(script, "a.png", "--weights", "unet", "--running_statistics", "--no_dropout")
    pixels = np.pad(np.asarray(Image.open(weights / "a.png")), ((0, 2), (0, 14), (0, 0)), mode="reflect")
    generator = load_network(weights / "unet", pix2pix.Generator, model="pix2pix.Generator")
    expected = to_pixels(generator(jt.array(from_pixels(pixels.transpose(2, 0, 1)[None]))))[0, :, :30, :18]
    assert np.array_equal(np.asarray(Image.open(weights / "translated" / "a.png")), expected.transpose(1, 2, 0))


def test_statistics_dropout_and_seed_are_choices(script, weights):
    picture(weights / "a.png", 32, 32)
    drawn = {}
    for choice in ("", "--running_statistics", "--no_dropout", "--seed 1", "--no_dropout --seed 1", "--seed 0"):
        run(script, "a.png", "--weights", "unet", *choice.split())
        drawn[choice] = (weights / "translated" / "a.png").read_bytes()
    assert drawn[""] == drawn["--seed 0"] and drawn["--no_dropout"] == drawn["--no_dropout --seed 1"]
    assert len(set(drawn.values())) == 4


def test_cyclegan_goes_both_ways_and_grey_stays_grey(script, weights):
    picture(weights / "in" / "a.jpg", 21, 34)
    picture(weights / "in" / "deep" / "b.png", 8, 8, mode="L")
    picture(weights / "c.bmp", 12, 9)
    assert "wrote 3 images into translated" in run(script, "in", "c.bmp", "--weights", "cycle")
    run(script, "in", "--weights", "cycle", "--direction", "b2a", "--output", "back")
    files = {str(path.relative_to(weights / "translated")) for path in (weights / "translated").rglob("*.png")}
    assert files == {"a.png", "deep/b.png", "c.png"}
    there, back = (Image.open(weights / folder / "a.png") for folder in ("translated", "back"))
    assert there.mode == back.mode == "L" and there.size == (34, 21)
    assert not np.array_equal(np.asarray(there), np.asarray(back))


def test_a_half_is_translated_as_if_it_were_alone_and_compared_with_the_other(script, weights):
    picture(weights / "pairs" / "0.png", 20, 48)
    pixels = np.asarray(Image.open(weights / "pairs" / "0.png"))
    Image.fromarray(pixels[:, 24:]).resize((32, 32), Image.Resampling.BICUBIC).save(weights / "b.png")
    run(script, "b.png", "--weights", "unet")
    run(script, "pairs", "--half", "b", "--size", 32, "--compare", "--weights", "unet")
    shown = np.asarray(Image.open(weights / "translated" / "0.png"))
    a = Image.fromarray(pixels[:, :24]).resize((32, 32), Image.Resampling.BICUBIC)
    expected = [Image.open(weights / "b.png"), Image.open(weights / "translated" / "b.png"), a]
    assert np.array_equal(shown, np.concatenate([np.asarray(image) for image in expected], axis=1))


def test_a_damaged_image_is_named_and_the_others_are_translated(script, weights):
    picture(weights / "in" / "a.png", 8, 8)
    (weights / "in" / "b.png").write_text("no image")
    done = script("translate", "in", "--weights", "cycle")
    assert done.returncode == 2 and "1 of 2 images could not be decoded" in done.stderr.splitlines()[-1]
    assert "left out in/b.png" in done.stderr and (weights / "translated" / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a.png"], "give a generator's weights as --weights"),
        (["gone.png", "--weights", "unet"], "there is no image or folder gone.png"),
        (["empty", "--weights", "unet"], "there is no image in empty"),
        (["a.png", "in/a.png", "--weights", "unet"], "a.png and in/a.png would both be written as translated/a.png"),
        (["in", "--weights", "unet", "--output", "in"], "the images of in would be translated into their own folder"),
        (["in/a.png", "--weights", "unet", "--output", "in"], "would be written over the image in/a.png"),
        (["in/b.bmp", "--weights", "unet", "--output", "in"], "in/b.bmp would be written over the image in/b.png"),
        (["a.png", "--weights", "unet", "--direction", "b2a"], "--direction means nothing to the generator in unet"),
        (["a.png", "--weights", "cycle", "--no_dropout"], "--no_dropout means nothing to the generator in cycle"),
        (["a.png", "--weights", "unet", "--output", "b.png"], "--output is the folder to write into; b.png looks like"),
        (["a.png", "--weights", "other"], "needed here: pix2pix.Generator, cyclegan.Generators"),
        (["a.png", "--weights", "unet", "--output", "unet"], "cannot make the folder unet"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(script, weights, arguments, sentence):
    for name in ("a.png", "in/a.png", "in/b.bmp"):
        picture(weights / name, 16, 16)
    Image.open(weights / "in" / "a.png").save(weights / "in" / "b.png")
    before = [path.read_bytes() for path in sorted((weights / "in").iterdir())]
    (weights / "empty").mkdir()
    save_network(weights / "other", dcgan.Generator(img_size=16), model="dcgan.Generator", options={"img_size": 16})
    done = script("translate", *arguments)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    assert [path.read_bytes() for path in sorted((weights / "in").iterdir())] == before


def test_what_was_written_before_is_not_translated_again(script, weights):
    picture(weights / "a.png", 16, 16)
    for _ in range(2):
        assert "wrote 1 images into translated" in run(script, ".", "./a.png", "--weights", "unet")
    assert [str(path.relative_to(weights)) for path in weights.rglob("*.png")] == ["a.png", "translated/a.png"]


def test_an_output_folder_around_the_images_is_one_like_any_other(script, weights):
    picture(weights / "in" / "a.png", 16, 16)
    assert "wrote 1 images into ." in run(script, "in", "--weights", "unet", "--output", ".")
    assert (weights / "a.png").exists()


def test_translating_leaves_the_running_statistics(weights):
    picture(weights / "a.png", 16, 16)
    generator = load_translator(weights / "unet")
    before = network_arrays(generator)
    translate(generator, Image.open(weights / "a.png"))
    assert all(np.array_equal(before[name], array) for name, array in network_arrays(generator).items())
