"""The loop on a network of one weight, whose every value can be said beforehand."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shutil
import signal
import sys
import time

import jittor as jt
import numpy as np
import pytest
from jittor import nn

from jgan.algorithms import Algorithm
from jgan.cli.training import AdamOptions, TrainOptions
from jgan.data.batches import Batches
from jgan.errors import UserError
from jgan.images import to_pixels
from jgan.layers import evaluating
from jgan.models import rebuildable
from jgan.training import loop, state
from jgan.training.log import read_log
from jgan.training.run import Run
from jgan.weights import arrays


@rebuildable
class Weight(nn.Module):
    """A weight that each step pulls towards a random target, through a dropout mask of Jittor's own."""

    def __init__(self):
        self.value = jt.zeros((8,))
        self.dropout = nn.Dropout(0.5, is_train=True)

    def execute(self):
        return self.dropout(self.value)


@dataclasses.dataclass
class Options(TrainOptions, AdamOptions):
    lr: float = 0.1
    n_epochs: int = 10**6
    sample_interval: int = 10**6
    save_interval: int = 10**6


class Training:
    """Everything `train` is given; `before_step` maps a step number to what happens before it."""

    def __init__(self, folder, before_step=None):
        self.run = Run(folder, program="train_toy", resume_command="COMMAND")
        self.network = Weight()
        self.optimizer = nn.AdamW(self.network.parameters(), lr=0.1)
        self.before_step = before_step or {}

    def step(self, i):
        self.before_step.get(i, lambda: None)()
        loss = ((self.network() - (1 + i)) ** 2).mean()
        self.optimizer.step(loss)
        return {"loss": loss}

    def draw(self, network):
        with evaluating(network):
            return to_pixels(network.value.reshape((2, 4)) / 100)

    def __call__(self, n_steps, *, resume=False, **options):
        self.run.options = Options(max_steps=n_steps, **options)
        self.run.resumed = resume
        algorithm = Algorithm({"weight": self.network}, {"optimizer": self.optimizer}, step=None)
        return loop.train(
            self.run,
            Batches(100, batch_size=4, seed=0),
            algorithm,
            step=lambda i: self.step(i),
            draw=lambda network: self.draw(network),
            real=np.zeros((2, 4), np.uint8),
            score=getattr(self, "score", None),
        )

    def state(self):
        return arrays.load(self.run.state)


def samples(run):
    return sorted(path.name for path in run.samples.iterdir() if path.stem != "real")


def test_the_last_state_is_saved_whatever_the_intervals_are(tmp_path):
    training = Training(tmp_path)
    assert training(23) == 0
    saved, header = training.state()
    assert header == {"step": 23, "optimizer_steps": {"optimizer": 23}}
    assert np.array_equal(saved["weight/value"], training.network.value.numpy())
    exported, _ = arrays.load(training.run.generator)
    assert np.array_equal(exported["value"], training.network.value.numpy())
    assert samples(training.run) == ["0000023.png"]
    assert training.run.curves.exists()
    assert [entry["step"] for entry in read_log(training.run.log)] == [10, 20, 23]
    assert all(entry["images_per_s"] > 0 for entry in read_log(training.run.log))


def test_samples_and_states_come_at_their_intervals(tmp_path):
    states = []
    training = Training(tmp_path, {i: lambda: states.append(Run(tmp_path).state.exists()) for i in range(10)})
    training(10, sample_interval=4, save_interval=3)
    assert samples(training.run) == ["0000004.png", "0000008.png", "0000010.png"]
    assert states == [False] * 3 + [True] * 7


def test_the_samples_may_be_cleared_away(tmp_path):
    training = Training(tmp_path)
    training(5)
    shutil.rmtree(training.run.samples)
    Training(tmp_path)(6, resume=True)
    assert samples(training.run) == ["0000006.png"]


def test_a_resumed_run_is_the_same_run_to_the_bit(tmp_path):
    whole = Training(tmp_path / "whole")
    whole(30, sample_interval=7, save_interval=9)
    Training(tmp_path / "parts")(13)
    parts = Training(tmp_path / "parts")
    parts(30, resume=True, sample_interval=3)
    (expected, header), (saved, resumed_header) = whole.state(), parts.state()
    assert header == resumed_header and saved.keys() == expected.keys()
    assert all(np.array_equal(saved[name], expected[name]) for name in expected)
    assert {entry["step"]: entry["loss"] for entry in read_log(parts.run.log) if entry["step"] != 13} == {
        entry["step"]: entry["loss"] for entry in read_log(whole.run.log)
    }


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_after_the_step_with_everything_saved(tmp_path, capsys, number, status):
    training = Training(tmp_path, {4: lambda: os.kill(os.getpid(), number)})
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert training(100) == status
    assert training.state()[1]["step"] == 5
    assert [entry["step"] for entry in read_log(training.run.log)] == [5]
    assert "COMMAND" in capsys.readouterr().err
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_a_second_signal_ends_the_run_at_once_and_says_what_is_left(tmp_path, capsys):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    training = Training(tmp_path, {4: twice})
    with pytest.raises(KeyboardInterrupt):
        training(100, save_interval=2)
    assert training.state()[1]["step"] == 4
    assert "the state of step 4 is kept in " in capsys.readouterr().err


