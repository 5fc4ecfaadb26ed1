"""The options that a run remembers, resumed through what all training programs share."""

from __future__ import annotations

import dataclasses
import json
import sys

import pytest
from jgan.cli.options import option
from jgan.cli.training import AdamOptions, TrainOptions, begin

from jgan.errors import UserError
from jgan.training.run import Run


@dataclasses.dataclass
class Options(TrainOptions, AdamOptions):
    momentum: float = option(0.9, "of the toy", above=0, below=1)
    mirrored: bool = option(False, "mirror the images")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["scripts/train_toy.py"])
    run = Run(tmp_path / "run")
    run.create("train_toy", dataclasses.asdict(Options(max_steps=20)), {})
    run.state.write_bytes(b"state")
    return run


def resumed(run, **given):
    given["resume"] = str(run.folder)
    return begin(Options(**given), given)[1]


def change(run, **options):
    config = json.loads(run.config.read_text())
    config["options"].update(options)
    run.config.write_text(json.dumps(config))


def test_the_options_of_a_run_return(run):
    assert resumed(run) == Options(output=str(run.folder))
    change(run, lr=1, mirrored=True)
    assert resumed(run, n_epochs=7) == Options(output=str(run.folder), lr=1, mirrored=True, n_epochs=7)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("lr", "fast", "'fast' is not of the type float"),
        ("lr", None, "None is not of the type float"),
        ("lr", 0, "0 must be above 0"),
        ("lr", float("nan"), "nan is no finite number"),
        ("b1", 1.0, "1.0 must be below 1"),
        ("batch_size", 0, "0 is too small; at least 2 is needed"),
        ("batch_size", 64.5, "64.5 is not of the type int"),
        ("batch_size", True, "True is not of the type int"),
        ("device", "tpu", "invalid choice: 'tpu' (choose from auto, cpu, cuda)"),
        ("data_dir", 5, "5 is not of the type str"),
        ("data_dir", "", "it is empty"),
        ("momentum", [0.9], "[0.9] is not of the type float"),
        ("mirrored", "no", "'no' is not of the type bool"),
    ],
)
def test_an_option_damaged_by_hand_is_named_with_its_file(run, name, value, fault):
    change(run, **{name: value})
    with pytest.raises(UserError) as caught:
        resumed(run)
    assert str(caught.value) == f"the option {name} in {run.config} is wrong: {fault}"


def test_options_too_few_or_too_many_are_named(run):
    change(run, depth=3)
    with pytest.raises(UserError, match=r"config\.json holds options that this version of jgan does not know: depth"):
        resumed(run)
    run.config.write_text(run.config.read_text().replace('"depth"', '"momentum"').replace('"lr"', '"momentum"'))
    with pytest.raises(UserError, match=r"config\.json lacks the option lr"):
        resumed(run)


def test_a_damaged_option_may_be_given_anew(run):
    change(run, sample_interval=None)
    assert resumed(run, sample_interval=5).sample_interval == 5


def test_a_run_finds_its_data_in_a_new_place(run, tmp_path):
    change(run, data_dir="/gone")
    assert resumed(run, data_dir=str(tmp_path)).data_dir == str(tmp_path)
