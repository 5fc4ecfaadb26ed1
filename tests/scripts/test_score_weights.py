from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import ROOT
from programs import module

README = "before\n<!-- scores: begin -->\nold\n<!-- scores: end -->\nafter\n"


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """The program with a README of its own and folders of data; what it runs gives scores that are known."""
    program = module("score_weights")
    for name in program.FOLDERS:
        (tmp_path / "data" / name).mkdir(parents=True)
    monkeypatch.setattr(program, "README", tmp_path / "README.md")
    program.README.write_text(README)

    def run(command, check):
        done = type("Done", (), {"returncode": 0})
        if command[1] == ROOT / "scripts" / "convert_label_maps.py":
            assert command[2] == tmp_path / "data" / "facades/test" and command[-1].is_file()
            command[3].mkdir()
            return done
        assert command[1] == ROOT / "scripts" / "evaluate.py"
        name = re.search(r"(\w+)\.safetensors", str(command[3]))[1]
        if name in program.GENERATORS:
            scores = {"drawn": {"frechet_distance": 1.23456, "recall": None}, "other real images": {"recall": 0.5}}
        else:
            scores = {"a2b": {"l1": 45.678, "ssim": 0.24135}}
        if "--data_dir" in command:
            assert Path(command[command.index("--data_dir") + 1]).is_dir()
        command[-1].write_text(json.dumps({"scores": scores}))
        return done

    monkeypatch.setattr(program.subprocess, "run", run)
    program.data = str(tmp_path / "data")
    return program


def test_the_tables_stand_between_the_marks(weights):
    assert weights.check(weights.Options(data_dir=weights.data), {}) == 0
    text = weights.README.read_text()
    assert text.startswith("before\n<!-- scores: begin -->\n| | Fréchet |")
    assert text.endswith("\n<!-- scores: end -->\nafter\n")
    assert "| `cgan_mnist` | 1.2346 | | | | | | | | |\n" in text
    assert "| `gan_mnist`: other real images | | | | 0.500 | | | | | |\n" in text
    assert "| `pix2pix_facades_128`: a2b | 45.68 | | 0.2414 | |\n" in text
    assert {path.stem for path in (ROOT / "weights").glob("*.safetensors") if "classifier" not in path.stem} == set(
        re.findall(r"^\| `(\w+)`", text, re.M)
    )


def test_a_table_that_is_not_what_the_files_give_is_told(weights, capsys):
    assert weights.check(weights.Options(data_dir=weights.data, check=True), {}) == 1
    assert weights.README.read_text() == README and "the files give\n|" in capsys.readouterr().out
    weights.check(weights.Options(data_dir=weights.data), {})
    assert weights.check(weights.Options(data_dir=weights.data, check=True), {}) == 0


def test_data_that_are_missing_are_named(refused, tmp_path):
    (tmp_path / "data" / "fashion_mnist").mkdir(parents=True)
    assert "give the folder of the data sets as --data_dir" in refused("score_weights")
    assert "data has no anime_faces_64, facades/test, monet2photo/testA" in refused(
        "score_weights", "--data_dir", "data"
    )
