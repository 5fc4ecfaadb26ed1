"""Exchange weights with PyTorch, and take those that other Jittor programs wrote.

python scripts/convert_weights.py weights/dcgan_faces_64.safetensors faces.pth
python scripts/convert_weights.py faces.pth faces.safetensors --model dcgan.Generator --sizes img_size=64,conv_dim=32
python scripts/convert_weights.py generator_last.pkl digits.safetensors --model cgan.Generator

A .pth is a state_dict, which fits the network of the same name in jgan.reference. Nothing in a .pkl or .pth is run when
it is read. Writing a .pth needs PyTorch (requirements-benchmark.txt).
"""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Optional

from jgan.cli.options import option
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.files import write_bytes
from jgan.weights.arrays import load
from jgan.weights.import_weights import read_foreign

LARGEST_SIZE = 65536
WORDS = ("arch", "upsample")  # the sizes that are none


@dataclasses.dataclass
class Options:
    source: str = option(help="a .safetensors of this project, a .pth of PyTorch's or a .pkl of Jittor's")
    target: str = option(help="the file to write: .pth from .safetensors, .safetensors from the others")
    model: Optional[str] = option(None, "the network that a .pth or .pkl holds, such as cgan.Generator")
    sizes: Optional[str] = option(
        None, "its sizes where they are not the defaults, such as img_size=64,conv_dim=32 or upsample=resize"
    )


def check(opt: Options, given: dict) -> dict | None:
    """The arrays of a foreign file, or None if one is to be written."""
    source, target = Path(opt.source), Path(opt.target)
    kinds = (source.suffix, target.suffix)
    if kinds not in ((".safetensors", ".pth"), (".pth", ".safetensors"), (".pkl", ".safetensors")):
        raise UserError(f"{source} to {target}: only .safetensors to .pth, and .pth or .pkl to .safetensors, are known")
    if not target.parent.is_dir():
        raise UserError(f"the folder {target.parent} does not exist; make it, or choose another target")
    if target.suffix == ".pth":
        return None
    read_sizes(opt.sizes)
    if opt.model is None:
        raise UserError("say which network the file holds, as --model cgan.Generator")
    return read_foreign(source)


def convert(opt: Options, arrays: dict | None) -> int:
    if arrays is None:
        to_pytorch(Path(opt.source), Path(opt.target))
    else:
        from_foreign(opt, arrays)
    print(f"wrote {opt.target}")
    return 0


def to_pytorch(source: Path, target: Path) -> None:
    """Write the arrays of a weights file as a state_dict."""
    arrays, header = load(source)
    if "model" not in header:
        raise UserError(f"{source} holds the state of a run; convert its generator.safetensors")
    try:
        import torch
    except ImportError:
        raise UserError("writing a .pth needs PyTorch: pip install -r requirements-benchmark.txt") from None
    file = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, file)
    write_bytes(target, file.getvalue())


def from_foreign(opt: Options, arrays: dict) -> None:
    """Put a state dict into the network it is said to hold, and write its weights; UserError lists what differs."""
    from jgan.models import network_class, rebuildable_classes
    from jgan.weights.networks import restore_network, save_network

    constructor = network_class(opt.model)
    if constructor is None:
        raise UserError(
            f"--model {opt.model} is none of {', '.join(each.model_name for each in rebuildable_classes())}"
        )
    try:
        network = constructor(**read_sizes(opt.sizes))
    except (TypeError, ValueError) as error:
        raise UserError(f"--sizes: {error}") from None
    try:
        restore_network(network, arrays, where=opt.source)
    except UserError as error:
        raise UserError(f"{error}; if its sizes are not the defaults, give them as --sizes") from None
    save_network(opt.target, network)


def read_sizes(text: str | None) -> dict:
    """{"img_size": 64, "arch": "conv"} of "img_size=64,arch=conv"."""
    sizes = {}
    for part in text.split(",") if text else ():
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise UserError(f"--sizes {text!r}: {part!r} is not of the form name=value")
        if value.isdecimal() and 0 < int(value) <= LARGEST_SIZE:
            sizes[name] = int(value)
        elif name in WORDS:
            sizes[name] = value
        else:
            raise UserError(f"--sizes {text!r}: {value} is no whole number from 1 to {LARGEST_SIZE}")
    return sizes


if __name__ == "__main__":
    run_program(Options, __doc__, check, convert)
