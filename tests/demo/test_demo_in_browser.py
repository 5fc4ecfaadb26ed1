"""The demo opened in Chromium and used; what it shows is held to what the programs write."""

from __future__ import annotations

import re
import threading

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from programs import run, write_exchanged

browser = pytest.importorskip("browser", reason="selenium is not installed")
pytest.importorskip("bottle")
from served import LONG, serving  # noqa: E402

pytestmark = browser.needs_chromium

ENTER, LEFT, RIGHT, DOWN = "\ue007", "\ue012", "\ue014", "\ue015"
WEIGHTS = ROOT / "weights"
TABS = ("number", "samples", "square", "translation")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """One that has compiled what it needs. Its own/exchanged draws a 7 for a 3, and a 3 for a 7."""
    folder = tmp_path_factory.mktemp("weights") / "own"
    folder.mkdir()
    write_exchanged(folder / "exchanged.safetensors", WEIGHTS / "cgan_mnist.safetensors", 3, 7)
    with serving("--weights", folder) as demo:
        for task in ("number", "samples", "place"):
            demo.compute(task, {"number": "0"} if task == "number" else {})
        yield demo


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as found:
        yield found


@pytest.fixture
def photo(tmp_path):
    """An image that is smaller than what the demo makes smaller."""
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)).save(path)
    return path


class Tab:
    """A part of the demo, opened."""

    def __init__(self, chromium, demo, name: str, **how):
        self.chromium, self.name = chromium, name
        chromium.open(f"{demo.url}?{name}#{name}", **how)  # another address, or a new hash would not load it anew
        if name != "translation":
            self.wait()

    def go(self, name: str) -> None:
        """Open another part by its link."""
        self.name = name
        self.chromium.find(f"nav a[href='#{name}']").click()
        self.chromium.wait_for(f"return !document.querySelector('#{name}').hidden")

    def wait(self) -> str:
        """What the status says when nothing is computed any more."""
        idle = f"return !document.querySelector('#{self.name} button').disabled"
        self.chromium.wait_for(idle, seconds=200)
        return self.said()

    def said(self) -> str:
        return self.chromium.run(f"return document.querySelector('#{self.name} .status').textContent")

    def fill(self, **fields: str) -> None:
        """Put texts into fields, choose in lists."""
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', {bubbles: true}))"
        for name, text in fields.items():
            self.chromium.run(script, self.chromium.find(f"#{self.name} [name={name}]"), text)

    def submit(self) -> str:
        self.chromium.find(f"#{self.name} .primary").click()
        return self.wait()

    def pixels(self, image: str) -> np.ndarray:
        return self.chromium.pixels(f"#{self.name} {image}")


