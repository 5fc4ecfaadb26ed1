"""Networks, one file per paper; here what must be known of them without importing Jittor.

A generator that can be drawn with from its weights file alone is marked as `rebuildable`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import numbers
import pkgutil
import re

from jgan import memory
from jgan.random import normal, uniform

DCGAN_SIZES = (16, 32, 64, 128, 256)
DRAW_Z = {  # the noise that each file's generator takes
    "gan": uniform,
    "cgan": normal,
    "projection": normal,
    "dcgan": normal,
    "wgan": normal,
}


def rebuildable(network_class):
    """A class decorator for networks that remember what rebuilds them, for their weights file.

    The class has a `model_name` such as "dcgan.Generator", each network its constructor's `model_options`. These are
    keyword-only: whole numbers from 1 on, words, truth values or None; ValueError for others. A network whose weights
    do not fit into memory raises UserError before they are made.
    """
    construct = network_class.__init__
    signature = inspect.signature(construct)

    @functools.wraps(construct)
    def construct_and_remember(self, **options):
        bound = signature.bind(self, **options)
        bound.apply_defaults()
        remembered = {name: value for name, value in bound.arguments.items() if value is not self}
        _require_possible(remembered, signature)
        described = ", ".join(f"{name} {value}" for name, value in remembered.items() if value is not None)
        with memory.adding_up(f"the weights of {network_class.model_name} ({described})"):
            construct(self, **options)
        self.model_options = remembered

    network_class.__init__ = construct_and_remember
    network_class.model_name = f"{network_class.__module__.rpartition('.')[2]}.{network_class.__qualname__}"
    return network_class


def network_class(model: str):
    """The class of a name such as "dcgan.Generator"; None unless this package has it as one that is rebuildable."""
    module, _, name = model.partition(".")
    if not re.fullmatch(r"[a-z]\w*", module, re.ASCII) or importlib.util.find_spec(f"{__name__}.{module}") is None:
        return None
    found = getattr(importlib.import_module(f"{__name__}.{module}"), name, None)
    return found if getattr(found, "model_name", None) == model else None


def rebuildable_classes() -> list:
    """Every network of this package that a weights file can rebuild, by module and then as defined."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return [
        found
        for module in modules
        for found in vars(module).values()
        if inspect.isclass(found) and found.__module__ == module.__name__ and hasattr(found, "model_name")
    ]


def _require_possible(options: dict, signature: inspect.Signature) -> None:
    """ValueError for an option that no constructor could use, judged by its default."""
    for name, value in options.items():
        default = signature.parameters[name].default
        if isinstance(default, (str, bool)):
            if type(value) is not type(default):
                raise ValueError(f"{name} must be one like {default!r}, not {value!r}")
        elif value is None and default is None:
            continue
        elif isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise ValueError(f"{name} must be a whole number from 1 on, not {value!r}")
