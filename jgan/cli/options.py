"""Options of the programs: a dataclass of typed fields becomes a command line, a user's mistake a sentence."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import re
import typing
from pathlib import Path

from jgan.errors import UserError

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"  # that are shipped
LARGEST = 999_999_999  # of seeds that can be written on a command line
NUMBERS = {int: "whole number", float: "number"}


def option(
    default=dataclasses.MISSING, help="", *, least=None, most=None, above=None, below=None, choices=None,
    subset_of=None, positional=False,
):  # fmt: skip
    """A dataclass field that is an option: default, line of help, and which values it may take.

    least <= value <= most, above < value < below, one of `choices`, or some of `subset_of`, joined by commas. Without a
    default it is a positional argument, and so it is if `positional`, but one that may be left out.
    """
    limits = {"least": least, "most": most, "above": above, "below": below, "choices": choices, "subset_of": subset_of}
    return dataclasses.field(default=default, metadata={"help": help, **limits, "positional": positional})


def device_option():
    """The option of every program that computes with Jittor (see `jgan.jittor_setup.runtime.set_device`)."""
    return option("auto", "where to compute; auto is CUDA where there is one", choices=("auto", "cpu", "cuda"))


def parse(options_class, description: str, argv=None):
    """The options, and a dict of those that were given. A wrong one ends the program with a sentence and status 2."""
    parser = _Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    given = _parse(parser, options_class, argv)
    return options_class(**given), given


def from_texts(options_class, texts: dict[str, str]):
    """The options of texts by name, such as a form sends; UserError, in the words of `parse`, for a wrong one."""
    positional = [field.name for field in dataclasses.fields(options_class) if field.default is dataclasses.MISSING]
    named = [f"--{name}={text}" for name, text in texts.items() if name not in positional]
    unnamed = [texts[name] for name in positional if name in texts]
    argv = [*named, "--", *unnamed] if unnamed else named  # or a number that begins with a minus were an option
    return options_class(**_parse(_TextParser(add_help=False, allow_abbrev=False), options_class, argv))


def _parse(parser: argparse.ArgumentParser, options_class, argv) -> dict:
    types = typing.get_type_hints(options_class)
    for field in dataclasses.fields(options_class):
        _add(parser, field, types[field.name])
    return vars(parser.parse_args(argv))


class _Parser(argparse.ArgumentParser):
    def _print_message(self, message, file=None):
        """argparse's own passes over a file that cannot be written."""
        if message and file is not None:
            file.write(message)
            file.flush()


class _TextParser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError(message)


def _of_optional(kind):
    """T of Optional[T] and tuple[T, ...], and any other type itself."""
    return next((t for t in typing.get_args(kind) if t is not type(None)), kind)


def _add(parser: argparse.ArgumentParser, field: dataclasses.Field, kind) -> None:
    """Optional[T] takes a T; a bool is a flag; a positional tuple[T, ...] takes one or several."""
    several = typing.get_origin(kind) is tuple
    kind = _of_optional(kind)
    text = field.metadata["help"]
    if several:
        parser.add_argument(field.name, type=kind, nargs="+", help=text)
    elif field.default is dataclasses.MISSING:
        parser.add_argument(field.name, type=kind, help=text)
    elif field.metadata["positional"]:
        parser.add_argument(field.name, type=kind, nargs="?", default=argparse.SUPPRESS, help=text)
    elif kind is bool:
        parser.add_argument(f"--{field.name}", action="store_true", default=argparse.SUPPRESS, help=text)
    else:
        if field.default is not None:
            text += f" (default: {field.default})"
        parser.add_argument(
            f"--{field.name}",
            type=_checked(kind, field.metadata),
            choices=field.metadata["choices"],
            default=argparse.SUPPRESS,
            metavar=None if field.metadata["choices"] else kind.__name__.upper(),
            help=text,
        )


def _checked(kind, limits):
    def convert(text: str):
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no {NUMBERS[kind]}") from None
        _require_within(value, limits)
        return value

    return convert


def _require_within(value, limits) -> None:
    """argparse.ArgumentTypeError unless the value is one that `option` allows."""
    if value == "":
        raise argparse.ArgumentTypeError("it is empty")
    if isinstance(value, float) and not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{value} is no finite number")
    if limits["choices"] is not None and value not in limits["choices"]:
        raise argparse.ArgumentTypeError(
            f"invalid choice: {value!r} (choose from {', '.join(map(str, limits['choices']))})"
        )
    if limits["subset_of"] is not None:
        _require_names(value.split(","), limits["subset_of"])
    if limits["least"] is not None and not value >= limits["least"]:
        raise argparse.ArgumentTypeError(f"{value} is too small; at least {limits['least']} is needed")
    if limits["most"] is not None and not value <= limits["most"]:
        raise argparse.ArgumentTypeError(f"{value} is too large; at most {limits['most']} is possible")
    if limits["above"] is not None and not value > limits["above"]:
        raise argparse.ArgumentTypeError(f"{value} must be above {limits['above']}")
    if limits["below"] is not None and not value < limits["below"]:
        raise argparse.ArgumentTypeError(f"{value} must be below {limits['below']}")


