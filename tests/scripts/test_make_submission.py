"""The hand-in, made from a short run; faults planted into it; and its README's commands, run in a clone of it."""

from __future__ import annotations

import json
import pickle
import re
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, run_python
from PIL import Image
from programs import files_in, module, options_of, run, to_the_bit, write_exchanged

from jgan.weights.arrays import load, load_header, save

NUMBER = "00123456789"
MASKED = "1**********"
SHIPPED = ROOT / "weights" / "cgan_mnist.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a run of three steps, "run", and a hand-in of it, "submission"."""
    folder = tmp_path_factory.mktemp("submission")
    options = ["--gan_mode", "hinge", "--lr", 0.001, "--tensorboard", "--output", "run"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JGAN_KERNELS", "0")  # as the clone below, whose kernels would all be compiled anew
        patch.setattr("jgan.kernels.wanted", False)  # which was read from it already
        run(folder, "train_cgan", "--max_steps", 3, *options)
    run(folder, "make_submission", "run", NUMBER, "--seed", 4, "--candidates", 2)
    return folder


@pytest.fixture
def own_run(folder, tmp_path):
    """A copy of the run, to change."""
    return Path(shutil.copytree(folder / "run", tmp_path / "run"))


@pytest.fixture
def repository(folder, tmp_path):
    """A copy of the hand-in, to plant a fault into its repository, "repository"."""
    shutil.copytree(folder / "submission", tmp_path / "submission")
    return tmp_path / "submission" / "repository"


def change_options(run_folder, **options):
    config = json.loads((run_folder / "config.json").read_text())
    config["options"].update(options)
    (run_folder / "config.json").write_text(json.dumps(config))


def blocks(readme: str) -> list[list[str]]:
    """The words of each block of commands."""
    found = re.findall(r"^```bash\n(.*?)^```$", readme, re.M | re.S)
    return [shlex.split(block.replace("\\\n", " ")) for block in found]


def commit(folder) -> None:
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", "-C", folder, *command], check=True)


def test_the_archive_is_what_the_warm_up_asks_for(folder):
    with zipfile.ZipFile(folder / "submission" / "result.zip") as archive:
        assert sorted(archive.namelist()) == ["result/CGAN.py", "result/result.png"]
        assert archive.read("result/CGAN.py") == (ROOT / "jgan" / "warmup" / "CGAN.py").read_bytes()
        with archive.open("result/result.png") as file, Image.open(file) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "L", (32 * len(NUMBER), 32))
            handed_in = np.asarray(image)
    how = ["--weights", "run/generator.safetensors", "--seed", 4, "--candidates", 2, "--output", "again.png"]
    run(folder, "render_digits", NUMBER, *how)
    assert np.array_equal(handed_in, np.asarray(Image.open(folder / "again.png")))


def test_it_passes_its_own_check_and_keeps_the_number_to_itself(folder):
    assert run(folder, "make_submission", "--check", "submission").out.startswith("submission: 0 findings in ")
    repository = folder / "submission" / "repository"
    assert run(folder, "make_submission", "--check", repository).out.startswith(f"{repository}: 0 findings in ")
    for name, content in files_in(repository).items():
        assert NUMBER not in name and NUMBER.encode() not in content
        if name.endswith(".png"):
            assert Image.open(repository / name).size != (32 * len(NUMBER), 32)


def test_the_readme_says_what_the_run_was(folder):
    text = (folder / "submission" / "repository" / "README.md").read_text()
    session = json.loads((folder / "run" / "config.json").read_text())["sessions"][0]
    for fact in (session["jittor"], session["numpy"], session["python"], session["processor"], "| 训练步数 | 3，"):
        assert fact in text
    (speed,) = (json.loads(line)["images_per_s"] for line in (folder / "run" / "log.jsonl").read_text().splitlines())
    assert f"每秒 {speed:,.0f} 张图片" in text and "Lim & Ye 2017" in text and "距离" not in text


