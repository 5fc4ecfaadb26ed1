from __future__ import annotations

from PIL import Image

from jgan.report import Log, draw_curves, read_log


def written(path, *steps):
    log = Log(path, 0)
    for step in steps:
        log.write(step=step, loss=1 / step)
    log.close()


def test_a_log_is_read_as_it_was_written(tmp_path):
    written(tmp_path / "log", 10, 20)
    assert read_log(tmp_path / "log") == [{"step": 10, "loss": 0.1}, {"step": 20, "loss": 0.05}]


def test_a_resumed_log_forgets_the_steps_that_will_be_done_again(tmp_path):
    path = tmp_path / "log"
    written(path, 10, 20, 30, 40)
    log = Log(path, 20)
    log.write(step=30, loss=7)
    log.close()
    assert [(entry["step"], entry["loss"]) for entry in read_log(path)] == [(10, 0.1), (20, 0.05), (30, 7)]


def test_a_line_cut_short_is_dropped(tmp_path):
    path = tmp_path / "log"
    written(path, 10, 20)
    path.write_text(path.read_text()[:-5])
    assert [entry["step"] for entry in read_log(path)] == [10]
    Log(path, 20).close()
    assert path.read_text().count("\n") == 1


def test_there_may_be_no_log(tmp_path):
    assert read_log(tmp_path / "none") == []


def test_a_log_without_entries_draws_nothing(tmp_path):
    draw_curves(tmp_path / "log", tmp_path / "curves.png", ["loss"])
    assert not (tmp_path / "curves.png").exists()


def test_curves_of_any_length_are_drawn(tmp_path):
    for n in (1, 2, 1000):
        written(tmp_path / "log", *range(1, n + 1))
        draw_curves(tmp_path / "log", tmp_path / "curves.png", ["loss"])
        with Image.open(tmp_path / "curves.png") as image:
            assert image.size == (800, 450)
            assert len(image.getcolors(1 << 24)) > 10  # axes, and something on them
