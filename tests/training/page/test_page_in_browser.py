"""The page of a run and that of several, opened in Chromium and used."""

from __future__ import annotations

import pytest

browser = pytest.importorskip("browser", reason="selenium is not installed")
from made_runs import make_run  # noqa: E402

from jgan.training.page import write_page, write_report  # noqa: E402

pytestmark = browser.needs_chromium

LEFT, RIGHT, END, HOME, SPACE, ESCAPE = "\ue012", "\ue014", "\ue010", "\ue011", " ", "\ue00c"
CLASSES = [
    "cat",
    "</script><script>document.title = 'x'</script>",
    "<img src=x onerror=alert(1)>",
    "a&amp;b",
    "é 猫",
]


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of two runs, and both compared."""
    folder = tmp_path_factory.mktemp("runs")
    runs = [make_run(folder / "a", n_epochs=3), make_run(folder / "b", lr=0.2, steps=160, n_epochs=3)]
    for run in runs:
        write_page(run)
    write_report(folder / "report.html", runs)
    return {"run": runs[0].page, "report": folder / "report.html"}


@pytest.fixture(params=["run", "report"])
def page(request, pages):
    return pages[request.param]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_a_page_asks_for_nothing_and_fits_the_window(chromium, page, width, theme):
    chromium.open(page, width=width, theme=theme)
    assert chromium.messages() == []
    assert chromium.requests() == [page.resolve().as_uri()]
    sizes = chromium.run(
        "const {scrollWidth, clientWidth} = document.documentElement; return [scrollWidth, clientWidth]"
    )
    assert sizes[0] == sizes[1] and width - 20 < sizes[1] <= width
    assert chromium.run("return document.documentElement.dataset.theme") == theme


def test_the_slider_changes_the_picture(chromium, page):
    chromium.open(page)
    grey, text = chromium.pictures()[0]
    assert text.endswith("at step 200") and abs(grey - 200 * 255 / 400) <= 3
    chromium.press("input[type=range]", LEFT, LEFT)
    grey, text = chromium.pictures()[0]
    assert text.endswith("at step 160") and abs(grey - 160 * 255 / 400) <= 3
    assert chromium.find("output").text == "step 160"
    chromium.press("input[type=range]", HOME)
    assert chromium.pictures()[0][1].endswith("at step 20")


def test_play_shows_the_training_and_stops_at_its_end(chromium, page):
    chromium.open(page)
    chromium.run("""
        window.seen = [];
        new MutationObserver(() => seen.push(document.querySelector("output").textContent))
            .observe(document.querySelector("output"), {childList: true});
    """)
    chromium.press("button.play", SPACE)
    assert chromium.find("button.play").get_attribute("aria-label") == "Pause"
    chromium.wait_for("return document.querySelector('button.play').dataset.playing === 'false'")
    assert chromium.run("return seen") == [f"step {n}" for n in range(20, 201, 20)]
    chromium.find("button.play").click()
    chromium.find("button.play").click()
    assert chromium.find("button.play").get_attribute("data-playing") == "false"


def test_pointing_at_a_curve_says_its_value(chromium, pages):
    chromium.open(pages["run"])
    names = chromium.texts(".chart h3")
    assert [name.lower() for name in names] == ["distance", "accuracy", "g loss", "d loss", "images per second"]
    readout = ".chart:nth-child(3) .readout"
    assert (
        chromium.find(readout).text.split() == ["0.005,", "mean", "0.005", "step", "200"]
        or "0.005" in chromium.find(readout).text
    )
    chromium.point_at(".chart:nth-child(3) .u-over", 0.5)
    said = chromium.find(readout).text
    step = int(said.split()[-1])
    assert 90 <= step <= 120 and said.split()[0] == f"{1 / step:.4g}"
    others = {text.split()[-1] for text in chromium.texts(".chart .readout")[2:]}
    assert others == {str(step)}  # one points into all charts


def test_the_curves_of_several_runs_say_the_values_of_each(chromium, pages):
    chromium.open(pages["report"])
    chromium.point_at(".chart:nth-child(3) .u-over", 0.5)
    spans = chromium.texts(".chart:nth-child(3) .readout > span")
    assert len(spans) == 3 and spans[2].startswith("step ")
    chromium.find(".toggle").click()
    assert len(chromium.texts(".chart:nth-child(3) .readout > span")) == 2
    assert chromium.find(".toggle").get_attribute("aria-pressed") == "false"


def axis_range(chromium) -> list[float]:
    """The least and the largest step that the labels of the third chart's slider can reach."""
    chromium.press(".chart:nth-child(3) .plot", HOME)
    first = chromium.find(".chart:nth-child(3) .plot").get_attribute("aria-valuenow")
    chromium.press(".chart:nth-child(3) .plot", END)
    return [int(first), int(chromium.find(".chart:nth-child(3) .plot").get_attribute("aria-valuenow"))]


def test_curves_are_enlarged_by_mouse_keys_and_buttons(chromium, page):
    chromium.open(page)
    assert axis_range(chromium) == [10, 200]
    chromium.drag(".chart:nth-child(3) .u-over", 0.5, 0.8)
    low, high = axis_range(chromium)
    assert 90 <= low <= 120 and 150 <= high <= 180
    chromium.press(".chart:nth-child(3) .plot", ESCAPE)
    assert axis_range(chromium) == [10, 200]
    chromium.find(".buttons button").click()
    low, high = axis_range(chromium)
    assert high - low < 100
    chromium.find(".buttons button:nth-child(3)").click()
    assert axis_range(chromium) == [10, 200]


