"""Score every generator and translator in weights/ by evaluate.py on the CPU; write the tables of weights/README.md.

python scripts/score_weights.py --data_dir DATA            # with fashion_mnist/, anime_faces_64/, ... in it
python scripts/score_weights.py --data_dir DATA --check    # say whether the tables are what the files give
"""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Optional

from jgan.cli.options import WEIGHTS, option
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.files import write_bytes

README = WEIGHTS / "README.md"
BEGIN, END = "<!-- scores: begin -->\n", "<!-- scores: end -->\n"
FASHION = ("--dataset", "fashion_mnist", "--data_dir", "{data}/fashion_mnist")
GENERATORS = {
    "cgan_mnist": ("--dataset", "mnist"),
    "cgan_fashion_mnist": FASHION,
    "gan_mnist": ("--dataset", "mnist"),
    "wgan_fashion_32": FASHION,
    "wgan_gp_fashion_32": FASHION,
    "dcgan_faces_64": ("--dataset", "folder", "--data_dir", "{data}/anime_faces_64"),
}
TRANSLATORS = {
    "pix2pix_facades_128": ("--data_dir", "{data}/facades/test", "--direction", "b2a", "--img_size", "128"),
    "spade_facades_128": ("--data_dir", "{classes}", "--direction", "b2a", "--img_size", "128"),
    "cyclegan_monet_128": ("--data_dir", "{data}/monet2photo", "--img_size", "128"),
}
PALETTE = Path(__file__).with_name("palettes") / "facades.txt"
FOLDERS = ("fashion_mnist", "anime_faces_64", "facades/test", "monet2photo/testA", "monet2photo/testB")
COLUMNS = {  # of the two tables: what evaluate.py calls a score, its title, its digits
    "generators": {
        "frechet_distance": ("Fréchet", 4),
        "kernel_distance": ("kernel", 4),
        "precision": ("precision", 3),
        "recall": ("recall", 3),
        "density": ("density", 3),
        "coverage": ("coverage", 3),
        "accuracy": ("read as asked", 4),
        "within_class_diversity": ("diversity", 3),
        "sliced_wasserstein": ("sliced W.", 2),
    },
    "translators": {"l1": ("L1", 2), "psnr": ("PSNR", 2), "ssim": ("SSIM", 4), "sliced_wasserstein": ("sliced W.", 2)},
}


@dataclasses.dataclass
class Options:
    data_dir: Optional[str] = option(None, f"a folder with {', '.join(FOLDERS)} in it")
    check: bool = option(False, "write nothing; exit with status 1 unless the tables are as they are made now")


def check(opt: Options, given: dict) -> int:
    if opt.data_dir is None:
        raise UserError(f"give the folder of the data sets as --data_dir; it must have {', '.join(FOLDERS)} in it")
    missing = [name for name in FOLDERS if not Path(opt.data_dir, name).is_dir()]
    if missing:
        raise UserError(f"{opt.data_dir} has no {', '.join(missing)} in it")
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    old, end, after = rest.partition(END)
    if not end:
        raise UserError(f"{README} has no lines {BEGIN.strip()} and {END.strip()}; put them where the tables belong")
    new = "\n".join(
        table(kind, [row for name, options in weights.items() for row in rows(kind, name, options, opt.data_dir)])
        for kind, weights in (("generators", GENERATORS), ("translators", TRANSLATORS))
    )
    if opt.check:
        print("the tables are as the files give" if old == new else f"the files give\n{new}")
        return int(old != new)
    write_bytes(README, f"{before}{BEGIN}{new}{END}{after}".encode())
    print(f"wrote {README}")
    return 0


def rows(kind: str, name: str, options: tuple, data_dir: str) -> list[list[str]]:
    """The rows of one file: each set of images that evaluate.py scores."""
    print(f"scoring {name}", flush=True)
    weights = WEIGHTS / f"{name}.safetensors"
    with tempfile.TemporaryDirectory() as folder:
        path, classes = Path(folder, "scores.json"), Path(folder, "classes")
        if "{classes}" in options:
            run("convert_label_maps", Path(data_dir, "facades/test"), classes, "--half", "b", "--palette", PALETTE)
        options = [each.format(data=data_dir, classes=classes) for each in options]
        run("evaluate", "--weights", weights, *options, "--device", "cpu", "--json", path)
        scores = json.loads(path.read_text())["scores"]
    return [
        [
            f"`{name}`" if title == "drawn" else f"`{name}`: {title}",
            *(number(found.get(score), digits) for score, (_, digits) in COLUMNS[kind].items()),
        ]
        for title, found in scores.items()
    ]


def run(program: str, *arguments) -> None:
    """Run another of these programs; UserError if it fails."""
    path = Path(__file__).with_name(f"{program}.py")
    if subprocess.run([sys.executable, path, *arguments], check=False).returncode:
        raise UserError(f"{program}.py failed; see above")


def number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def table(kind: str, found: list[list[str]]) -> str:
    titles = ["", *(title for title, _ in COLUMNS[kind].values())]
    lines = [titles, ["---"] + ["---:"] * (len(titles) - 1), *found]
    return "".join(re.sub(r" +", " ", f"| {' | '.join(line)} |") + "\n" for line in lines)


if __name__ == "__main__":
    run_program(Options, __doc__, check)
