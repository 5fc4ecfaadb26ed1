"""The weights that the demo offers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jgan.cli.options import WEIGHTS
from jgan.errors import UserError
from jgan.training.stop import say
from jgan.weights.arrays import load_header

HINTS = {  # of what is shipped: what its input shows
    "pix2pix_facades_128": "It turns a plan of a facade, in the colours of the CMP facades, into a photograph.",
    "cyclegan_monet_128": "A to B turns a painting by Monet into a photograph, B to A the other way round.",
}


class Model(NamedTuple):
    """A generator as the page shows it."""

    name: str
    draws: bool  # from noise; else it translates
    classes: tuple[str, ...]  # that it draws, if any
    two_ways: bool  # whether it translates in two directions
    hint: str  # of what it takes, if there is more to say than that it is an image


def weights_files(own: str | None = None) -> dict[str, Path]:
    """Files of weights by the names under which they are offered: all that are shipped, and one's own.

    own: a file, or a folder with files in it or in folders within it. Paths are absolute. Raises UserError if there is
    no such file or folder, or it holds none.
    """
    files = {path.stem: path for path in sorted(WEIGHTS.glob("*.safetensors"))}
    if own is not None:
        place = Path(own).resolve()
        if not place.exists():
            raise UserError(f"there is no {own}; give a file of weights, the folder of a run, or one of several runs")
        folder = place if place.is_dir() else place.parent
        found = sorted(folder.rglob("*.safetensors")) if folder == place else [place]
        if not found:
            raise UserError(f"there are no weights in {own}, nor in folders within it: no file ends in .safetensors")
        files.update((f"{folder.name}/{path.relative_to(folder).with_suffix('')}", path) for path in found)
    return files


def offered(files: dict[str, Path]) -> list[Model]:
    """Those that draw or translate. What cannot be read is named on stderr and left out; this imports Jittor.

    Raises UserError if there are files of one's own, and not one of them holds such a generator.
    """
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
            hint = HINTS.get(name, "") or _hint(header["options"].get("label_classes"))
            models.append(Model(name, model in drawing, classes, model == "cyclegan.Generators", hint))
    own = [name for name in files if files[name].parent != WEIGHTS]
    if own and not any(model.name in own for model in models):
        raise UserError(f"no generator that draws or translates is in {', '.join(own)}; a training writes one")
    return models


def _hint(label_classes: int | None) -> str:
    if label_classes is None:
        return ""
    return f"It takes label maps of {label_classes} classes: grey images without loss, so no JPEG."
