"""Run directories as trainings leave them, made without training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from jgan.images import save_png
from jgan.training.run import Run
from jgan.weights.arrays import save

STEPS = 200
SESSION = {
    "started": "2026-01-02T03:04:05+00:00",
    "steps": 400,
    "images_per_step": 8,
    "device": "cpu",
    "data": "9 images",
}


def make_run(
    folder: Path, *, steps=STEPS, sample_interval=20, scores=True, losses=("g_loss", "d_loss"), **options
) -> Run:
    """A run that has done so many steps; its sample of step n is an even grey of n / 400, its first loss 1 / n."""
    run = Run(folder, program="train_toy")
    run.create({"lr": 0.1, "output": str(folder), **options}, SESSION)
    logged = range(10, steps + 1, 10)
    write_lines(run.log, [{"step": n, **dict.fromkeys(losses, 1 / n), "images_per_s": 40.0} for n in logged])
    if scores:
        write_lines(run.scores, [{"step": n, "distance": abs(n - 140) + 0.5, "accuracy": 0.5} for n in (100, 150, 200)])
    for n in range(sample_interval, steps + 1, sample_interval):
        save_png(run.sample(n), np.full((32, 32), n * 255 // 400, np.uint8))
    save_png(run.real, np.full((32, 32), 255, np.uint8))
    save(run.state, {"weight": np.zeros(3, np.float32)}, {"step": steps, "optimizer_steps": {}})
    return run


def write_lines(path: Path, entries: list[dict]) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
