from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from programs import run

from jgan.cli.options import WEIGHTS
from jgan.demo import tasks
from jgan.demo.tasks import Number, Place, Samples, Square, Translation
from jgan.errors import UserError
from jgan.images import from_pixels
from jgan.inference import generators
from jgan.inference.translators import load_translator, translate
from jgan.jittor_setup.runtime import seed_jittor
from jgan.models import cgan, dcgan, pix2pix
from jgan.weights.networks import save_network


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Small networks by their names."""
    folder = tmp_path_factory.mktemp("weights")
    networks = {
        "plain": dcgan.Generator(img_size=16, conv_dim=2),
        "pets": cgan.Generator(n_classes=2, width=2),
        "u": pix2pix.Generator(conv_dim=2, n_levels=3),
    }
    files = {name: folder / f"{name}.safetensors" for name in networks}
    for name, network in networks.items():
        save_network(files[name], network, classes=("cat", "dog") if name == "pets" else ())
    return files


def decoded(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(("weights", "labels"), [("plain", None), ("pets", None), ("pets", "dog")])
def test_samples_are_those_of_the_program(tmp_path, files, weights, labels):
    opt = Samples(weights=weights, seeds="3,5-9", labels=labels)
    result = tasks.draw_samples(opt, tasks.check_samples(opt, b""), files)
    asked = ["--labels", labels] if labels else []
    run(tmp_path, "sample", "--weights", files[weights], "--seeds", opt.seeds, *asked)
    assert result == {"image": (tmp_path / "samples.png").read_bytes()}


def test_the_square_has_the_images_of_its_places():
    files = {"gan": WEIGHTS / "gan_mnist.safetensors"}
    seeds = {"weights": "gan", "seed_a": 3, "seed_b": 8}
    sheet = decoded(tasks.draw_square(Square(**seeds), None, files)["image"])
    assert sheet.shape == (7 * 28, 7 * 28)
    for i, j in ((0, 0), (0, 6), (6, 0), (3, 2)):
        place = decoded(tasks.draw_place(Place(**seeds, x=j / 6, y=i / 6), None, files)["image"])
        assert np.abs(place.astype(int) - sheet[28 * i : 28 * i + 28, 28 * j : 28 * j + 28]).max() <= 1, (i, j)
    generator = generators.load_generator(files["gan"])
    a, b = generators.latents(generator, [3, 8])
    half = generator.latent_dim // 2
    z = np.concatenate([0.7 * a[:half] + 0.3 * b[:half], 0.1 * a[half:] + 0.9 * b[half:]])
    place = decoded(tasks.draw_place(Place(**seeds, x=0.3, y=0.9), None, files)["image"])
    assert np.abs(from_pixels(place) - generators.draw(generator, z[None].astype(np.float32))[0, 0]).max() < 0.01


def test_a_class_is_drawn_in_the_square(files):
    places = [tasks.draw_place(Place(weights="pets", label=label), None, files) for label in (None, "cat", "dog")]
    assert places[0] == places[1] != places[2]


def test_an_upload_is_made_smaller_and_then_translated_as_by_the_program(tmp_path, files):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 60, 3), np.uint8)
    opt = Translation(weights="u", longest=40, seed=3)
    result = tasks.translate_upload(opt, encoded(pixels), files)
    given = decoded(result["input"])
    assert given.shape == (20, 40, 3)
    averages = pixels.reshape((10, 3, 20, 3, 3)).mean((1, 3))
    assert np.abs(given.reshape((10, 2, 20, 2, 3)).mean((1, 3)) - averages).mean() < 8  # it is the same picture
    (tmp_path / "small.png").write_bytes(result["input"])
    run(tmp_path, "translate", "small.png", "--weights", files["u"], "--seed", 3)
    assert result["image"] == (tmp_path / "translated" / "small.png").read_bytes()


def test_a_small_upload_stays_as_it_is(files):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    result = tasks.translate_upload(Translation(weights="u", longest=40), encoded(pixels), files)
    assert np.array_equal(decoded(result["input"]), pixels)


def png_of(width: int, height: int) -> bytes:
    """The begin of a PNG of this size, without what would fill it."""
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b"")]
    framed = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@pytest.mark.parametrize(
    ("upload", "sentence"),
    [
        (b"this is text", "this is no image that can be read; JPEG, PNG, WebP, BMP and TIFF can be"),
        (encoded(np.zeros((4, 4), np.uint8), "GIF"), "this is no image that can be read"),
        (encoded(np.zeros((4, 4), np.uint8), "PPM"), "this is no image that can be read"),
        (
            encoded(np.zeros((400, 400, 3), np.uint8), "JPEG")[:-200],
            "this image cannot be used: image file is truncated",
        ),
        (encoded(np.zeros((4, 4), np.int32), "TIFF"), "its values are 32 bits wide"),
        (png_of(8000, 8000), "it is suspiciously large (8000 x 8000 pixels); scale it down to 50,000,000 pixels"),
        (png_of(90_000, 90_000), "it is suspiciously large"),
        (png_of(7000, 7000), "this image cannot be used: image file is truncated"),  # it is decoded
    ],
)
def test_what_is_no_image_that_can_be_used_is_a_sentence(upload, sentence):
    with pytest.raises(UserError) as refused:
        tasks.read_upload(upload, "RGB")
    assert sentence in str(refused.value) and " at 0x" not in str(refused.value)


def test_a_label_map_is_taken_as_it_is_and_what_is_none_is_a_sentence():
    classes = np.arange(6, dtype=np.uint8).reshape((2, 3))
    assert np.array_equal(tasks.read_upload(encoded(classes), "RGB", 6), classes)
    with pytest.raises(UserError, match="it holds the value 5, and the classes of 5 are 0 to 4"):
        tasks.read_upload(encoded(classes), "RGB", 5)
    with pytest.raises(UserError, match="it is a JPEG, which changes values a little"):
        tasks.read_upload(encoded(classes, "JPEG"), "RGB", 6)


def test_a_label_map_is_translated_as_translate_does_it(tmp_path):
    save_network(tmp_path / "maps", pix2pix.Generator(label_classes=6, conv_dim=2, n_levels=5))
    classes = np.random.default_rng(0).integers(0, 6, (32, 64)).astype(np.uint8)
    found = tasks.translate_upload(Translation("maps", longest=64), encoded(classes), {"maps": tmp_path / "maps"})
    shown, drawn = (decoded(found[name]) for name in ("input", "image"))
    assert shown.shape == drawn.shape == (32, 64, 3) and len(np.unique(shown.reshape((-1, 3)), axis=0)) == 6
    seed_jittor(0, "translate")
    assert np.array_equal(drawn, translate(load_translator(tmp_path / "maps"), Image.fromarray(classes)))


@pytest.mark.parametrize(
    ("check", "opt", "sentence"),
    [
        (tasks.check_number, Number("0" * 21, candidates=100), "2100 digits, all candidates counted, are too many"),
        (tasks.check_number, Number("1" * 2001), "it draws up to 2000 at once"),
        (tasks.check_number, Number("12a"), "character 3 of the number is 'a'"),
        (tasks.check_samples, Samples(seeds="5-1"), "'5-1' is no number and no rising range"),
        (tasks.check_translation, Translation(), "there is no image to translate"),
    ],
)
def test_a_mistake_shows_before_anything_is_computed(check, opt, sentence):
    with pytest.raises(UserError, match=sentence):
        check(opt, b"")


def test_a_sheet_has_a_largest_size(files):
    opt = Samples(weights="pets", seeds="0-200")
    with pytest.raises(UserError, match="402 images are too many for the demo; it draws up to 400"):
        tasks.draw_samples(opt, tasks.check_samples(opt, b""), files)


def test_weights_of_another_kind_are_a_sentence(files):
    for work, opt, checked in (
        (tasks.draw_samples, Samples(weights="u"), [0]),
        (tasks.draw_number, Number("1", weights="plain"), np.array([1])),
        (tasks.translate_upload, Translation(weights="plain"), b""),
    ):
        with pytest.raises(UserError, match="what is needed here is weights of one of these"):
            work(opt, checked, files)
