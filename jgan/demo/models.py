"""The weights that the demo offers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jgan.cli.options import WEIGHTS
from jgan.errors import UserError
from jgan.training.stop import say
from jgan.weights.arrays import load_header


class Model(NamedTuple):
    """A generator as the page shows it."""

    name: str
    draws: bool  # from noise; else it translates
    classes: tuple[str, ...]  # that it draws, if any
    two_ways: bool  # whether it translates in two directions


def weights_files(folder: str | None = None) -> dict[str, Path]:
    """Files of weights by the names under which they are offered: all that are shipped, and those in a folder.

    Those in folders within it are found, too. Paths are absolute. Raises UserError if it is no folder, or holds none.
    """
    files = {path.stem: path for path in sorted(WEIGHTS.glob("*.safetensors"))}
    if folder is not None:
        own = Path(folder).resolve()
        if not own.is_dir():
            raise UserError(f"there is no folder {folder}; give that of a run, or one of several runs")
        found = sorted(own.rglob("*.safetensors"))
        if not found:
            raise UserError(f"there are no weights in {folder}, nor in folders within it: no file ends in .safetensors")
        files.update((f"{own.name}/{path.relative_to(own).with_suffix('')}", path) for path in found)
    return files


def offered(files: dict[str, Path]) -> list[Model]:
    """Those that draw or translate. What cannot be read is named on stderr and left out; this imports Jittor."""
    from jgan.inference.generators import drawing_classes
    from jgan.inference.translators import translating_classes

    drawing = {each.model_name for each in drawing_classes()}
    translating = {each.model_name for each in translating_classes()}
    models = []
    for name, path in files.items():
        try:
            header = load_header(path)
        except UserError as error:
            say(f"left out: {error}")
            continue
        model = header.get("model")
        if model in drawing | translating:
            numbers = range(header["options"].get("n_classes") or 0)
            classes = tuple(map(str, header.get("classes") or numbers))
            models.append(Model(name, model in drawing, classes, model == "cyclegan.Generators"))
    return models
