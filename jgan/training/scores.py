"""How good a run is at its steps, and the weights of the best one: scores.jsonl and best.safetensors."""

from __future__ import annotations

from typing import Callable

from jgan.jittor_setup import runtime
from jgan.training.log import Log, read_log
from jgan.training.run import Run
from jgan.weights.arrays import load_header
from jgan.weights.networks import save_network


class Scores:
    """What scores the generator of a run at every evaluate_interval steps, and keeps the best.

    score: a function from the generator to {name: number}, leaving no trace in it; the first decides, and lower is
    better. None for a run without scores. facts: what the header of the best weights says beside step and scores.

    Scores are taken at these steps and at the last of all epochs, and not where a part of a run ends, or a run in parts
    would know another best than one in one piece. A context manager, as the log that it holds.
    """

    def __init__(self, run: Run, score: Callable[..., dict] | None, *, steps_done: int, last_step: int, facts: dict):
        self.run, self.score, self.last_step, self.facts = run, score, last_step, facts
        self._steps_done, self._log = steps_done, None

    def due(self, step: int) -> bool:
        """Whether this step is scored."""
        return self.score is not None and (step % self.run.options.evaluate_interval == 0 or step == self.last_step)

    def take(self, generator, step: int) -> dict:
        """The scores of this step, logged if they were not before; if they are the best, so are its weights.

        The state of the step must have been saved. Raises `jgan.images.NotFinite` if the generator draws no numbers.
        """
        entries = read_log(self.run.scores)
        found = next((entry for entry in entries if entry["step"] == step), None)
        if found is None:
            runtime.reseed(self.run.options.seed, "score")
            found = {"step": step, **self.score(generator)}
            self._log.write(**found)
        scores = {name: value for name, value in found.items() if name != "step"}
        first = next(iter(scores))
        others = [entry.get(first) for entry in entries if entry["step"] < step]
        if self.run.best.exists():
            others.append(load_header(self.run.best).get("scores", {}).get(first))
        if all(other is None or scores[first] < other for other in others):
            save_network(self.run.best, generator, **self.facts, step=step, scores=scores)
        return scores

    def __enter__(self):
        if self.score is not None:
            self._log = Log(self.run.scores, self._steps_done)
        return self

    def __exit__(self, *error):
        if self._log is not None:
            self._log.__exit__(*error)
