from __future__ import annotations

import json

import pytest
from conftest import run_code

from jgan.errors import UserError
from jgan.training.run import Run

OPTIONS = {"lr": 0.1, "n_epochs": 3, "max_steps": 20, "device": "cpu", "sample_interval": 5, "output": "runs/x"}
NO_SESSIONS = '{"program": "train_toy", "options": {}, "sessions": 3}'


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "runs" / "x")
    run.create("train_toy", OPTIONS, {"jgan": "0"})
    run.state.write_bytes(b"state")
    return run


def test_a_run_directory_holds_its_configuration(run):
    assert run.samples.is_dir()
    assert json.loads(run.config.read_text()) == {
        "program": "train_toy",
        "options": OPTIONS,
        "sessions": [{"jgan": "0"}],
    }


def test_a_run_is_never_begun_over_another(run):
    with pytest.raises(UserError, match=r"already holds a run; resume it with --resume .*runs/x, or choose another"):
        run.create("train_toy", OPTIONS, {})
    run.state.unlink()
    run.create("train_toy", {**OPTIONS, "lr": 0.2}, {})  # nothing is lost: it had saved nothing
    assert run.options()["lr"] == 0.2


def test_one_process_at_a_time_trains_in_a_run(run):
    hold = f"from jgan.training.run import Run; Run({str(run.folder)!r}).hold()"
    assert f"another process is training in {run.folder}" in run_code(hold).stderr
    other = Run(run.folder.with_name("other"))
    create = f"from jgan.training.run import Run; Run({str(other.folder)!r}).create('train_toy', {{}}, {{}})"
    assert run_code(create).returncode == 0
    other.hold()  # as that process has ended


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot make the folder .*file/x/samples: Not a directory"):
        Run(tmp_path / "file" / "x").create("train_toy", {}, {})


def test_a_run_goes_on_with_its_own_options_and_no_bound(run):
    expected = {**OPTIONS, "max_steps": None, "output": str(run.folder)}
    assert run.resume_options("train_toy", {"resume": "x"}) == expected
    assert run.resume_options("train_toy", {"lr": 0.1}) == expected  # what the run has anyway
    anew = {"n_epochs": 9, "max_steps": 30, "device": "cuda", "sample_interval": 1}
    assert run.resume_options("train_toy", anew) == {**expected, **anew}


def test_a_resumed_run_remembers_its_new_options_and_who_computed_it(run):
    run.resume({**OPTIONS, "n_epochs": 9}, {"jgan": "1"})
    assert run.resume_options("train_toy", {})["n_epochs"] == 9
    assert json.loads(run.config.read_text())["sessions"] == [{"jgan": "0"}, {"jgan": "1"}]


def test_other_options_are_refused_each_by_name(run):
    with pytest.raises(UserError, match=r"--lr 0\.2 \(the run: 0\.1\), --seed 3 \(the run: None\), --output elsewhere"):
        run.resume_options("train_toy", {"lr": 0.2, "seed": 3, "n_epochs": 5, "output": "elsewhere"})


def test_a_run_goes_on_where_it_was_moved_to(run, tmp_path):
    moved = run.folder.rename(tmp_path / "moved")
    assert Run(moved).resume_options("train_toy", {"output": str(moved)})["output"] == str(moved)


def test_what_cannot_be_resumed_is_refused(run, tmp_path):
    with pytest.raises(UserError, match=r"is a run of train_toy; resume it with that program"):
        run.resume_options("train_other", {})
    with pytest.raises(UserError, match="is not a run directory"):
        Run(tmp_path).resume_options("train_toy", {})
    run.state.unlink()
    with pytest.raises(UserError, match=r"holds no state\.safetensors to resume from"):
        run.resume_options("train_toy", {})
    for damaged in ("{", "[]", "{}", '{"program": "train_toy", "options": 3, "sessions": []}', NO_SESSIONS):
        run.config.write_text(damaged)
        with pytest.raises(UserError, match="cannot be read as the configuration of a run"):
            run.resume_options("train_toy", {})


def test_a_run_goes_on_with_the_data_it_was_started_on(tmp_path):
    run = Run(tmp_path / "x")
    run.create("train_toy", OPTIONS, {"data": "3 images"})
    config = run.config.read_bytes()
    with pytest.raises(UserError, match=r"started on other data \(3 images\) than it finds now \(4 images\)"):
        run.resume(OPTIONS, {"data": "4 images"})
    assert run.config.read_bytes() == config
    run.resume(OPTIONS, {"data": "3 images"})
