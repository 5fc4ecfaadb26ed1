"""translate.py on small untrained generators."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from PIL import Image
from programs import pipe_at, run

from jgan.images import from_pixels, to_pixels
from jgan.inference.translators import load_translator, translate
from jgan.models import cyclegan, dcgan, pix2pix
from jgan.weights.networks import load_network, network_arrays, save_network

UNET = {"in_channels": 3, "out_channels": 3, "conv_dim": 2, "n_levels": 4}  # stride 16
CYCLE = {"arch": "resnet", "channels": 1, "conv_dim": 2, "n_blocks": 1, "upsample": "deconv"}  # stride 4


@pytest.fixture
def weights(tmp_path):
    """Untrained generators of both kinds in tmp_path, "unet" and "cycle", whose every weight matters."""
    jt.set_seed(5)
    for name, constructor, options in (("unet", pix2pix.Generator, UNET), ("cycle", cyclegan.Generators, CYCLE)):
        network = constructor(**options)
        for key, var in network.state_dict().items():
            if var.ndim == 4:
                var.assign(var.numpy() * 20)
            elif "running" in key:
                var.assign(np.random.default_rng(0).uniform(0.5, 2, var.shape).astype(np.float32))
        save_network(tmp_path / name, network)
    return tmp_path


def picture(path, height, width, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


def told(folder, *arguments):
    """What translate.py says."""
    return run(folder, "translate", *arguments).out


def test_images_of_any_size_come_back_as_large_as_they_were(weights):
    (weights / "in").mkdir()
    sizes = [(64, 64), (128, 128), (256, 256), (33, 70), (5, 40), (1, 1)]
    for height, width in sizes:
        picture(weights / "in" / f"{height}x{width}.png", height, width)
    told(weights, "in", "--weights", "unet")
    told(weights, "in", "--weights", "unet", "--compare", "--output", "both")
    for height, width in sizes:
        paths = (weights / folder / f"{height}x{width}.png" for folder in ("in", "translated", "both"))
        given, translated, both = (np.asarray(Image.open(path)) for path in paths)
        assert translated.shape == (height, width, 3)
        assert np.array_equal(both[:, :width], given)
        assert np.array_equal(both[:, width:], translated)


def test_cyclegan_translates_the_smallest_images(weights):
    (weights / "in").mkdir()
    sizes = [(1, 1), (4, 60), (7, 3)]
    for height, width in sizes:
        picture(weights / "in" / f"{height}x{width}.png", height, width)
    told(weights, "in", "--weights", "cycle")
    for height, width in sizes:
        assert Image.open(weights / "translated" / f"{height}x{width}.png").size == (width, height)


def test_it_is_what_the_generator_draws_of_the_mirrored_image(weights):
    picture(weights / "a.png", 30, 18)
    told(weights, "a.png", "--weights", "unet", "--running_statistics", "--no_dropout")
    pixels = np.pad(np.asarray(Image.open(weights / "a.png")), ((0, 2), (0, 14), (0, 0)), mode="reflect")
    generator = load_network(weights / "unet", pix2pix.Generator)
    expected = to_pixels(generator(jt.array(from_pixels(pixels.transpose(2, 0, 1)[None]))))[0, :, :30, :18]
    assert np.array_equal(np.asarray(Image.open(weights / "translated" / "a.png")), expected.transpose(1, 2, 0))


def test_statistics_dropout_and_seed_are_choices(weights):
    picture(weights / "a.png", 32, 32)
    drawn = {}
    for choice in ("", "--running_statistics", "--no_dropout", "--seed 1", "--no_dropout --seed 1", "--seed 0"):
        told(weights, "a.png", "--weights", "unet", *choice.split())
        drawn[choice] = (weights / "translated" / "a.png").read_bytes()
    assert drawn[""] == drawn["--seed 0"] and drawn["--no_dropout"] == drawn["--no_dropout --seed 1"]
    assert len(set(drawn.values())) == 4


def test_cyclegan_goes_both_ways_and_grey_stays_grey(weights):
    picture(weights / "in" / "a.jpg", 21, 34)
    picture(weights / "in" / "deep" / "b.png", 8, 8, mode="L")
    picture(weights / "c.bmp", 12, 9)
    assert "wrote 3 images into translated" in told(weights, "in", "c.bmp", "--weights", "cycle")
    told(weights, "in", "--weights", "cycle", "--direction", "b2a", "--output", "back")
    files = {str(path.relative_to(weights / "translated")) for path in (weights / "translated").rglob("*.png")}
    assert files == {"a.png", "deep/b.png", "c.png"}
    there, back = (Image.open(weights / folder / "a.png") for folder in ("translated", "back"))
    assert there.mode == back.mode == "L" and there.size == (34, 21)
    assert not np.array_equal(np.asarray(there), np.asarray(back))


def test_images_of_the_same_name_are_put_beside(weights, refused):
    for folder, height, width in (("in", 64, 128), ("photos", 64, 256), ("others", 32, 64)):
        for name in ("x.png", "deep/y.png"):
            picture(weights / folder / name, height, width)
    options = ["in", "--weights", "unet", "--beside", "photos,others"]
    told(weights, *options, "--compare")
    drawn = np.asarray(Image.open(weights / "translated/deep/y.png"))
    assert drawn.shape == (64, 4 * 128, 3)
    for left, folder in ((256, "photos"), (384, "others")):
        image = Image.open(weights / folder / "deep/y.png").resize((128, 64), Image.Resampling.BICUBIC)
        assert np.array_equal(drawn[:, left : left + 128], np.asarray(image))
    assert "--beside is about what --compare puts" in refused("translate", *options)
    (weights / "others" / "x.png").unlink()
    sentence = refused("translate", *options, "--compare")
    assert "there is no image x in others to put beside in/x.png" in sentence


def test_a_half_is_translated_as_if_it_were_alone_and_compared_with_the_other(weights):
    picture(weights / "pairs" / "0.png", 20, 48)
    pixels = np.asarray(Image.open(weights / "pairs" / "0.png"))
    Image.fromarray(pixels[:, 24:]).resize((32, 32), Image.Resampling.BICUBIC).save(weights / "b.png")
    told(weights, "b.png", "--weights", "unet")
    told(weights, "pairs", "--half", "b", "--size", 32, "--compare", "--weights", "unet")
    shown = np.asarray(Image.open(weights / "translated" / "0.png"))
    a = Image.fromarray(pixels[:, :24]).resize((32, 32), Image.Resampling.BICUBIC)
    expected = [Image.open(weights / "b.png"), Image.open(weights / "translated" / "b.png"), a]
    assert np.array_equal(shown, np.concatenate([np.asarray(image) for image in expected], axis=1))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_image_that_can_be_used_is_named_and_the_others_are_translated(weights):
    picture(weights / "in" / "a.png", 8, 8)
    (weights / "in" / "b.png").write_text("no image")
    Image.new("1", (10_000, 10_000)).save(weights / "in" / "d.png")
    with pipe_at(weights / "in" / "c.png"):
        done = run(weights, "translate", "in", "--weights", "cycle", status=2)
    assert done.out == "wrote 1 image into translated\n"
    assert "left out in/b.png: cannot identify image file" in done.err
    assert "left out in/c.png: it is not a regular file" in done.err
    assert "left out in/d.png: it is suspiciously large" in done.err
    assert "3 of 4 images could not be used" in done.err.splitlines()[-1]
    assert [path.name for path in (weights / "translated").iterdir()] == ["a.png"]


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
        (["a.png", "--weights", "backwards", "--half", "a"], "was trained by b2a to translate the other half; change"),
        (["a.png", "--weights", "other"], "weights of one of these: cyclegan.Generators, pix2pix.Generator"),
        (["a.png", "--weights", "unet", "--output", "unet"], "cannot make the folder unet"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(refused, weights, arguments, sentence):
    for name in ("a.png", "in/a.png", "in/b.bmp"):
        picture(weights / name, 16, 16)
    Image.open(weights / "in" / "a.png").save(weights / "in" / "b.png")
    before = [path.read_bytes() for path in sorted((weights / "in").iterdir())]
    (weights / "empty").mkdir()
    save_network(weights / "other", dcgan.Generator(img_size=16))
    save_network(weights / "backwards", pix2pix.Generator(conv_dim=2, n_levels=5), direction="b2a")
    assert sentence in refused("translate", *arguments)
    assert [path.read_bytes() for path in sorted((weights / "in").iterdir())] == before
    assert not (weights / "translated").exists()


def test_what_was_written_before_is_not_translated_again(weights):
    picture(weights / "a.png", 16, 16)
    for _ in range(2):
        assert "wrote 1 image into translated" in told(weights, ".", "./a.png", "--weights", "unet")
    assert [str(path.relative_to(weights)) for path in weights.rglob("*.png")] == ["a.png", "translated/a.png"]


def test_an_output_folder_around_the_images_is_one_like_any_other(weights):
    picture(weights / "in" / "a.png", 16, 16)
    assert "wrote 1 image into ." in told(weights, "in", "--weights", "unet", "--output", ".")
    assert (weights / "a.png").exists()


def test_translating_leaves_the_running_statistics(weights):
    picture(weights / "a.png", 16, 16)
    generator = load_translator(weights / "unet")
    before = network_arrays(generator)
    translate(generator, Image.open(weights / "a.png"))
    assert all(np.array_equal(before[name], array) for name, array in network_arrays(generator).items())
