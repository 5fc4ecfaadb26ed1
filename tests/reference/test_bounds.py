"""The work of a step, against what was counted by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


def test_products_and_updates_are_counted():
    from jgan.reference.bounds import counted

    layer = torch.nn.Linear(8, 4)
    optimizer = torch.optim.Adam(layer.parameters())
    x = torch.ones(5, 8)

    def step() -> None:
        optimizer.zero_grad()
        layer(x).sum().backward()
        optimizer.step()

    step()
    flops, moved = counted(step)
    forward = backward = 2 * 5 * 8 * 4  # of the weight alone: x needs no gradient
    read_and_written = (4 + 5 * 8 + 8 * 4 + 5 * 4) + (5 * 4 + 5 * 8 + 8 * 4)
    updated = (8 * 4 + 4) * (1 + 1 + 1 + 2 * 2)  # value, gradient, new value; two averages
    assert flops == forward + backward
    assert moved == 4 * (read_and_written + updated)
