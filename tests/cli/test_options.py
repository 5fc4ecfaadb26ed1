"""The options that a run remembers, resumed through what all training programs share; numbers and names of classes."""

from __future__ import annotations

import dataclasses
import json
import sys

import pytest

from jgan.cli.opening import open_run
from jgan.cli.options import class_labels, from_texts, image_size, option, parse
from jgan.cli.training import AdamOptions, TrainOptions
from jgan.errors import UserError
from jgan.training.run import Run


@dataclasses.dataclass
class Options(TrainOptions, AdamOptions):
    momentum: float = option(0.9, "of the toy", above=0, below=1)
    mirrored: bool = option(False, "mirror the images")


@dataclasses.dataclass
class Positional:
    first: str = option(None, positional=True)
    second: str = option(None, positional=True)
    named: str = option("d")


@pytest.mark.parametrize(
    ("typed", "options"),
    [([], (None, None, "d")), (["a"], ("a", None, "d")), (["a", "b", "--named", "c"], ("a", "b", "c"))],
)
def test_a_positional_argument_may_be_left_out(typed, options):
    opt, given = parse(Positional, "", typed)
    assert dataclasses.astuple(opt) == options and len(given) == len(typed) - ("--named" in typed)


@dataclasses.dataclass
class Typed:
    word: str = option()
    number: int = option(3, least=0)
    share: float = option(0.5, most=1)


@pytest.mark.parametrize("word", ["a", "", "--number=7", "-1", "@file", "a b=c"])
def test_texts_of_a_form_are_options(word):
    assert from_texts(Typed, {"share": "0.25", "word": word}) == Typed(word, 3, 0.25)


@pytest.mark.parametrize(
    "texts", [{}, {"word": "a", "number": "x"}, {"word": "a", "share": "2"}, {"word": "a", "wrong": "1"}]
)
def test_wrong_texts_get_the_words_of_the_command_line(texts, capsys):
    typed = [f"--{name}={text}" for name, text in texts.items() if name != "word"]
    with pytest.raises(SystemExit):
        parse(Typed, "", [*typed, *(["a"] if "word" in texts else [])])
    said = capsys.readouterr().err.splitlines()[-1]
    with pytest.raises(UserError) as refused:
        from_texts(Typed, texts)
    assert said.endswith(f"error: {refused.value}")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["scripts/train_toy.py"])
    run = Run(tmp_path / "run", program="train_toy")
    run.create(dataclasses.asdict(Options(max_steps=20, output="runs/toy")), {})
    run.state.write_bytes(b"state")
    return run


def resumed(run, **given):
    given["resume"] = str(run.folder)
    return open_run(Options(**given), given).options


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


def test_an_option_that_is_unknown_is_named(run):
    change(run, depth=3)
    with pytest.raises(UserError, match=r"config\.json holds options that this version of jgan does not know: depth"):
        resumed(run)


def test_an_option_that_is_newer_than_the_run_takes_its_default(run):
    config = json.loads(run.config.read_text())
    del config["options"]["momentum"]
    run.config.write_text(json.dumps(config))
    assert resumed(run).momentum == 0.9


def test_a_damaged_option_may_be_given_anew(run):
    change(run, sample_interval=None)
    assert resumed(run, sample_interval=5).sample_interval == 5


def test_a_run_finds_its_data_in_a_new_place(run, tmp_path):
    change(run, data_dir="/gone")
    assert resumed(run, data_dir=str(tmp_path)).data_dir == str(tmp_path)


def test_a_new_run_goes_where_its_program_says(run):
    opened = open_run(Options(), {})
    assert str(opened.folder) == opened.options.output == "runs/toy" and not opened.resumed


def test_a_run_goes_on_with_its_own_options_and_no_bound(run):
    assert resumed(run, lr=0.0002).max_steps is None  # and what the run has anyway may be given
    given = {"resume": str(run.folder), "max_steps": 30, "sample_interval": 1}
    opened = open_run(Options(**given), given)
    assert opened.resumed and (opened.options.max_steps, opened.options.sample_interval) == (30, 1)
    assert opened.resume_command == f"python scripts/train_toy.py --resume {run.folder} --max_steps 30"


def test_other_options_are_refused_each_by_name(run):
    with pytest.raises(UserError, match=r"--lr 0\.2 \(the run: 0\.0002\), --seed 3 \(the run: 0\), --output elsewhere"):
        resumed(run, lr=0.2, seed=3, n_epochs=5, output="elsewhere")


def test_a_run_goes_on_where_it_was_moved_to(run, tmp_path):
    moved = run.folder.rename(tmp_path / "moved")
    assert resumed(Run(moved), output=str(moved)).output == str(moved)


def test_what_cannot_be_resumed_is_refused(run, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=f"{run.folder} already holds a run; resume it with --resume {run.folder}, or"):
        open_run(Options(output=str(run.folder)), {"output": str(run.folder)})
    with pytest.raises(UserError, match="is not a run directory"):
        resumed(Run(tmp_path))
    monkeypatch.setattr(sys, "argv", ["scripts/train_other.py"])
    with pytest.raises(UserError, match="is a run of train_toy; resume it with that program"):
        resumed(run)
    monkeypatch.setattr(sys, "argv", ["scripts/train_toy.py"])
    run.state.unlink()
    with pytest.raises(UserError, match=r"holds no state\.safetensors to resume from"):
        resumed(run)


@pytest.mark.parametrize(
    ("text", "classes", "labels"),
    [
        ("dog,ape", ("ape", "cat", "dog"), [2, 0]),
        ("0-1,2", ("ape", "cat", "dog"), [0, 1, 2]),
        ("7,0-2", tuple("0123456789"), [7, 0, 1, 2]),
        ("5,7-8", ("5", "7", "8"), [0, 1, 2]),  # by their names, not their places
        ("a,b", ("a", "a,b", "b"), [1]),
        ("T-shirt/top, Ankle boot", ("Ankle boot", "T-shirt/top"), [1, 0]),
    ],
)
def test_classes_are_chosen_by_name_or_number(text, classes, labels):
    assert class_labels(text, classes, "--labels") == labels


@pytest.mark.parametrize(
    ("text", "classes", "sentence"),
    [
        ("cat,emu", ("ape", "cat"), "--labels cat,emu: emu is none of the classes ape, cat"),
        ("1-0", ("ape", "cat"), "'1-0' is no number and no rising range"),
        ("2", ("ape", "cat"), "--labels 2: 2 is none of the classes ape, cat"),
        ("5-7", ("5", "7"), "--labels 5-7: 6 is none of the classes 5, 7"),
        ("0", ("5", "7"), "--labels 0: 0 is none of the classes 5, 7"),
    ],
)
def test_an_unknown_class_is_named(text, classes, sentence):
    with pytest.raises(UserError, match=sentence):
        class_labels(text, classes, "--labels")


def test_a_size_is_one_number_or_width_by_height():
    assert image_size("128", "--img_size") == (128, 128)
    assert image_size("512x384", "--img_size") == image_size("512X384", "--img_size") == (384, 512)  # height and width
    for text in ("", "0", "512x", "x384", "512x384x3", "512*384", "-5", "5.0", "123456"):
        with pytest.raises(UserError, match=r"--size '.*' is no size; give one number, or WIDTHxHEIGHT as 512x384"):
            image_size(text, "--size")