def _require_names(names: list[str], known) -> None:
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}, which commas may join")
        if names.count(name) > 1:
            raise argparse.ArgumentTypeError(f"{name} stands there twice")


def require_weights(weights: str | None) -> str:
    """The path of a weights file that was asked for; UserError if none was, or if there is none."""
    if weights is None:
        raise UserError(
            "give a generator's weights as --weights: generator.safetensors of a run, or a file of weights/"
        )
    if os.path.isdir(weights):
        raise UserError(f"{weights} is a folder; give the file of weights in it, such as generator.safetensors")
    if not os.path.isfile(weights):
        raise UserError(f"there is no weights file {weights}; a training program makes one, generator.safetensors")
    return weights


def require_png_path(output: str, name: str = "--output") -> Path:
    """The path of an image to write, that was given as this option; UserError unless it ends in .png in a folder."""
    return _require_path(output, ".png", "the image is written as PNG", name)


def require_html_path(output: str, name: str = "--output") -> Path:
    """The path of a page to write, likewise in .html."""
    return _require_path(output, ".html", "the page is written as HTML", name)


def _require_path(output: str, suffix: str, reason: str, name: str) -> Path:
    path = Path(output)
    if path.suffix != suffix:
        raise UserError(f"{reason}, so {name} must end in {suffix}; {output} does not")
    if not path.parent.is_dir():
        raise UserError(f"the folder {path.parent} does not exist; make it, or choose another {name}")
    if path.is_dir():
        raise UserError(f"{path} is a folder; choose another {name}")
    return path


def image_size(text: str, option_name: str) -> tuple[int, int]:
    """(height, width) of a text such as "256" or "512x384", which is width x height; UserError for any other."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})(?:[xX]([1-9][0-9]{0,4}))?", text, re.ASCII)
    if match is None:
        raise UserError(f"{option_name} {text!r} is no size; give one number, or WIDTHxHEIGHT as 512x384")
    return int(match[2] or match[1]), int(match[1])


def class_labels(text: str, classes: tuple[str, ...], option_name: str) -> list[int]:
    """The labels of a text such as "cat,dog" or "0-3,7", in its order; UserError naming the option for an unknown one.

    A part is the name of a class, or a number or a range of numbers: the names of classes that are called by numbers,
    and the places of others, from 0 on.
    """
    if text in classes:  # one whose name holds a comma
        return [classes.index(text)]
    labels = []
    by_number = any(name.isdecimal() for name in classes)
    for part in map(str.strip, text.split(",")):
        is_name = part in classes or not re.fullmatch(r"[0-9]+(-[0-9]+)?", part, re.ASCII)
        for name in [part] if is_name else map(str, numbers(part, option_name)):
            is_place = name.isdecimal() and int(name) < len(classes) and not by_number
            if name not in classes and not is_place:
                raise UserError(
                    f"{option_name} {text}: {name or 'an empty name'} is none of the classes {', '.join(classes)}"
                )
            labels.append(classes.index(name) if name in classes else int(name))
    return labels


def numbers(text: str, name: str) -> list[int]:
    """The numbers of a text such as "0-35" or "1,5,7-9", in its order; UserError naming the option if it is none."""
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", part.strip(), re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if max(map(len, re.findall("[0-9]+", part)), default=0) > 9:
            raise UserError(f"{name} {text!r}: {part!r} is too large; {LARGEST} is the largest")
        if last < first:
            raise UserError(f"{name} {text!r}: {part!r} is no number and no rising range such as 0-35")
        if len(found) + last - first >= 100_000:
            raise UserError(f"{name} {text!r}: these are more than 100000; draw them in parts")
        found.extend(range(first, last + 1))
    return found


def require_valid(options: dict, options_class, config) -> None:
    """UserError unless options from a config.json are the class's, and what the command line would allow."""
    kinds = typing.get_type_hints(options_class)
    unknown = options.keys() - kinds.keys()
    if unknown:
        raise UserError(f"{config} holds options that this version of jgan does not know: {', '.join(sorted(unknown))}")
    for field in dataclasses.fields(options_class):
        if field.name not in options:  # one that is newer than the run
            continue
        value, kind = options[field.name], _of_optional(kinds[field.name])
        if value is None and field.default is None:
            continue
        try:
            if type(value) is not kind and (type(value), kind) != (int, float):
                raise argparse.ArgumentTypeError(f"{value!r} is not of the type {kind.__name__}")
            _require_within(value, field.metadata)
        except argparse.ArgumentTypeError as error:
            raise UserError(f"the option {field.name} in {config} is wrong: {error}") from None
