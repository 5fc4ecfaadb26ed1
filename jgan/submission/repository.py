"""The repository to publish, made of a run: programs, the package they use, weights, sample pictures and a README.

Whoever clones it must be able to train the same generator and draw with it, whatever options the run had. So it holds a
copy of the package and of the two programs, at its top, where Python finds the package without installing it. The
self-contained CGAN.py of `jgan.warmup` would be less to copy, but knows no options and reads no safetensors.

The number that is handed in is in none of its files: it draws what it is told on the command line.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from jgan.cli.digits import JUDGE
from jgan.cli.options import WEIGHTS
from jgan.errors import UserError
from jgan.files import write_bytes
from jgan.submission.facts import Facts
from jgan.submission.readme import readme
from jgan.training.log import draw_curves
from jgan.training.run import Run

ROOT = WEIGHTS.parent
PROGRAMS = ("train_cgan.py", "render_digits.py")
LEFT_OUT = ("demo", "submission", "reference", "__pycache__")  # of the package: what neither program uses
IGNORED = "__pycache__/\nruns/\n*.png\n*.zip\n!/images/*.png\n"


def sample_of(run: Run, step: int) -> Path:
    """The last sample of a run up to a step; UserError if there is none."""
    samples = [path for drawn, path in run.drawn().items() if drawn <= step]
    if not samples:
        raise UserError(f"{run.samples} holds no sample of step {step} or before; resume the run, and it draws one")
    return samples[-1]


def write_repository(
    folder: Path, run: Run, weights: Path, judge: Path | None, facts: Facts, *, seed: int, candidates: int
) -> None:
    """Make the repository in a new folder, all but images/digits.png. judge: the run's own, if it had one."""
    for name in ("weights", "images"):
        (folder / name).mkdir(parents=True)
    for name in PROGRAMS:
        program = (ROOT / "scripts" / name).read_text(encoding="utf-8")
        write_bytes(folder / name, program.replace("python scripts/", "python ").encode())
    shutil.copytree(ROOT / "jgan", folder / "jgan", ignore=shutil.ignore_patterns(*LEFT_OUT))
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    write_bytes(folder / "requirements.txt", re.sub(r"^-e .*\n", "", requirements, flags=re.M).encode())
    write_bytes(folder / ".gitignore", IGNORED.encode())

    shutil.copyfile(weights, folder / "weights" / "generator.safetensors")
    shutil.copyfile(JUDGE, folder / "weights" / JUDGE.name)
    if judge is not None:
        shutil.copyfile(judge, folder / "weights" / "judge.safetensors")
    shutil.copyfile(sample_of(run, facts.step), folder / "images" / "samples.png")
    draw_curves(folder / "images" / "curves.png", run.log, run.scores)
    write_bytes(folder / "README.md", readme(facts, seed=seed, candidates=candidates).encode())
