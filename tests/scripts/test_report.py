"""report.py, on runs that were not trained."""

from __future__ import annotations

import numpy as np
import pytest
from made_runs import make_run
from PIL import Image
from programs import run as run_program


@pytest.fixture
def runs(tmp_path):
    return [make_run(tmp_path / "a"), make_run(tmp_path / "b", lr=0.2, steps=60)]


def test_a_page_and_a_contact_sheet_are_written(runs, tmp_path):
    done = run_program(tmp_path, "report", "a", "b", "--output", "ab.html", "--contact_sheet", "ab.png", "--columns", 3)
    assert done.out.splitlines() == ["wrote ab.html", "wrote ab.png"]
    assert (tmp_path / "ab.html").read_text().startswith("<!doctype html>")
    pixels = np.asarray(Image.open(tmp_path / "ab.png"))
    for row, steps in enumerate([(20, 60, 200), (20, 60, 60)]):
        for column, step in enumerate(steps):
            top, left = 16 + 32 + row * (32 + 32 + 16), 16 + column * (32 + 16)
            assert (pixels[top : top + 32, left : left + 32] == step * 255 // 400).all(), (row, column)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a"], "give two runs or more to compare; a alone has its own page"),
        (["a", "../{folder}/a"], "a is the same run as a; give each run once"),
        (["a", "c"], "c is not a run directory: it has no config.json"),
        (["a", "b", "--output", "ab.htm"], "so --output must end in .html; ab.htm does not"),
        (["a", "b", "--output", "gone/ab.html"], "the folder gone does not exist"),
        (["a", "b", "--contact_sheet", "ab.jpg"], "so --contact_sheet must end in .png; ab.jpg does not"),
        (["a", "b", "--columns", "3"], "--columns is about the contact sheet"),
        (["a", "judge"], "a has no loss or score in common with the other runs (it has accuracy, d_loss, distance"),
        (["a", "empty", "--contact_sheet", "ab.png"], "empty has drawn no sample yet"),
    ],
)
def test_a_mistake_is_a_sentence(runs, tmp_path, refused, arguments, message):
    make_run(tmp_path / "judge", losses=("loss",), scores=False)
    make_run(tmp_path / "empty", sample_interval=1000)
    assert message in refused("report", *(each.format(folder=tmp_path.name) for each in arguments))
    assert not list(tmp_path.glob("ab*"))