def test_a_step_that_a_signal_breaks_stops_the_run_and_keeps_the_last_state(tmp_path):
    """As Jittor breaks it when the compilers that it has started are killed, too."""

    def interrupted():
        os.kill(os.getpid(), signal.SIGTERM)
        raise RuntimeError("Run cmd failed")

    training = Training(tmp_path, {4: interrupted})
    with pytest.raises(KeyboardInterrupt):
        training(100, save_interval=2)
    assert training.state()[1]["step"] == 4


def test_a_terminal_that_is_closed_ends_the_run_with_everything_saved(tmp_path, monkeypatch):
    terminal, stderr = os.openpty()

    def close():
        os.close(terminal)
        os.kill(os.getpid(), signal.SIGHUP)

    training = Training(tmp_path, {4: close})
    with io.TextIOWrapper(open(stderr, "wb", buffering=0), write_through=True) as file:
        monkeypatch.setattr(sys, "stderr", file)
        assert training(100) == 129
    assert training.state()[1]["step"] == 5


def test_under_nohup_a_closed_terminal_does_not_stop_the_run(tmp_path, monkeypatch):
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert Training(tmp_path, {4: lambda: os.kill(os.getpid(), signal.SIGHUP)})(6) == 0
    finally:
        signal.signal(signal.SIGHUP, handler)


def poison(training, value):
    training.network.value.assign(np.full(8, value, np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_state(tmp_path, value):
    training = Training(tmp_path)
    training.before_step = {7: lambda: poison(training, value)}
    with pytest.raises(UserError, match=r"loss became (nan|inf) at step 8; the state of step 6 is kept"):
        training(100, save_interval=3)
    saved, header = training.state()
    assert header["step"] == 6 and np.isfinite(saved["weight/value"]).all()
    assert np.isfinite(arrays.load(training.run.generator)[0]["value"]).all()


def test_a_bad_loss_before_the_first_save_says_so(tmp_path):
    training = Training(tmp_path)
    training.before_step = {0: lambda: poison(training, np.nan)}
    with pytest.raises(UserError, match="at step 1; nothing had been saved yet"):
        training(100)


def test_weights_that_are_not_finite_are_not_saved_even_under_a_good_loss(tmp_path):
    training = Training(tmp_path)
    training(4)
    resumed = Training(tmp_path)
    step = resumed.step

    def spoiled_step(i):
        losses = {name: value.item() for name, value in step(i).items()}
        poison(resumed, np.nan)
        return {name: jt.array(value) for name, value in losses.items()}

    resumed.step = spoiled_step
    resumed.draw = lambda network: np.zeros((2, 4), np.uint8)
    with pytest.raises(UserError, match=r"after step 5, weight/value holds NaN.*the state of step 4 is kept"):
        resumed(5, resume=True)
    assert resumed.state()[1]["step"] == 4


def test_a_sample_that_is_not_finite_stops_the_run(tmp_path):
    training = Training(tmp_path)
    training(4)
    resumed = Training(tmp_path)
    draw = resumed.draw
    resumed.draw = lambda network: (poison(resumed, np.nan), draw(network))[1]
    with pytest.raises(UserError, match=r"after step 6, the images hold NaN.*the state of step 4 is kept"):
        resumed(9, resume=True, sample_interval=3)


def test_the_steps_done_are_known_without_reading_the_arrays(tmp_path, monkeypatch):
    training = Training(tmp_path)
    training(5)
    monkeypatch.delattr(arrays, "load")
    assert state.steps_done(training.run.state) == 5


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({}, "not the state of a run"),
        ({"step": "5", "optimizer_steps": {"optimizer": 5}}, "not the state of a run"),
        ({"step": 5, "optimizer_steps": 5}, "not the state of a run"),
        ({"step": 5, "optimizer_steps": {}}, "None is no number of steps"),
        ({"step": 5, "optimizer_steps": {"optimizer": "5"}}, "'5' is no number of steps"),
    ],
)
def test_a_damaged_state_is_refused(tmp_path, header, message):
    training = Training(tmp_path)
    training(5)
    arrays.save(training.run.state, training.state()[0], header)
    with pytest.raises(UserError, match=rf"state\.safetensors.*{message}"):
        Training(tmp_path)(9, resume=True)


