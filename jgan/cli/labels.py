"""Which classes a program asks a generator for."""

from __future__ import annotations

from jgan.cli.options import class_labels
from jgan.errors import UserError


def asked_labels(text: str | None, classes: tuple[str, ...], weights, option_name: str) -> list[int] | None:
    """The labels of a text (see `class_labels`) for the generator of a weights file: all of its classes without one.

    None if it has no classes; UserError, then, for any text.
    """
    if not classes:
        if text is not None:
            raise UserError(f"{option_name}: {weights} holds a generator without classes")
        return None
    return list(range(len(classes))) if text is None else class_labels(text, classes, option_name)


def asked_label(text: str | None, classes: tuple[str, ...], weights, option_name: str) -> int | None:
    """The one label of a text, likewise: the first class without one; UserError if the text names several."""
    labels = asked_labels(text, classes, weights, option_name)
    if text is not None and len(labels) != 1:
        raise UserError(f"{option_name} {text} names {len(labels)} classes; give one")
    return None if labels is None else labels[0]