def pixels_of(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def require_fitting(chromium, width: int) -> None:
    sizes = chromium.run(
        "const {scrollWidth, clientWidth} = document.documentElement; return [scrollWidth, clientWidth]"
    )
    assert sizes[0] == sizes[1] and width - 20 < sizes[1] <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_all_parts_fit_the_window_and_say_nothing_to_the_console(chromium, demo, photo, width, theme):
    tab = Tab(chromium, demo, "number", width=width, theme=theme)
    for name in TABS:
        tab.go(name)
        if name == "translation":
            chromium.find("input[type=file]").send_keys(str(photo))
        assert tab.wait() == ""
        assert chromium.texts("nav a[aria-current=page]") == [chromium.find(f"nav a[href='#{name}']").text]
        assert [found.get_attribute("id") for found in chromium.all("main > section") if found.is_displayed()] == [name]
        assert chromium.all(f"#{name} img")[0].is_displayed()
        require_fitting(chromium, width)
    assert chromium.messages() == []
    assert {url.split("/")[2] for url in chromium.requests() if not url.startswith("blob:")} == {demo.host}
    assert chromium.run("return document.documentElement.dataset.theme") == theme


def test_a_typed_number_is_the_strip_of_render_digits(chromium, demo, tmp_path):
    done = run(tmp_path, "render_digits", "13800138000", "--seed", 5, "--candidates", 2, "--zip")
    tab = Tab(chromium, demo, "number")
    tab.fill(number="", seed="5", candidates="2")
    chromium.press("[name=number]", "13800138000", ENTER)
    assert tab.wait() == ""
    assert np.array_equal(tab.pixels(".strip img"), pixels_of(tmp_path / "result.png"))
    read = re.findall(r"is read as (\d) \(([\d.]+%)\)", done.out)
    assert [tuple(text.split("\n")) for text in chromium.texts(".digits li")] == read and len(read) == 11
    (tmp_path / "downloads").mkdir()
    for name in ("result.png", "result.zip"):
        saved = chromium.download(f"a[download='{name}']", tmp_path / "downloads")
        assert saved == (tmp_path / name).read_bytes()


def test_when_a_form_is_free_again_its_picture_is_there(chromium, demo):
    """That the image is not still being decoded; what is observed runs before anything else can."""
    tab = Tab(chromium, demo, "number")
    observe = """
        const [button, image] = arguments;
        const note = () => { if (!button.disabled) window.wasThere = image.complete && image.naturalWidth; };
        new MutationObserver(note).observe(button, { attributeFilter: ["disabled"] });
    """
    chromium.run(observe, chromium.find("#number .primary"), chromium.find(".strip img"))
    tab.fill(number="13800")
    assert tab.submit() == "" and chromium.run("return window.wasThere") == 5 * 32


def test_a_digit_that_is_read_as_another_stands_out(chromium, demo):
    tab = Tab(chromium, demo, "number")
    tab.fill(number="1370", weights="own/exchanged")
    assert tab.submit() == "" and chromium.texts(".digits b") == ["1", "3 → 7", "7 → 3", "0"]
    backgrounds = [found.value_of_css_property("background-color") for found in chromium.all(".digits li")]
    assert backgrounds[0] == backgrounds[3] != backgrounds[1] == backgrounds[2]


def test_a_bad_number_gets_the_sentence_of_render_digits_and_no_strip(chromium, demo, tmp_path):
    tab = Tab(chromium, demo, "number")
    tab.fill(number="138 0013")
    said = tab.submit()
    assert run(tmp_path, "render_digits", "138 0013", status=2).err.strip() == f"error: {said}"
    assert not chromium.find("#number .result").is_displayed()
    tab.fill(number="7")
    assert tab.submit() == "" and chromium.texts(".digits b") == ["7"]
    assert chromium.messages() == []


def test_samples_of_chosen_classes_are_those_of_the_program(chromium, demo, tmp_path):
    run(
        tmp_path, "sample", "--weights", WEIGHTS / "cgan_fashion_mnist.safetensors",
        "--seeds", "3,7", "--labels", "Trouser,Bag",
    )  # fmt: skip
    tab = Tab(chromium, demo, "samples")
    tab.fill(weights="cgan_fashion_mnist", seeds="3,7")
    for label in chromium.all(".classes label"):
        if label.text not in ("Trouser", "Bag"):
            label.click()
    assert tab.submit() == ""
    assert np.array_equal(tab.pixels(".sheet img"), pixels_of(tmp_path / "samples.png"))
    tab.fill(weights="gan_mnist")
    assert not chromium.find(".classes").is_displayed() and tab.submit() == ""
    tab.fill(seeds="7-3")
    assert tab.submit() == "Seeds '7-3': '7-3' is no number and no rising range such as 0-35"


def test_a_mistake_is_told_by_the_fields_name(chromium, demo):
    tab = Tab(chromium, demo, "number")
    tab.fill(candidates="")
    assert tab.submit() == "Candidates: '' is no whole number"
    tab = Tab(chromium, demo, "samples")
    for label in chromium.all(".classes label"):
        label.click()
    assert tab.submit() == "Classes: it is empty"


def test_a_long_number_scrolls_within_itself(chromium, demo):
    tab = Tab(chromium, demo, "number", width=390)
    tab.fill(number="0123456789" * 6)
    assert tab.submit() == ""
    size = chromium.find(".strip img").size
    assert size["height"] == 32 and size["width"] == 60 * 32
    require_fitting(chromium, 390)


def test_one_walks_through_the_square_with_the_pointer_and_the_keys(chromium, demo, tmp_path):
    path = WEIGHTS / "gan_mnist.safetensors"
    run(tmp_path, "interpolate", "--weights", path, "--seed_a", 4, "--seed_b", 9, "--n", 2)
    corners = pixels_of(tmp_path / "interpolation.png")
    tab = Tab(chromium, demo, "square")
    tab.fill(weights="gan_mnist", seed_a="4", seed_b="9")
    assert tab.submit() == ""

    def is_at(words: str) -> np.ndarray:
        chromium.wait_for(f"return document.querySelector('.place figcaption').textContent === '{words}'")
        assert chromium.find(".pad").get_attribute("aria-valuetext") == words
        return tab.pixels(".place img").astype(int)

    is_at("x 0.50, y 0.50")
    chromium.run("arguments[0].style.width = '500px'", chromium.find(".pad"))
    chromium.point_at(".pad", 0.3, 0.8)
    is_at("x 0.30, y 0.80")
    chromium.press(".pad", RIGHT, RIGHT, DOWN)
    is_at("x 0.34, y 0.82")
    chromium.press(".pad", *[RIGHT, DOWN] * 40)
    assert np.abs(is_at("x 1.00, y 1.00") - corners[-30:-2, -30:-2]).max() <= 1
    chromium.press(".pad", *[LEFT] * 60)
    assert np.abs(is_at("x 0.00, y 1.00") - corners[-30:-2, 2:30]).max() <= 1


@pytest.mark.parametrize(
    ("weights", "fields", "options"),
    [
        ("pix2pix_facades_128", {"seed": "4"}, ["--seed", 4]),
        ("cyclegan_monet_128", {"direction": "b2a"}, ["--direction", "b2a"]),
    ],
)
def test_an_upload_is_translated_as_by_the_program(chromium, demo, tmp_path, photo, weights, fields, options):
    run(tmp_path, "translate", photo, "--weights", WEIGHTS / f"{weights}.safetensors", *options)
    tab = Tab(chromium, demo, "translation")
    tab.fill(weights=weights, **fields)
    chromium.find("input[type=file]").send_keys(str(photo))
    assert tab.wait() == "" and chromium.texts(".upload span") == ["photo.png"]
    assert np.array_equal(tab.pixels("figure:nth-child(1) img"), pixels_of(photo))
    assert np.array_equal(tab.pixels("figure:nth-child(2) img"), pixels_of(tmp_path / "translated" / "photo.png"))
    is_shown = {name: chromium.find(f"#translation [name={name}]").is_displayed() for name in ("seed", "direction")}
    assert is_shown == {name: name in fields for name in is_shown}
    assert chromium.messages() == []


def test_an_upload_that_is_no_image_gets_its_sentence(chromium, demo, tmp_path):
    (tmp_path / "photo.jpg").write_text("no photo")
    tab = Tab(chromium, demo, "translation")
    assert tab.submit() == "there is no image to translate; choose one"
    chromium.find("input[type=file]").send_keys(str(tmp_path / "photo.jpg"))
    assert tab.wait() == "this is no image that can be read; JPEG, PNG, WebP, BMP and TIFF can be"
    assert chromium.messages() == []


def test_who_waits_is_told_for_how_many(chromium, demo):
    tab = Tab(chromium, demo, "number")
    other = threading.Thread(target=demo.compute, args=("number", LONG))
    other.start()
    tab.fill(number="42")
    chromium.find("#number .primary").click()
    chromium.wait_for("return document.querySelector('#number .status').textContent === '1 before you …'")
    assert tab.wait() == "" and chromium.texts(".digits b") == ["4", "2"]
    other.join()


def test_every_field_and_picture_has_a_name(chromium, demo, photo):
    tab = Tab(chromium, demo, "translation")
    chromium.find("input[type=file]").send_keys(str(photo))
    tab.wait()
    for name in TABS[:3]:
        tab.go(name)
        tab.wait()
    chromium.wait_for("return document.querySelector('.place img').alt")
    unnamed = "return [...document.querySelectorAll('input, select')].filter((field) => !field.labels.length).length"
    assert chromium.run(unnamed) == 0
    bare = "return [...document.images].filter((image) => !image.alt && !image.closest('.pad')).map((i) => i.outerHTML)"
    assert chromium.run(bare) == []


def test_without_the_server_a_sentence_says_so(chromium, demo):
    tab = Tab(chromium, demo, "number")
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    chromium.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    try:
        assert re.fullmatch(r"the demo does not answer \(.+\); does it still run\?", tab.submit())
    finally:
        online = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        chromium.driver.execute_cdp_cmd("Network.emulateNetworkConditions", online)