def test_a_state_of_another_network_is_refused(tmp_path):
    Training(tmp_path)(5)
    other = Training(tmp_path)
    other.network.extra = jt.zeros((2,))
    with pytest.raises(UserError, match=r"state\.safetensors \(weight\) does not fit this network: extra is missing"):
        other(9, resume=True)


def files(run):
    """What a run shows, by its paths: all but times."""
    shown = {str(path.relative_to(run.folder)): path.read_bytes() for path in run.folder.rglob("*.*") if path.is_file()}
    timed = ("config.json", "log.jsonl", "curves.png", "index.html")
    return {name: content for name, content in shown.items() if name not in timed}


def shown(run) -> dict:
    """What the page of a run shows that follows from its steps."""
    data = json.loads(re.search(r'id="data">(.*?)</script>', run.page.read_text(), re.S)[1])
    return {name: data[name] for name in ("step", "steps", "samples", "real", "scores")}


@pytest.mark.parametrize("n_steps", [12, 20])
def test_what_a_kill_prevented_is_made_when_the_run_is_resumed(tmp_path, n_steps):
    """Killed after its state of step 12 was written: an old generator, no sample of that step, half a file."""
    whole = Training(tmp_path / "whole")
    whole(n_steps, sample_interval=4, save_interval=6)
    killed = Training(tmp_path / "killed")
    killed(6, sample_interval=4, save_interval=6)
    old = killed.run.generator.read_bytes()
    Training(tmp_path / "killed")(12, resume=True, sample_interval=4, save_interval=6)
    killed.run.generator.write_bytes(old)
    killed.run.curves.unlink()
    killed.run.page.write_text("of step 6")
    killed.run.sample(12).unlink()
    killed.run.sample(6).unlink()  # of the step that a user's max_steps ended
    (killed.run.samples / "0000016.png").write_bytes(b"of a step that the state has not done")
    (killed.run.folder / ".state.safetensors.abcdefgh").write_bytes(b"half")
    (killed.run.folder / ".index.html.abcdefgh").write_bytes(b"half")
    killed.run.lock()

    assert Training(tmp_path / "killed")(n_steps, resume=True, sample_interval=4, save_interval=6) == 0
    assert files(killed.run) == files(whole.run) and killed.run.curves.exists()
    page = shown(killed.run)
    assert page == shown(whole.run)
    assert page["step"] == page["samples"][-1]["step"] == n_steps


def test_a_run_that_is_done_trains_no_more(tmp_path, capsys):
    Training(tmp_path)(5)
    config = Run(tmp_path).config.read_bytes()
    resumed = Training(tmp_path, {5: lambda: pytest.fail("a step was done")})
    assert resumed(5, resume=True) == resumed(3, resume=True) == 0
    assert (
        Run(tmp_path).config.read_bytes() == config
        and f"{tmp_path} has done 5 steps, and 3 were asked for" in capsys.readouterr().out
    )


def test_drawing_and_saving_do_not_count_as_training(tmp_path):
    training = Training(tmp_path)
    draw = training.draw
    training.draw = lambda network: (time.sleep(0.1), draw(network))[1]
    training(20)
    fast = read_log(training.run.log)[0]["images_per_s"]
    training.run = Run(tmp_path / "slow", program="train_toy")
    training(20, sample_interval=1)
    assert read_log(training.run.log)[0]["images_per_s"] > max(4 / 0.1, fast / 20)


def test_a_step_is_computed_by_one_synchronisation(tmp_path, monkeypatch):
    training = Training(tmp_path)
    training(3)
    calls = []
    sync_all = jt.sync_all
    monkeypatch.setattr(jt, "sync_all", lambda *given: (calls.append(1), sync_all(*given))[1])
    Training(tmp_path)(13, resume=True)
    assert len(calls) <= 10 + 1


class Scored(Training):
    """Scored by the distance of its first weight to 3, which the weights approach and then leave behind."""

    asked = 0

    def score(self, network):
        self.asked += 1
        return {"distance": abs(3 - float(network.value.numpy()[0])), "step_of": float(self.optimizer.n_step)}


@pytest.mark.parametrize("ema_decay", [0, 0.8])
def test_the_best_step_is_kept_with_its_scores(tmp_path, ema_decay):
    training = Scored(tmp_path)
    training(80, evaluate_interval=8, ema_decay=ema_decay)
    scores = read_log(training.run.scores)
    assert [entry["step"] for entry in scores] == [*range(8, 81, 8)]
    best = min(scores, key=lambda entry: entry["distance"])
    assert 8 < best["step"] < 80
    saved, header = arrays.load(training.run.best)
    assert header["step"] == best["step"] and header["scores"]["distance"] == best["distance"]
    assert abs(3 - float(saved["value"][0])) == best["distance"]
    assert header["model"] == "test_loop.Weight"


