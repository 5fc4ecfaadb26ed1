from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from jgan.training.log import Log, draw_curves, read_log


def written(path, *steps):
    with Log(path, 0) as log:
        for step in steps:
            log.write(step=step, loss=1 / step)


def test_a_log_is_read_as_it_was_written(tmp_path):
    written(tmp_path / "log", 10, 20)
    assert read_log(tmp_path / "log") == [{"step": 10, "loss": 0.1}, {"step": 20, "loss": 0.05}]


def test_a_resumed_log_forgets_the_steps_that_will_be_done_again(tmp_path):
    path = tmp_path / "log"
    written(path, 10, 20, 30, 40)
    with Log(path, 20) as log:
        log.write(step=30, loss=7)
    assert [(entry["step"], entry["loss"]) for entry in read_log(path)] == [(10, 0.1), (20, 0.05), (30, 7)]


def test_a_line_cut_short_is_dropped(tmp_path):
    path = tmp_path / "log"
    written(path, 10, 20)
    path.write_text(path.read_text()[:-5])
    assert [entry["step"] for entry in read_log(path)] == [10]
    with Log(path, 20):
        pass
    assert path.read_text().count("\n") == 1


@pytest.mark.parametrize(
    "damage",
    [
        b'{"step": 20, "lo', b"\0" * 20, b"\xff\xfe", b"[20]", b"20", b"null", b"{}",
        b'{"step": "20", "loss": 1}', b'{"step": 1e999, "loss": 1}', b'{"step": 20, "loss": "low"}',
    ],
)  # fmt: skip
def test_a_damaged_line_costs_itself_alone_and_is_said(tmp_path, damage, capsys):
    path = tmp_path / "log"
    written(path, 10, 20, 30)
    first, _, last = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, damage, last, b""]))
    with Log(path, 30):
        pass
    assert path.read_bytes().splitlines() == [first, last]
    assert f"left out 1 line of {path}, which could not be read" in capsys.readouterr().err


def test_an_entry_without_a_loss_is_not_drawn(tmp_path):
    path = tmp_path / "log"
    written(path, *range(1, 31))
    draw_curves(tmp_path / "whole.png", path)
    path.write_text(path.read_text().replace('{"step": 1,', '{"step": 0}\n{"step": 1,'))
    draw_curves(tmp_path / "curves.png", path)
    assert (tmp_path / "curves.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


def test_there_may_be_no_log(tmp_path):
    assert read_log(tmp_path / "none") == []


def test_a_log_without_entries_draws_nothing(tmp_path):
    draw_curves(tmp_path / "curves.png", tmp_path / "log")
    assert not (tmp_path / "curves.png").exists()


def test_curves_of_any_length_are_drawn(tmp_path):
    for n in (1, 2, 1000):
        written(tmp_path / "log", *range(1, n + 1))
        draw_curves(tmp_path / "curves.png", tmp_path / "log")
        with Image.open(tmp_path / "curves.png") as image:
            assert image.size == (800, 250)
            pixels = np.asarray(image.convert("RGB")).reshape((-1, 3))
        assert (pixels == (31, 119, 180)).all(axis=1).any()  # matplotlib's first colour, of the strong line


def test_a_single_point_is_seen(tmp_path):
    written(tmp_path / "log", 10)
    draw_curves(tmp_path / "curves.png", tmp_path / "log")
    with Image.open(tmp_path / "curves.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels == (31, 119, 180)).all(axis=2).any()


def test_every_quantity_has_a_line_of_its_own(tmp_path):
    with Log(tmp_path / "log", 0) as log:
        for step in range(1, 101):
            log.write(step=step, rising=step / 100, falling=1 - step / 100)
    draw_curves(tmp_path / "curves.png", tmp_path / "log")
    with Image.open(tmp_path / "curves.png") as image:
        pixels = np.asarray(image.convert("RGB"))

    def height(colour, columns):
        return -np.where((pixels[:, columns] == colour).all(axis=2))[0].mean()

    left, right = slice(100, 200), slice(500, 600)
    for colour, rises in (((31, 119, 180), True), ((255, 127, 14), False)):
        assert (height(colour, left) < height(colour, right)) == rises
