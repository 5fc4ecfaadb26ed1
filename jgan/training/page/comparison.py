"""Several runs side by side: what they share and where they differ."""

from __future__ import annotations

from pathlib import Path

from jgan.errors import UserError
from jgan.training.page.facts import run_facts
from jgan.training.page.samples import image_url, thinned
from jgan.training.run import Run

NOT_COMPARED = ("output", "resume", "started", "steps")  # of options and sessions: what says nothing about a run
SCORED_BY = ("data", "labels", "judge")  # of a session: what its scores depend on


def compare(runs: list[Run]) -> dict:
    """What a page says of two runs or more, as JSON can hold it; UserError if one has no loss and no score in common.

    "runs" are as `jgan.training.page.facts.run_facts` has them, under names that differ, with the "best_scores" of
    each. "options" and "setting" are `rows`, "comparable" is whether all are scored by the same images and judge.
    "frames" are [{"step", "steps", "images"}], the samples that are shown together, and "real" [{"image", "runs"}], the
    real images and whose they are.
    """
    found = [run_facts(run) for run in runs]
    for facts, name in zip(found, names(runs)):
        facts["name"] = name
        facts["best_scores"] = next((row for row in facts["scores"] if row["step"] == facts["best"]), None)
    require_common(found)
    sessions = [{"program": facts["program"], **facts["sessions"][-1]} for facts in found]
    real = {}
    for facts, run in zip(found, runs):
        real.setdefault(image_url(run.real), []).append(facts["name"])
    return {
        "runs": found,
        "options": rows([facts["options"] for facts in found]),
        "setting": rows(sessions),
        "comparable": not any(row["differs"] for row in rows(sessions) if row["name"] in SCORED_BY),
        "frames": [shown(frame) for frame in thinned(frames(runs))],
        "real": [{"image": url, "runs": of} for url, of in real.items() if url is not None],
    }


def names(runs: list[Run]) -> list[str]:
    """The last parts of the runs' paths, as many as tell them apart."""
    paths = [run.folder.resolve().parts for run in runs]
    n = 1
    while len({path[-n:] for path in paths}) < len(set(paths)):
        n += 1
    return [str(Path(*path[-n:])) for path in paths]


def require_common(found: list[dict]) -> None:
    """UserError naming a run that has no loss and no score in common with any other."""
    quantities = [{curve["name"] for curve in facts["curves"] + facts["score_curves"]} for facts in found]
    for i, (facts, own) in enumerate(zip(found, quantities)):
        others = set().union(*quantities[:i], *quantities[i + 1 :])
        if not (own & others) - {"images_per_s"}:
            has = ", ".join(sorted(own - {"images_per_s"})) or "none yet"
            raise UserError(f"{facts['name']} has no loss or score in common with the other runs (it has {has})")


def rows(columns: list[dict]) -> list[dict]:
    """[{"name", "values", "differs"}] of several dictionaries, in the order of their names; None where one lacks it."""
    known = dict.fromkeys(name for column in columns for name in column if name not in NOT_COMPARED)
    found = [{"name": name, "values": [column.get(name) for column in columns]} for name in known]
    return [{**row, "differs": any(value != row["values"][0] for value in row["values"])} for row in found]


def frames(runs: list[Run]) -> list[tuple[Path, ...]]:
    """The samples to show together: those of each step at which every run that came so far has drawn one.

    A run that ended before shows its last. Without samples of one of the runs there are none.
    """
    samples = [run.drawn() for run in runs]
    if not all(samples):
        return []
    last = [max(found) for found in samples]
    steps = sorted({step for found in samples for step in found})
    shared = [step for step in steps if all(step in found or step > end for found, end in zip(samples, last))]
    return [tuple(found[min(step, end)] for found, end in zip(samples, last)) for step in shared]


def shown(frame: tuple[Path, ...]) -> dict:
    """A frame for the page: its step, and the step and the image of each run."""
    steps = [int(path.stem) for path in frame]
    return {"step": max(steps), "steps": steps, "images": [image_url(path) for path in frame]}
