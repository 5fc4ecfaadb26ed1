"""The learning rate that a program trains by, over its steps and its resumed runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from jgan.cli.training import AdamOptions, ImageOptions
from jgan.cli.translation import TranslationOptions
from jgan.data.batches import Batches
from jgan.errors import UserError
from jgan.training.rate import learning_rate
from jgan.training.run import Run
from jgan.weights import arrays as files


@dataclasses.dataclass
class GeneratorOptions(ImageOptions, AdamOptions):
    """Those of a program that draws from noise."""


def rates(*, n_epochs, decay_epoch, n_images=4, batch_size=1, options=TranslationOptions):
    """The learning rate of 0.8 at every step of a new run."""
    new = Run("unused", options(lr=0.8, n_epochs=n_epochs, decay_epoch=decay_epoch))
    batches = Batches(n_images, batch_size=batch_size, seed=0)
    rate = learning_rate(new, batches)
    return pytest.approx([rate(step) for step in range(batches.steps(n_epochs))])


def test_the_learning_rate_falls_from_decay_epoch_on():
    assert rates(n_epochs=2, decay_epoch=None) == [0.8, 0.8, 0.8, 0.8, 0.8, 0.6, 0.4, 0.2]
    assert rates(n_epochs=2, decay_epoch=0) == [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    for never in (2, 9):
        assert rates(n_epochs=2, decay_epoch=never) == [0.8] * 8
    assert rates(n_epochs=2, decay_epoch=None, options=GeneratorOptions) == [0.8] * 8
    assert rates(n_epochs=2, decay_epoch=0, options=GeneratorOptions) == [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    assert rates(n_epochs=1, decay_epoch=None) == [0.8, 0.6, 0.4, 0.2]
    assert rates(n_epochs=2, decay_epoch=1, n_images=6, batch_size=3) == [0.8, 0.8, 0.8, 0.4]


@pytest.mark.parametrize(
    ("before", "now", "refused"),
    [
        ({"n_epochs": 2, "decay_epoch": None}, {"n_epochs": 4, "decay_epoch": None}, True),
        ({"n_epochs": 2, "decay_epoch": 1}, {"n_epochs": 4, "decay_epoch": 1}, True),
        ({"n_epochs": 2, "decay_epoch": None}, {"n_epochs": 4, "decay_epoch": 2}, False),
        ({"n_epochs": 2, "decay_epoch": None}, {"n_epochs": 2, "decay_epoch": None}, False),
        ({"n_epochs": 8, "decay_epoch": None}, {"n_epochs": 9, "decay_epoch": None}, False),  # it has not fallen yet
        ({"n_epochs": 4, "decay_epoch": 0}, {"n_epochs": 2, "decay_epoch": 0}, False),
    ],
)
def test_the_learning_rate_rises_again_only_where_that_is_asked_for(tmp_path, before, now, refused):
    """A run of two epochs that has done six of its eight steps, and others."""
    folder = Run(tmp_path / "run", program="train_toy")
    folder.create({"lr": 0.8, **before}, {})
    files.save(folder.state, {"weight": np.zeros(1)}, {"step": 6, "optimizer_steps": {}})
    resumed = Run(folder.folder, TranslationOptions(lr=0.8, **now), resumed=True)
    batches = Batches(4, batch_size=1, seed=0)
    if refused:
        with pytest.raises(UserError, match=r"fallen to 0\.4 by step 6, and with --n_epochs 4 .* by --decay_epoch"):
            learning_rate(resumed, batches)
    else:
        learning_rate(resumed, batches)