def test_the_command_of_the_readme_is_the_run_again(folder, monkeypatch):
    from jgan.cli.options import parse

    (_, (_, program, *words), _) = blocks((folder / "submission" / "repository" / "README.md").read_text())
    assert program == "train_cgan.py"
    options, _ = parse(module("train_cgan").Options, "", words)
    assert vars(options) == {**options_of(folder / "run"), "tensorboard": False, "output": "runs/cgan"}


def test_a_run_older_than_the_choice_of_networks_is_handed_in_as_what_it_was(own_run, tmp_path):
    config = json.loads((own_run / "config.json").read_text())
    config["options"].pop("arch")
    (own_run / "config.json").write_text(json.dumps(config))
    run(tmp_path, "make_submission", "run", NUMBER)
    assert "--arch mlp" in (tmp_path / "submission" / "repository" / "README.md").read_text()


def test_a_run_of_several_processes_is_said_to_be_one(own_run, tmp_path):
    config = json.loads((own_run / "config.json").read_text())
    config["sessions"][-1]["processes"] = "2"
    (own_run / "config.json").write_text(json.dumps(config))
    run(tmp_path, "make_submission", "run", NUMBER)
    readme = (tmp_path / "submission" / "repository" / "README.md").read_text()
    assert "\nmpirun -np 2 python train_cgan.py " in readme and "| 进程数 | 2 |" in readme


@to_the_bit
def test_the_commands_of_the_readme_work_in_a_clone(folder, tmp_path):
    published = shutil.copytree(folder / "submission" / "repository", tmp_path / "published")
    commit(published)
    subprocess.run(["git", "clone", "-q", published, tmp_path / "clone"], check=True)
    clone = tmp_path / "clone"
    install, train, draw = blocks((clone / "README.md").read_text())
    assert install == ["pip", "install", "-r", "requirements.txt"]  # and the packages are there already
    requirements = (ROOT / "requirements.txt").read_text().splitlines()
    assert (clone / "requirements.txt").read_text().splitlines() == [line for line in requirements if "-e" not in line]
    for words in (train, draw):
        # The package's path is among the flags of its kernels.
        done = run_python(*words[1:], cwd=clone, JGAN_KERNELS="0")
        assert done.returncode == 0, done.stderr
    again, _ = load(clone / "runs" / "cgan" / "generator.safetensors")
    shipped, _ = load(clone / "weights" / "generator.safetensors")
    assert all(np.array_equal(array, shipped[name]) for name, array in again.items())
    drawn, expected = (np.asarray(Image.open(clone / name)) for name in ("result.png", "images/digits.png"))
    assert drawn.shape == (32, 320) and np.abs(drawn.astype(int) - expected).max() <= 1
    assert run(clone, "make_submission", "--check", ".").out.startswith(".: 0 findings")  # result.png is not tracked
    assert subprocess.run(["git", "-C", clone, "status", "-s"], capture_output=True).stdout == b""


def test_a_digit_that_is_read_as_another_is_warned_of(own_run, tmp_path):
    """The shipped generator with the classes 3 and 7 exchanged draws the one when it is asked for the other."""
    write_exchanged(own_run / "generator.safetensors", SHIPPED, 3, 7)
    done = run(tmp_path, "make_submission", "run", "1370")
    warnings = [line.split(";")[0] for line in done.err.splitlines() if line.startswith("warning")]
    assert warnings == ["warning: digit 2, a 3, is read as a 7", "warning: digit 3, a 7, is read as a 3"]
    assert "digit 1: 1 is read as 1 (" in done.out


