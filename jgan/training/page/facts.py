"""What there is to know of a run, from the files in its directory."""

from __future__ import annotations

import statistics
from pathlib import Path

from jgan.training.log import read_log, seconds
from jgan.training.page.curves import log_curves, numbers
from jgan.training.run import Run
from jgan.weights.arrays import load_header

RECENT = 10  # lines of the log, whose median is the speed


def run_facts(run: Run) -> dict:
    """What a page says of a run, as JSON can hold it; UserError if it is none, or if a file of it is damaged.

    "step" is that of its state, "steps" where its last session is to end, None if it does not say. "sessions" are those
    of config.json, "written" is when the state was, in seconds since 1970. Of the others see the functions below.
    """
    config, entries, scores = run.read_config(), read_log(run.log), read_log(run.scores)
    step = steps_done(run, entries)
    sessions = config["sessions"] or [{}]
    return {
        "name": run.folder.resolve().name,
        "program": config["program"],
        "written": (run.state if run.state.is_file() else run.config).stat().st_mtime,
        "step": step,
        "steps": sessions[-1].get("steps"),
        **timing(entries, step, sessions[-1]),
        "options": config["options"],
        "sessions": sessions,
        "curves": log_curves(entries),
        **scored(scores),
        "files": files(run),
    }


def steps_done(run: Run, entries: list[dict]) -> int:
    """The step of the run's state; before there is one, of its log."""
    if run.state.is_file():
        return load_header(run.state).get("step", 0)
    return entries[-1]["step"] if entries else 0


def timing(entries: list[dict], step: int, session: dict) -> dict:
    """{"speed", "computed", "left"}: images per second of late, and seconds of training done and still to do.

    None where the run does not say.
    """
    timed = [entry for entry in entries if entry.get("images_per_s", 0) > 0]
    per_step, steps = session.get("images_per_step"), session.get("steps")
    if not timed or per_step is None or steps is None:
        return {"speed": None, "computed": None, "left": None}
    speed = statistics.median(entry["images_per_s"] for entry in timed[-RECENT:])
    computed = sum(seconds(timed, per_step))
    return {"speed": speed, "computed": computed, "left": max(0, steps - step) * per_step / speed}


def scored(entries: list[dict]) -> dict:
    """{"scores", "score_curves", "best"}: the rows of the scores, the same as curves, and the step of the best or None.

    The first score decides, and lower is better: see `jgan.training.scores.Scores`.
    """
    found = log_curves(entries)
    rows = [dict(zip(entry, [entry["step"], *numbers(list(entry.values())[1:])])) for entry in entries]
    deciding = [row for row in rows if found and row.get(found[0]["name"]) is not None]
    best = min(deciding, key=lambda row: row[found[0]["name"]])["step"] if deciding else None
    return {"scores": rows, "score_curves": found, "best": best}


def files(run: Run) -> list[dict]:
    """[{"name", "bytes"}] of what is in the directory, a folder with {"n"} files in it as one; not the page itself."""
    found = []
    for path in sorted(run.folder.iterdir()):
        if path.name.startswith(".") or path == run.page:
            continue
        if path.is_dir():
            sizes = [_size(each) for each in path.iterdir() if each.is_file()]
            found.append({"name": f"{path.name}/", "bytes": sum(sizes), "n": len(sizes)})
        else:
            found.append({"name": path.name, "bytes": _size(path)})
    return found


def _size(path: Path) -> int:
    """Bytes of a file, 0 of one that has just gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
