"""What a page holds of a run, and of several."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from made_runs import SESSION, make_run, write_lines
from PIL import Image

from jgan.errors import UserError
from jgan.images import save_png
from jgan.training.page import comparison, curves, document, facts, samples, write_page, write_report
from jgan.training.run import Run


def data_of(page) -> dict:
    """What the page holds for its scripts."""
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.S)[1]
    return json.loads(text)


def log_of(values) -> list[dict]:
    return [{"step": 10 * (i + 1), "loss": float(value)} for i, value in enumerate(values)]


def test_few_points_are_drawn_as_they_were_logged():
    (curve,) = curves.log_curves(log_of([3, 1, 2]))
    assert curve["steps"] == [10, 20, 30] and curve["low"] == curve["high"] == curve["mean"] == [3, 1, 2]


def test_many_points_are_thinned_and_no_extreme_is_lost():
    values = np.random.default_rng(0).normal(0, 1, 10_007)
    values[[4, 5003, 10_006]] = 50, -60, 70
    (curve,) = curves.log_curves(log_of(values))
    n = len(curve["steps"])
    assert 900 < n <= curves.N_POINTS and len(curve["low"]) == len(curve["high"]) == len(curve["mean"]) == n
    assert {50, 70} <= set(curve["high"]) and -60 in curve["low"]
    assert curve["steps"][-1] == 100_070 and curve["steps"] == sorted(curve["steps"])
    places = [step // 10 for step in curve["steps"]]
    for i, (start, end) in enumerate(zip([0, *places], places)):
        assert curve["low"][i] == pytest.approx(values[start:end].min(), rel=1e-4)
        assert curve["mean"][i] == pytest.approx(values[max(0, end - 200) : end].mean(), rel=1e-3, abs=1e-4)


def test_quantities_that_come_later_have_their_own_steps():
    found = curves.log_curves([{"step": 1, "a": 1.0}, {"step": 2, "a": 2.0, "b": 5.0}])
    assert [(curve["name"], curve["steps"]) for curve in found] == [("a", [1, 2]), ("b", [2])]


def test_numbers_that_json_cannot_hold_are_left_out(tmp_path):
    run = make_run(tmp_path / "a")
    write_lines(run.scores, [{"step": 100, "distance": float("nan")}, {"step": 200, "distance": 2.0}])
    write_page(run)
    data = data_of(run.page)
    assert data["scores"][0] == {"step": 100, "distance": None} and data["best"] == 200


def test_text_cannot_leave_the_data():
    nasty = ["</script><!--", "<script>", "]]>", "\u2028\u2029", "é 猫 & \"'\\"]
    text = document.embedded_json(nasty)
    assert not set(text) & set("<>&") and text.isascii() and json.loads(text) == nasty


def test_a_page_holds_no_markup_of_its_own_data_and_no_address(tmp_path):
    run = make_run(tmp_path / "a", data_dir="</script><b>{{style}}")
    write_page(run)
    text = run.page.read_text()
    assert text.count("</script>") == 4 and "<b>{{style}}" not in text
    assert data_of(run.page)["options"]["data_dir"] == "</script><b>{{style}}"
    assert re.findall(r'(?:src|href)\s*=\s*"(?!data:)', text) == []


def test_the_best_step_is_that_of_the_least_first_score():
    entries = [{"step": n, "distance": d, "accuracy": a} for n, d, a in ((1, 3.0, 0.9), (2, 1.0, 0.1), (3, 1.0, 0.5))]
    found = facts.scored(entries)
    assert found["best"] == 2 and found["scores"] == entries
    assert facts.scored([]) == {"scores": [], "score_curves": [], "best": None}


def test_speed_and_time_left_follow_from_the_log():
    entries = [{"step": 10, "images_per_s": 1.0}, *({"step": n, "images_per_s": 20.0} for n in range(20, 201, 10))]
    found = facts.timing(entries, 200, {"steps": 400, "images_per_step": 8})
    assert found == {"speed": 20, "computed": 10 * 8 / 1 + 190 * 8 / 20, "left": 200 * 8 / 20}
    assert facts.timing(entries, 200, {}) == facts.timing([], 0, SESSION) == dict.fromkeys(found)


def test_files_are_named_with_their_sizes(tmp_path):
    run = make_run(tmp_path / "a")
    found = {file["name"]: file for file in facts.files(run)}
    assert found["log.jsonl"]["bytes"] == run.log.stat().st_size
    assert found["samples/"]["n"] == 11 and ".lock" not in found
    assert found["samples/"]["bytes"] == sum(path.stat().st_size for path in run.samples.iterdir())


def test_the_steps_of_a_run_are_those_of_its_state(tmp_path):
    run = make_run(tmp_path / "a")
    write_lines(run.log, [{"step": 230, "loss": 1.0}])
    assert facts.run_facts(run)["step"] == 200
    run.state.unlink()
    assert facts.run_facts(run)["step"] == 230


def noisy(run: Run, n: int, size: int) -> None:
    random = np.random.default_rng(0)
    for i in range(1, n + 1):
        save_png(run.sample(10 * i), random.integers(0, 256, (size, size, 3), np.uint8))


def test_of_many_samples_a_page_holds_some_the_first_and_the_last_among_them(tmp_path):
    run = make_run(tmp_path / "a", steps=0)
    noisy(run, 150, 8)
    steps = [sample["step"] for sample in samples.run_samples(run)["samples"]]
    assert steps == [*range(10, 1500, 40), 1500]


def test_samples_of_many_pixels_stay_within_the_budget(tmp_path):
    run = make_run(tmp_path / "a", steps=0)
    noisy(run, 12, 900)
    write_page(run)
    steps = [sample["step"] for sample in data_of(run.page)["samples"]]
    assert 1 < len(steps) < 12 and steps[0] == 10 and steps[-1] == 120
    assert run.page.stat().st_size < 5_000_000


def test_a_sample_on_a_page_is_as_it_was_drawn_and_not_too_large(tmp_path):
    run = make_run(tmp_path / "a", steps=0)
    gradient = np.linspace(0, 255, 4 * samples.LARGEST).astype(np.uint8)[None].repeat(300, axis=0)
    save_png(run.sample(10), gradient)
    (sample,) = samples.run_samples(run)["samples"]
    image = Image.open(io.BytesIO(base64.b64decode(sample["image"].partition(",")[2])))
    assert image.size == (samples.LARGEST, 75)
    assert np.abs(np.asarray(image)[40, ::100, 0].astype(int) - gradient[0, ::400]).max() <= 4


def test_a_sample_that_cannot_be_read_is_left_out(tmp_path):
    run = make_run(tmp_path / "a")
    run.sample(40).write_bytes(b"no picture")
    run.real.unlink()
    found = samples.run_samples(run)
    assert [sample["step"] for sample in found["samples"]] == [20, *range(60, 201, 20)] and found["real"] is None


def test_a_sample_that_is_drawn_again_is_shown_anew(tmp_path):
    run = make_run(tmp_path / "a")
    before = samples.run_samples(run)["samples"]
    save_png(run.sample(200), np.zeros((40, 40), np.uint8))
    after = samples.run_samples(run)["samples"]
    assert before[:-1] == after[:-1] and before[-1] != after[-1]


def test_runs_are_named_by_what_tells_them_apart(tmp_path):
    paths = ["x/run/a", "x/other/a", "b"]
    assert comparison.names([Run(tmp_path / path) for path in paths]) == ["run/a", "other/a", f"{tmp_path.name}/b"]
    assert comparison.names([Run(tmp_path / path) for path in ("x/a", "x/b")]) == ["a", "b"]


def test_a_comparison_shows_what_differs(tmp_path):
    runs = [make_run(tmp_path / "a", n_epochs=3, b1=0.5), make_run(tmp_path / "b", n_epochs=4)]
    write_report(tmp_path / "report.html", runs)
    data = data_of(tmp_path / "report.html")
    assert data["options"] == [
        {"name": "lr", "values": [0.1, 0.1], "differs": False},
        {"name": "n_epochs", "values": [3, 4], "differs": True},
        {"name": "b1", "values": [0.5, None], "differs": True},
    ]
    assert data["comparable"] and [each["runs"] for each in data["real"]] == [["a", "b"]]
    runs[1].note_session({"n_epochs": 4}, {**SESSION, "judge": "another"})
    assert not comparison.compare(runs)["comparable"]


def test_samples_are_compared_at_the_steps_that_runs_share(tmp_path):
    runs = [
        make_run(tmp_path / "a", sample_interval=20),
        make_run(tmp_path / "b", sample_interval=30, steps=120),
    ]
    steps = [[int(path.stem) for path in frame] for frame in comparison.frames(runs)]
    assert steps == [[60, 60], [120, 120], [140, 120], [160, 120], [180, 120], [200, 120]]


def test_runs_that_share_nothing_are_named(tmp_path):
    runs = [
        make_run(tmp_path / "a", scores=False),
        make_run(tmp_path / "b", scores=False),
        make_run(tmp_path / "judge", losses=("loss",), scores=False),
    ]
    with pytest.raises(UserError, match=r"judge has no loss or score in common with the other runs \(it has loss\)"):
        write_report(tmp_path / "report.html", runs)
    assert not (tmp_path / "report.html").exists()