def test_the_best_weights_are_handed_in_with_their_scores(own_run, tmp_path):
    arrays, header = load(own_run / "generator.safetensors")
    save(own_run / "best.safetensors", arrays, {**header, "step": 2, "scores": {"frechet_distance": 12.5}})
    entries = [{"step": 2, "frechet_distance": 12.5, "accuracy": 0.25}, {"step": 3, "frechet_distance": 99.5}]
    (own_run / "scores.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (own_run / "samples" / "0000003.png").rename(own_run / "samples" / "0000002.png")
    run(tmp_path, "make_submission", "run", NUMBER, "--best")
    repository = tmp_path / "submission" / "repository"
    assert load_header(repository / "weights" / "generator.safetensors")["step"] == 2
    text = (repository / "README.md").read_text()
    assert "第 2 步，得分最好的一步" in text and "`best.safetensors`" in text and "--max_steps 3" in text
    assert "第 2 步 | 12.5 |" in text and "第 2 步 | 0.25 |" in text and "99.5" not in text


FAULTS = {  # what is planted, as (file, its content or what is put at the end of it) -> what is found
    "todo": ("README.md", "\nTODO\n", "the placeholder TODO is left over"),
    "xxx": ("README.md", "\n队名：XXX\n", "the placeholder XXX is left over"),
    "fill in": ("README.md", "\n这里填写队名\n", "the placeholder 填写 is left over"),
    "angles": ("README.md", "\n<你的队名>\n", "the placeholder <你的队名> is left over"),
    "lorem": ("README.md", "\nLorem ipsum\n", "the placeholder Lorem is left over"),
    "later": ("README.md", "\n待补充\n", "the placeholder 待补充 is left over"),
    "program": ("train_cgan.py", "\n# TODO\n", "the placeholder TODO is left over"),
    "command": (
        "README.md",
        "\n```bash\npython test.py\n```\n",
        "the command names test.py, which is not published here",
    ),
    "link": ("README.md", "\n[说明](docs/more.md)\n", "the link to docs/more.md leads to nothing"),
    "picture": ("README.md", "\n![图](images/gone.png)\n", "the link to images/gone.png leads to nothing"),
    "phone": ("jgan/random.py", "\nNUMBER = '13800138000'\n", "a number of 11 digits"),
    "identity": ("notes.txt", "\n20010203040506\n", "a number of 14 digits"),
    "name": ("images/13800138000.txt", "", "its name has a number of 11 digits in it"),
    "pickle by name": ("weights/generator.pkl", "", ".pkl is the name of a pickle"),
    "pickle": ("weights/generator.bin", pickle.dumps({"a": 1}), "it is a pickle"),
}


@pytest.mark.parametrize("plant", FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(repository, plant):
    name, added, sentence = FAULTS[plant]
    before = (repository / name).read_bytes() if (repository / name).exists() else b""
    (repository / name).write_bytes(before + (added if isinstance(added, bytes) else added.encode()))
    finding, last = run(repository.parent, "make_submission", "--check", ".", status=1).out.splitlines()
    assert sentence in finding and last.startswith(".: 1 finding in ")
    assert finding.startswith(name.replace("13800138000", MASKED))
    assert "13800138000" not in finding and "20010203040506" not in finding
    if "name" not in plant and "pickle" not in plant:
        place = int(re.match(r"[^:]*, line (\d+): ", finding)[1])
        assert (repository / name).read_text().splitlines()[place - 1].strip("#` ") in added


@pytest.mark.parametrize(
    "section", ["简介", "运行环境", "安装依赖", "预训练模型", "数据预处理", "训练", "推理", "致谢"]
)
def test_a_section_that_is_missing_is_found(repository, section):
    text = (repository / "README.md").read_text()
    (repository / "README.md").write_text(re.sub(rf"^#+ {section}$", "", text, flags=re.M))
    finding, _ = run(repository.parent, "make_submission", "--check", ".", status=1).out.splitlines()
    assert finding == f"README.md: it has no section {section}, which the organisers' template has"


def check_alone(folder) -> list[str]:
    return run(folder, "make_submission", "--check", ".", status=1).out.splitlines()[:-1]


def test_an_archive_in_a_large_file_and_the_strip_itself_are_found(repository):
    with zipfile.ZipFile(repository / "weights" / "model.ckpt", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with open(repository / "weights" / "large.bin", "wb") as file:
        file.truncate(101 * 10**6)
    for name in ("result.zip", "result.png"):
        shutil.copyfile(repository.parent / name, repository / name)
    for name, sentence in zip(
        (
            "result.png: it is 11 times as wide",
            "result.zip: result/result.png in it",
            "weights/large.bin: it has",
            "we",
        ),
        check_alone(repository),
    ):
        assert sentence.startswith(name)
    assert "archive/data.pkl in it: .pkl is the name of a pickle" in check_alone(repository)[-1]


def test_an_archive_that_breaks_its_specification_is_found(repository):
    with zipfile.ZipFile(repository.parent / "result.zip", "w") as archive:
        archive.write(repository / "images" / "curves.png", "result/result.png")
    assert [re.sub(r"\d+", "N", finding) for finding in check_alone(repository.parent)] == [
        "result.zip: it holds no result/CGAN.py",
        "result.zip: result/result.png is of Pillow's mode RGBA, not L: N-bit grey without transparency",
        "result.zip: result/result.png is N pixels high, not N",
    ]


def test_of_a_git_repository_what_is_tracked_is_checked(repository):
    commit(repository)
    (repository / "notes.txt").write_text("13800138000")
    assert run(repository, "make_submission", "--check", ".").out.startswith(".: 0 findings")
    subprocess.run(["git", "-C", repository, "add", "notes.txt"], check=True)
    assert check_alone(repository) == ["notes.txt, line 1: a number of 11 digits, perhaps somebody's own; take it out"]
    subprocess.run(["git", "-C", repository, "rm", "-q", "-f", "--cached", "README.md", "notes.txt"], check=True)
    assert check_alone(repository) == ["README.md: there is none among the files to publish"]


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (["run", "12x"], {}, "character 3 of the number is 'x'"),
        (["run"], {}, "give the directory of a run, and the number to draw"),
        (["gone", "1"], {}, "gone is not a run directory"),
        (["run", "1", "--best"], {}, "run holds no best.safetensors"),
        (["run", "1", "--output", "full"], {}, "full already holds something"),
        (["run", "1", "--output", "run/log.jsonl/a"], {}, "run/log.jsonl is a file"),
        (["run", "1", "--check", "full"], {}, "--check takes its folder alone"),
        (["--check", "gone"], {}, "there is no folder gone to check"),
        (["run", "1"], {"dataset": "fashion_mnist"}, "run was trained on fashion_mnist; the warm-up's digits are"),
        (["run", "1"], {"img_size": 64}, "run draws images of 64 pixels and 1 channels"),
        (
            ["run", "1"],
            {"judge": "gone.safetensors"},
            "run was scored by gone.safetensors, which is not there any more",
        ),
        (["run", "1"], {"batch_size": "many"}, "run is not as train_cgan.py writes a run"),
        (["run", "1"], {"gan_mode": "TODO"}, "it would not pass its check: README.md, line "),
        (["run", "1"], "program", "run is a run of train_gan; the warm-up asks for one of train_cgan"),
        (["run", "1"], "data", "run was started on other data (data: 7 images)"),
        (["run", "1"], "state", "run holds no state.safetensors"),
        (["run", "1"], "samples", "holds no sample of step 3 or before"),
    ],
)
def test_a_mistake_is_a_sentence_and_makes_nothing(own_run, tmp_path, refused, arguments, options, sentence):
    (tmp_path / "full" / "mine").mkdir(parents=True)
    if isinstance(options, dict):
        change_options(own_run, **options)
    elif options == "state":
        (own_run / "state.safetensors").unlink()
    elif options == "samples":
        (own_run / "samples" / "0000003.png").unlink()
    else:
        config = json.loads((own_run / "config.json").read_text())
        config["program"] = "train_gan" if options == "program" else config["program"]
        config["sessions"][0]["data"] = "7 images" if options == "data" else config["sessions"][0]["data"]
        (own_run / "config.json").write_text(json.dumps(config))
    assert sentence in refused("make_submission", *arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "run"]
