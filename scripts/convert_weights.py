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

from options import option, run_program

from jgan.checkpoint import load, restore_network, save_network
from jgan.errors import UserError
from jgan.files import write_bytes
from jgan.foreign import read_foreign

LARGEST_SIZE = 65536
WORDS = ("arch", "upsample")  # the sizes that are none


@dataclasses.dataclass
class Options:
    source: str = option(help="a .safetensors of this project, a .pth of PyTorch's or a .pkl of Jittor's")
    target: str = option(help="the file to write: .pth from .safetensors, .safetensors from the others")
    model: Optional[str] = option(None, "the network that a .pth or .pkl holds, such as cgan.Generator")
    sizes: Optional[str] = option(None, "its sizes where they are not the defaults, such as img_size=64,conv_dim=32")


def main(opt: Options, given: dict) -> int:
    source, target = Path(opt.source), Path(opt.target)
    kinds = (source.suffix, target.suffix)
    if kinds not in ((".safetensors", ".pth"), (".pth", ".safetensors"), (".pkl", ".safetensors")):
        raise UserError(f"{source} to {target}: only .safetensors to .pth, and .pth or .pkl to .safetensors, are known")
    if not target.parent.is_dir():
        raise UserError(f"the folder {target.parent} does not exist; make it, or choose another target")
    if target.suffix == ".pth":
        to_pytorch(source, target)
    else:
        from_foreign(source, target, opt.model, read_sizes(opt.sizes))
    print(f"wrote {target}")
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


def from_foreign(source: Path, target: Path, model: str | None, sizes: dict) -> None:
    """Put a state dict into the network it is said to hold, and write its weights; UserError lists what differs."""
    if model is None:
        raise UserError("say which network the file holds, as --model cgan.Generator")
    arrays = read_foreign(source)

    from jgan.generators import GENERATORS
    from jgan.translators import MODELS

    constructors = {**GENERATORS, **MODELS}
    if model not in constructors:
        raise UserError(f"--model {model} is none of {', '.join(constructors)}")
    try:
        network = constructors[model](**sizes)
    except (TypeError, ValueError, RuntimeError, ArithmeticError, AssertionError) as error:
        raise UserError(f"--sizes: {error}") from None
    restore_network(network, arrays, where=source)
    save_network(target, network, model=model, options=sizes)


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
    run_program(main, Options, __doc__)
