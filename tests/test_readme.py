"""The documentation: commands and blocks of Python run as they are written, and every link leads somewhere."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from urllib.parse import unquote

import numpy as np
import pytest
from conftest import ROOT, run_python
from PIL import Image

from jgan.weights.arrays import load_header

README, CHINESE = READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
DOCS = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
PICTURES = {  # what the commands take for the reader's own images -> width and height
    **{f"flowers/{name}/{i}.png": (40, 40) for name in ("rose", "tulip") for i in range(4)},
    **{f"faces/{i}.jpg": (70, 80) for i in range(4)},
    **{f"facades/{split}/{i}.jpg": (160, 80) for split in ("train", "test") for i in range(4)},
}


def blocks(page) -> list[tuple[str, str | None, str]]:
    """(language, the file that its first line names, code) of each block of a page."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    files = [re.match(r"# (\S+\.py)\n", code) for _, code in found]
    return [(language, file and file[1], code) for (language, code), file in zip(found, files)]


def commands(code: str) -> list[list[str]]:
    """The words of each line, without comments."""
    return [shlex.split(line, comments=True) for line in code.replace("\\\n", " ").splitlines()]


def without_words(code: str) -> str:
    """The syntax tree of Python, without comments and docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def test_both_readmes_have_the_same_code():
    english, chinese = (
        [(file, commands(code) if language == "bash" else without_words(code)) for language, file, code in blocks(page)]
        for page in READMES
    )
    assert english == chinese


def test_what_the_readme_says_can_be_done(tmp_path):
    """All of it, one after the other, with small images and two steps of each training."""
    for name in ("scripts", "weights"):
        (tmp_path / name).symlink_to(ROOT / name)
    random = np.random.default_rng(0)
    for name, (width, height) in PICTURES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(tmp_path / name)

    environment = {}
    for language, file, code in blocks(README):
        if file:
            environment = environment or copy_package(tmp_path)
            (tmp_path / file).write_text(code)
        elif language == "python":
            require_success("-c", code, cwd=tmp_path, **environment)
        else:
            for words in commands(code):
                python, program, *options = words[words.index("&&") + 1 :] if "&&" in words else words
                if program != "-m":  # pytest: this is it
                    assert python == "python" and program.startswith("scripts/")
                    require_success(
                        program, *options, *few_steps(program, options, tmp_path), cwd=tmp_path, **environment
                    )


def copy_package(folder) -> dict:
    """Put the package and its programs into the folder, to add files to; returns the environment that takes them."""
    (folder / "scripts").unlink()
    for name in ("jgan", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    # The package's path is among the flags of its kernels: at a new one they would all be compiled anew.
    return {"PYTHONPATH": str(folder), "JGAN_KERNELS": "0"}


def few_steps(program: str, options: list[str], folder) -> list:
    """What ends a training after two steps, and a resumed one after one more than it has done."""
    if not program.startswith("scripts/train_") or "--max_steps" in options:
        return []
    if "--resume" not in options:
        return ["--max_steps", 2]
    state = folder / options[options.index("--resume") + 1] / "state.safetensors"
    return ["--max_steps", load_header(state)["step"] + 1]


def require_success(*arguments, **where) -> None:
    done = run_python(*arguments, **where)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"


def test_the_python_of_the_other_pages_runs(tmp_path):
    for language, _, code in (block for page in DOCS for block in blocks(page)):
        if language == "python":
            require_success("-c", code, cwd=tmp_path)


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_a_readme_is_short_and_names_all_training_programs(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("\n") <= 150
    assert len(re.findall(r"^pip install -r [a-z-]+\.txt && ", text, re.M)) == 2  # .ci/run takes its commands from here
    assert {path.name for path in (ROOT / "scripts").glob("train_*.py")} <= set(re.findall(r"`(\w+\.py)`", text))


@pytest.mark.parametrize("page", [*READMES, *DOCS], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", BLOCK.sub("", page.read_text(encoding="utf-8"))):
        path, _, heading = unquote(link).partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not heading or heading in anchors(target), link


def anchors(page) -> list[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.M)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
