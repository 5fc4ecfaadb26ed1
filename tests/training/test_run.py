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
    run = Run(tmp_path / "runs" / "x", program="train_toy")
    run.create(OPTIONS, {"jgan": "0"})
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
    with pytest.raises(UserError, match=r"runs/x already holds a run; resume it with --resume .*runs/x, or"):
        run.create(OPTIONS, {})
    run.state.unlink()
    run.best.write_bytes(b"the best weights of a run whose state is gone")
    with pytest.raises(UserError, match=r"runs/x holds the best\.safetensors of a run that cannot be resumed"):
        run.create(OPTIONS, {})
    run.best.unlink()
    run.sample(30).write_bytes(b"a sample of the run that saved nothing")
    run.create({**OPTIONS, "lr": 0.2}, {})  # nothing is lost: it had saved nothing
    assert run.read_config()["options"]["lr"] == 0.2 and not run.sample(30).exists()


def test_one_process_at_a_time_trains_in_a_run(run):
    lock = f"from jgan.training.run import Run; Run({str(run.folder)!r}).lock()"
    assert f"another process is training in {run.folder}" in run_code(lock).stderr
    other = Run(run.folder.with_name("other"))
    create = f"from jgan.training.run import Run; Run({str(other.folder)!r}).create({{}}, {{}})"
    assert run_code(create).returncode == 0
    other.lock()  # as that process has ended


def test_what_a_killed_process_left_half_written_is_removed(run):
    left = [run.folder / ".state.safetensors.x_4zq0ab", run.samples / ".0000010.png.abcdefgh"]
    kept = [run.folder / ".notes.abcdefgh", run.folder / "state.safetensors", run.folder / ".lock"]
    for path in [*left, kept[0]]:
        path.write_bytes(b"half")
    run.lock()
    assert not any(path.exists() for path in left) and all(path.exists() for path in kept)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot make the folder .*file/x/samples: Not a directory"):
        Run(tmp_path / "file" / "x").create({}, {})


def test_a_resumed_run_remembers_its_new_options_and_who_computed_it(run):
    run.note_session({**OPTIONS, "n_epochs": 9}, {"jgan": "1"})
    config = run.read_config()
    assert config["options"]["n_epochs"] == 9 and config["sessions"] == [{"jgan": "0"}, {"jgan": "1"}]


def test_what_is_no_configuration_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="is not a run directory"):
        Run(tmp_path).read_config()
    for damaged in ("{", "[]", "{}", '{"program": "train_toy", "options": 3, "sessions": []}', NO_SESSIONS):
        run.config.write_text(damaged)
        with pytest.raises(UserError, match="cannot be read as the configuration of a run"):
            run.read_config()


@pytest.mark.parametrize(
    ("name", "other"), [("data", "4 images"), ("labels", "crc32 1"), ("classes", ["cat", "dog", "emu"])]
)
def test_a_run_goes_on_with_the_data_it_was_started_on(tmp_path, name, other):
    data = {"data": "3 images", "labels": "crc32 0", "classes": ["cat", "dog"]}
    Run(tmp_path / "x").create(OPTIONS, {"jgan": "0", **data})
    Run(tmp_path / "x", resumed=True).require_data(data)
    with pytest.raises(UserError, match=rf"was started on other data \({name}: .*\) than it finds now"):
        Run(tmp_path / "x", resumed=True).require_data({**data, name: other})


def test_an_old_run_does_not_know_its_labels(tmp_path):
    Run(tmp_path / "x").create(OPTIONS, {"data": "3 images"})
    Run(tmp_path / "x", resumed=True).require_data({"data": "3 images", "labels": "crc32 0", "classes": ["0", "1"]})


def test_a_run_knows_its_labels_from_the_session_on_that_first_noted_them(tmp_path):
    run = Run(tmp_path / "x", resumed=True)
    run.create(OPTIONS, {"data": "3 images"})
    run.note_session(OPTIONS, {"data": "3 images", "labels": "crc32 0"})
    with pytest.raises(UserError, match="was started on other data"):
        run.require_data({"data": "3 images", "labels": "crc32 1"})


def test_a_run_without_sessions_has_no_data_to_differ_from(tmp_path):
    run = Run(tmp_path / "x", resumed=True)
    run.create(OPTIONS, {})
    config = json.loads(run.config.read_text())
    run.config.write_text(json.dumps({**config, "sessions": []}))
    run.require_data({"data": "3 images"})
    assert run.data == {"data": "3 images"}
