"""What a training shows: its logs and the curves drawn from them."""

from __future__ import annotations

import json
from pathlib import Path

from jgan.errors import UserError
from jgan.files import replacing, write_bytes
from jgan.training.stop import say


class Log:
    """A file of JSON lines {"step": n, name: number, ...} that a resumed run continues.

    A context manager, opened with the number of steps already done: lines of later steps, which a run wrote after its
    last save and is about to compute again, are taken out, and with them lines that are damaged.
    """

    def __init__(self, path: str | Path, steps_done: int):
        entries = read_log(path)
        kept = [entry for entry in entries if entry["step"] <= steps_done]
        n_damaged = _n_lines(path) - len(entries)
        if n_damaged:
            lines = "1 line" if n_damaged == 1 else f"{n_damaged} lines"
            say(f"left out {lines} of {path}, which could not be read")
        write_bytes(path, "".join(json.dumps(entry) + "\n" for entry in kept).encode())
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (open as long as the log)

    def write(self, **entry: float) -> None:
        """Add a line; UserError if it cannot be written."""
        try:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
        except OSError as error:
            raise UserError(f"cannot write {self._file.name}: {error.strerror}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def read_log(path: str | Path) -> list[dict]:
    """The entries of a log in order, without the lines that are damaged or cut short; [] if there is no log."""
    if not Path(path).is_file():
        return []
    entries = map(_entry, Path(path).read_bytes().splitlines())
    return [entry for entry in entries if entry is not None]


def seconds(entries: list[dict], images_per_step: int) -> list[float]:
    """How long the steps took from one entry of a log to the next, by its images_per_s; 0 where it says none."""
    steps = [0, *(entry["step"] for entry in entries)]
    speeds = [entry.get("images_per_s", 0) for entry in entries]
    return [
        images_per_step * (step - before) / speed if speed > 0 else 0.0
        for before, step, speed in zip(steps, steps[1:], speeds)
    ]


def _n_lines(path: str | Path) -> int:
    return len(Path(path).read_bytes().splitlines()) if Path(path).is_file() else 0


def _entry(line: bytes) -> dict | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    numbers = isinstance(entry, dict) and all(isinstance(value, (int, float)) for value in entry.values())
    return entry if numbers and isinstance(entry.get("step"), int) else None


def draw_curves(png: str | Path, *logs: str | Path) -> None:
    """Draw what the last line of each log names over the steps, one below the other, each on its own scale.

    Faint as logged, strong as a running mean of 1/50 of the points. The points of a short log are marked, so that even
    one shows. Logs without entries draw nothing.
    """
    import numpy as np
    from matplotlib.figure import Figure

    curves = [curve for log in logs for curve in _curves(log)]
    if not curves:
        return
    figure = Figure(figsize=(8, 1 + 1.5 * len(curves)), layout="constrained")
    panels = figure.subplots(len(curves), sharex=True, squeeze=False)[:, 0]
    for i, ((name, steps, values), axes) in enumerate(zip(curves, panels)):
        axes.plot(steps, values, color=f"C{i}", alpha=0.25, linewidth=0.8)
        width = max(1, len(values) // 50)
        smooth = np.convolve(values, np.ones(width) / width, mode="valid")
        axes.plot(steps[width - 1 :], smooth, color=f"C{i}", marker="o" if len(values) < 20 else None)
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    panels[-1].set_xlabel("step")
    with replacing(png) as file:
        figure.savefig(file, format="png", dpi=100)


def _curves(log: str | Path) -> list[tuple[str, list, list]]:
    """What the last line of a log names, each with the steps and the values of all lines that name it, too."""
    entries = read_log(log)
    names = [name for name in entries[-1] if name != "step"] if entries else []
    complete = [entry for entry in entries if entry.keys() >= set(names)]
    steps = [entry["step"] for entry in complete]
    return [(name, steps, [entry[name] for entry in complete]) for name in names]
