"""The events of a run, read back from the file as TensorBoard's format says, without its library."""

from __future__ import annotations

import shutil
import struct

import pytest
from test_loop import Scored, Training

from jgan.training import tensorboard
from jgan.training.log import read_log

event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2", reason="tensorboardX is not installed")

OPTIONS = {"tensorboard": True, "sample_interval": 4, "save_interval": 6, "evaluate_interval": 8}


def events(run) -> list:
    """The events of all files: each behind its length and four bytes, four bytes after it."""
    data, found = b"".join(path.read_bytes() for path in run.events()), []
    while data:
        (size,) = struct.unpack("<Q", data[:8])
        found.append(event_pb2.Event.FromString(data[12 : 12 + size]))
        data = data[16 + size :]
    return found


def points(run) -> dict[str, list]:
    """(step, number) of each tag, or the step alone of an image."""
    found = {}
    for event in events(run):
        for value in event.summary.value:
            is_number = value.WhichOneof("value") == "simple_value"
            found.setdefault(value.tag, []).append((event.step, value.simple_value) if is_number else event.step)
    return found


def require_what_the_logs_say(run, n_steps: int):
    found, log, scores = points(run), read_log(run.log), read_log(run.scores)
    assert found["losses/loss"] == [(entry["step"], pytest.approx(entry["loss"])) for entry in log]
    assert found["images_per_s"] == [(entry["step"], pytest.approx(entry["images_per_s"])) for entry in log]
    assert found["scores/distance"] == [(entry["step"], pytest.approx(entry["distance"])) for entry in scores]
    assert found["samples"] == sorted(int(path.stem) for path in run.samples.glob("0*.png"))
    assert found["real"] == [0] and max(found["samples"]) == log[-1]["step"] == n_steps
    times = [
        event.wall_time for event in events(run) if event.summary.value[:1] and "loss" in event.summary.value[0].tag
    ]
    assert times == sorted(times)


def test_losses_scores_and_samples_are_written(tmp_path):
    training = Scored(tmp_path)
    training(32, **OPTIONS)
    require_what_the_logs_say(training.run, 32)
    image = next(
        value for event in events(training.run) for value in event.summary.value if value.tag == "samples"
    ).image
    assert (image.width, image.height) == (4, 2) and image.encoded_image_string.startswith(b"\x89PNG")


def test_without_the_option_there_are_none(tmp_path):
    training = Training(tmp_path)
    training(3)
    assert list(tmp_path.glob("events*")) == []


@pytest.mark.parametrize("n_steps", [24, 40])
def test_a_resumed_run_has_every_point_once_and_none_of_steps_it_has_not_done(tmp_path, n_steps):
    """Killed after step 34, when the state of step 24 was its last: the later points are of a future that is gone."""
    training = Scored(tmp_path)
    training(24, **OPTIONS)
    state = training.run.state.read_bytes()
    Scored(tmp_path)(34, resume=True, **OPTIONS)
    training.run.state.write_bytes(state)
    assert any(event.step > 24 for event in events(training.run))
    Scored(tmp_path)(n_steps, resume=True, **OPTIONS)
    require_what_the_logs_say(training.run, n_steps)


def test_what_a_kill_kept_from_the_disk_is_written_when_the_run_is_resumed(tmp_path):
    training = Scored(tmp_path)
    training(24, **OPTIONS)
    (path,) = tmp_path.glob("events*")
    path.write_bytes(path.read_bytes()[:100])
    Scored(tmp_path)(32, resume=True, **OPTIONS)
    require_what_the_logs_say(training.run, 32)


def test_a_run_may_ask_for_events_when_it_is_resumed(tmp_path):
    training = Scored(tmp_path)
    training(24, **{**OPTIONS, "tensorboard": False})
    Scored(tmp_path)(32, resume=True, **OPTIONS)
    require_what_the_logs_say(training.run, 32)


def test_a_tensorboard_that_looks_on_is_told_to_forget_what_it_has_read(tmp_path):
    training = Training(tmp_path)
    training(3, tensorboard=True)
    version, start, *_ = events(training.run)
    assert version.file_version == "brain.Event:2"
    assert start.session_log.status == event_pb2.SessionLog.START and start.step == 0


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    def full(self, event):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tensorboardX.event_file_writer.EventsWriter.write_event", full)
    with pytest.raises(tensorboard.UserError, match=r"cannot write TensorBoard's events in .*: No space left"):
        Training(tmp_path)(3, tensorboard=True)


def test_events_of_a_run_that_saved_nothing_do_not_stay(tmp_path):
    Training(tmp_path)(3, tensorboard=True)
    for path in tmp_path.glob("*.safetensors"):
        path.unlink()
    shutil.rmtree(tmp_path / "samples")
    Training(tmp_path)(3)
    assert list(tmp_path.glob("events*")) == []


def test_without_the_library_the_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(tensorboard.UserError, match=r"pip install -r requirements-tensorboard\.txt"):
        tensorboard.require_tensorboard()


def test_an_earlier_file_is_emptied_and_not_removed(tmp_path):
    """TensorBoard's reader of a directory stays with the file that it reads, gone or not, and so would show no more."""
    Training(tmp_path)(3, tensorboard=True)
    earlier = tmp_path / "events.out.tfevents.1000000000.host"
    earlier.write_bytes(b"of an earlier session")
    Training(tmp_path)(5, resume=True, tensorboard=True)
    assert earlier.read_bytes() == b"" and earlier != Training(tmp_path).run.events()[-1]