def test_a_run_in_parts_knows_the_same_scores_and_best(tmp_path):
    """It ends within the intervals, so that the ends of its parts must not be scored."""
    options = {"evaluate_interval": 8, "ema_decay": 0.8}
    whole = Scored(tmp_path / "whole")
    whole(60, **options)
    for n_steps, resume in ((19, False), (24, True), (43, True), (60, True)):
        Scored(tmp_path / "parts")(n_steps, resume=resume, **options)
    parts = Scored(tmp_path / "parts").run
    assert whole.run.scores.read_bytes() == parts.scores.read_bytes()
    assert whole.run.best.read_bytes() == parts.best.read_bytes()
    for name in ("state", "generator"):
        (expected, header), (found, other) = (arrays.load(getattr(run, name)) for run in (whole.run, parts))
        assert header == other and all(np.array_equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("lost", ["scores", "best", "both"])
def test_scores_that_a_kill_prevented_are_made_again(tmp_path, lost):
    """Killed right after the state of step 16 was saved, after its scores were logged, or before either."""
    Scored(tmp_path / "whole")(24, evaluate_interval=8)
    first = Scored(tmp_path / "killed")
    first(16, evaluate_interval=8)
    if lost != "best":
        first.run.scores.write_text(first.run.scores.read_text().splitlines()[0] + "\n")
    if lost != "scores":
        first.run.best.unlink()
    resumed = Scored(tmp_path / "killed")
    resumed(24, resume=True, evaluate_interval=8)
    assert resumed.asked == (1 if lost == "best" else 2)
    for name in ("scores.jsonl", "best.safetensors"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_is_exported_and_shown_is_the_average(tmp_path):
    training = Training(tmp_path)
    shown, expected = [], np.zeros(8)
    training.draw = lambda network: (shown.append(network.value.numpy()), np.zeros((2, 4), np.uint8))[1]
    for n_steps in range(1, 6):
        training(n_steps, resume=n_steps > 1, ema_decay=0.9)
        decay = min(0.9, n_steps / (n_steps + 9))
        expected = decay * expected + (1 - decay) * training.network.value.numpy()
    exported, header = arrays.load(training.run.generator)
    saved, _ = training.state()
    assert header["ema_decay"] == 0.9
    assert np.array_equal(exported["value"], saved["average/value"])
    assert np.array_equal(exported["value"], shown[-1])
    np.testing.assert_allclose(exported["value"], expected, rtol=1e-5)


def test_a_run_without_scores_has_none(tmp_path):
    training = Training(tmp_path)
    training(3)
    assert not training.run.scores.exists() and not training.run.best.exists()
    assert "ema_decay" not in arrays.load(training.run.generator)[1]


def test_the_last_step_of_all_epochs_is_scored(tmp_path, capsys):
    training = Scored(tmp_path)
    training(None, n_epochs=1, evaluate_interval=8)  # of 25 batches
    scores = read_log(training.run.scores)
    assert [entry["step"] for entry in scores] == [8, 16, 24, 25]
    assert f"scores of the last: distance {scores[-1]['distance']:.3f}" in capsys.readouterr().out


def test_a_best_that_is_lost_is_not_replaced_by_a_worse_one(tmp_path):
    Scored(tmp_path)(56, evaluate_interval=8)
    run = Scored(tmp_path).run
    best = min(read_log(run.scores), key=lambda entry: entry["distance"])["step"]
    run.best.unlink()
    Scored(tmp_path)(64, resume=True, evaluate_interval=8)
    assert best < 56 and not run.best.exists()


def test_a_generator_that_draws_no_numbers_is_not_scored(tmp_path):
    training = Scored(tmp_path)
    training.score = lambda network: to_pixels(network.value * np.nan)
    with pytest.raises(UserError, match="after step 4, the images hold NaN"):
        training(8, evaluate_interval=4)
    assert training.state()[1]["step"] == 4


def test_a_run_has_a_page_from_its_first_step_on(tmp_path):
    steps = []
    training = Training(tmp_path, {i: lambda: steps.append(shown(Run(tmp_path))["step"]) for i in range(7)})
    training(7, save_interval=3, sample_interval=3)
    assert steps == [0, 0, 0, 3, 3, 3, 6] and shown(training.run)["step"] == 7


def test_the_page_shows_the_sample_and_the_scores_of_its_step(tmp_path):
    training = Scored(tmp_path)
    training(16, evaluate_interval=8, sample_interval=8)
    data = shown(training.run)
    assert [entry["step"] for entry in data["scores"]] == [sample["step"] for sample in data["samples"]] == [8, 16]