def test_the_keyboard_moves_along_a_curve(chromium, page):
    chromium.open(page)
    chromium.press(".chart:nth-child(3) .plot", END, LEFT, LEFT, RIGHT)
    place = chromium.find(".chart:nth-child(3) .plot")
    assert place.get_attribute("aria-valuenow") == "190" and "step 190" in place.get_attribute("aria-valuetext")
    assert {text.split()[-1] for text in chromium.texts(".chart .readout")[2:]} == {"190"}


def test_all_that_can_be_used_is_reached_by_tab_and_has_a_name(chromium, page):
    chromium.open(page)
    nameless = """
        return [...document.querySelectorAll("button, input, a, [tabindex]")].filter((each) =>
            each.tabIndex < 0 || !(each.ariaLabel || each.textContent.trim())).map((each) => each.outerHTML);
    """
    assert chromium.run(nameless) == []
    assert chromium.run("return [...document.images].every((image) => image.alt)")


CONTRAST = """
    const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = (node) => {
        const color = getComputedStyle(node).backgroundColor;
        return numbers(color)[3] === 0 ? behind(node.parentElement) : numbers(color);
    };
    const nodes = [...document.querySelectorAll("body *")].filter((node) =>
        [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()) && node.checkVisibility());
    return nodes.map((node) => {
        const [a, b] = [numbers(getComputedStyle(node).color), behind(node)].map(luminance).sort((x, y) => y - x);
        return [(a + 0.05) / (b + 0.05), node.textContent];
    });
"""


def test_every_text_can_be_read_in_both_themes(chromium, page):
    """A contrast of 4.5 at least, as WCAG 2.1 asks (1.4.3)."""
    for theme in ("light", "dark"):
        chromium.open(page, theme=theme)
        found = chromium.run(CONTRAST)
        assert len(found) > 30 and [each for each in found if each[0] < 4.5] == []


def test_the_switch_changes_the_theme(chromium, page):
    chromium.open(page)
    before = chromium.run("return getComputedStyle(document.body).backgroundColor")
    chromium.press("#theme", SPACE)
    assert chromium.run("return getComputedStyle(document.body).backgroundColor") != before
    assert chromium.find("#theme").text == "Light"
    chromium.driver.refresh()
    after = chromium.find("#theme").text
    chromium.run("sessionStorage.clear()")
    assert after == "Light"


def test_names_with_markup_in_them_are_shown_as_they_are(chromium, tmp_path):
    run = make_run(tmp_path / "<b>a&amp;<b>", classes=CLASSES, n_epochs=1)
    run.note_session({"lr": 0.1, "data_dir": CLASSES[1]}, {"classes": CLASSES})
    write_page(run)
    chromium.open(run.page)
    assert chromium.messages() == [] and chromium.requests() == [run.page.resolve().as_uri()]
    assert chromium.find("h1").text == "<b>a&amp;<b>" and chromium.driver.title == "<b>a&amp;<b> · train_toy"
    assert CLASSES[1] in chromium.texts("#options dd")
    assert any(", ".join(CLASSES) in text for text in chromium.texts("#setting dd"))


def test_the_facts_of_a_run_are_told(chromium, pages):
    chromium.open(pages["run"])
    assert chromium.find("#progress").text == "Step 200 of 400"
    tiles = dict(zip(chromium.texts("#tiles dt"), chromium.texts("#tiles dd")))
    assert tiles["Speed"] == "40 images/s" and tiles["Trained for"] == "40 s" and tiles["Left at this speed"] == "40 s"
    assert tiles["Best step"].split() == ["150", "distance", "10.5"]
    assert "150 best" in chromium.texts("#scores tbody th")
    options = dict(zip(chromium.texts("#options dt"), chromium.texts("#options dd")))
    assert options["lr"] == "0.1" and options["n_epochs"] == "3"
    assert "samples/" in chromium.texts("#files a")


def test_a_comparison_tells_what_differs_and_who_is_best(chromium, pages):
    chromium.open(pages["report"])
    assert chromium.texts("#options .differs") == ["lr 0.1 0.2"]
    assert [text.split() for text in chromium.texts("#runs tr.best th")] == [["a", "best"]]
    pictures = [text for _, text in chromium.pictures()]
    assert pictures == [
        "Generated images of a at step 200",
        "Generated images of b at step 160",
        "Real images of a, b, in the layout of the samples",
    ]
    chromium.press("input[type=range]", HOME)
    assert [text for _, text in chromium.pictures()][:2] == [f"Generated images of {run} at step 20" for run in "ab"]


def test_a_run_that_has_just_begun_has_a_page(chromium, tmp_path):
    run = make_run(tmp_path / "new", steps=0, scores=False)
    write_page(run)
    chromium.open(run.page)
    assert chromium.messages() == []
    assert chromium.texts(".empty") == ["No sample has been drawn yet.", "Nothing has been logged yet."]


@pytest.mark.parametrize("name", ["a_name_that_is_quite_long_for_a_phone", "name" * 30])
def test_many_runs_of_long_names_fit_a_phone(chromium, tmp_path, name):
    runs = [make_run(tmp_path / f"{name}_{i}", data_dir="/long" * 40) for i in range(8)]
    write_page(runs[0])
    write_report(tmp_path / "report.html", runs)
    for page in (runs[0].page, tmp_path / "report.html"):
        chromium.open(page, width=390)
        assert chromium.run("return [document.documentElement.scrollWidth, innerWidth]") == [390, 390]
