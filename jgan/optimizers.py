"""Optimizers that agree with PyTorch's, built over whole networks; learning rates; averaged weights.

As in Jittor, `step(loss)` uses the graph of the loss up; `step(loss, retain_graph=True)` keeps it for another.
"""

from __future__ import annotations

import jittor as jt
from jittor import nn

from jgan.kernels.optimizers import Adam, RMSprop
from jgan.layers import trainable


def adam(*networks: nn.Module, lr: float, b1: float, b2: float) -> nn.AdamW:
    """Adam over all trainable parameters of the networks (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1, eps 1e-8).

    It is Jittor's AdamW without decay: `jittor.nn.Adam` adds eps before the bias correction, which makes the first
    steps of small gradients too short; AdamW adds it where the paper and PyTorch do.
    """
    return Adam(_parameters(networks), lr=lr, betas=(b1, b2), weight_decay=0)


def rmsprop(*networks: nn.Module, lr: float) -> nn.RMSprop:
    """RMSprop over all trainable parameters of the networks: decay 0.99, eps 1e-8, no momentum.

    Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6.5; PyTorch's with its defaults.
    """
    return RMSprop(_parameters(networks), lr=lr)


def linear_decay(lr: float, step: int, *, n_steps: int, decay_step: int) -> float:
    """The learning rate at a step (from 0): lr before decay_step, then linear to 0 at n_steps.

    As Pix2Pix and CycleGAN are trained (Zhu et al. 2017, arXiv:1703.10593, appendix 7.1).
    """
    return lr * min(1.0, max(0, n_steps - step) / max(1, n_steps - decay_step))


class Average:
    """A network whose every weight and running statistic is the exponential average of another's over its training.

    Yazici et al. 2019 (arXiv:1806.04498) found that it draws better than the last weights on all that they tried. The
    other must be `jgan.models.rebuildable`; the average begins as it is now.
    """

    def __init__(self, network, decay: float):
        self.decay = decay
        self.network = type(network)(**network.model_options)
        self._pairs = list(zip(self.network.state_dict().values(), network.state_dict().values()))
        for average, now in self._pairs:
            average.assign(now.numpy())
            average.stop_grad()

    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 0."""
        # average = d average + (1 - d) weights,  d = min(decay, (1 + step) / (10 + step))
        decay = average_decay(self.decay, step)
        with jt.no_grad():
            for average, now in self._pairs:
                average.update(average + (now - average) * (1 - decay))


def average_decay(decay: float, step: int) -> float:
    """How much of the average a step (from 0) keeps: less in the first ones, so that the beginning is soon forgotten.

    That of TensorFlow's ExponentialMovingAverage with num_updates.
    """
    return min(decay, (1 + step) / (10 + step))


def _parameters(networks) -> list:
    return [var for network in networks for var in trainable(network)]
