"""Functions that keep Vars for their derivatives, and no longer than they must.

What Python refers to is not freed, nor is what lies between two such Vars. But an optimizer differentiates its loss for
the last time: if the functions forget what they kept as it passes, Jittor frees activations one by one while it
computes; otherwise all stay until the loss itself is gone.
"""

from __future__ import annotations

import jittor as jt


class Function(jt.Function):
    """A `jt.Function` with `kept`, a tuple of what `grad` needs, until that is called for the last time.

    Vars are to be kept as they were given, not the taped ones that `execute` receives, or second derivatives are lost.
    """

    for_the_last_time = False  # are the derivatives taken that are being taken
    _taping = True

    def __init__(self, *kept):
        self.kept = kept

    def __call__(self, *args):
        return super().__call__(*args) if Function._taping else self.execute(*args)

    def _grad(self, *douts):
        outer, Function._taping = Function._taping, not Function.for_the_last_time
        try:
            return super()._grad(*douts)
        finally:
            Function._taping = outer
            if Function.for_the_last_time:
                self.kept = None


class LastDerivatives:
    """For optimizers: `backward`, and so `step`, takes derivatives for the last time unless the graph is retained."""

    def backward(self, loss, retain_graph: bool = False):
        Function.for_the_last_time = not retain_graph
        try:
            super().backward(loss, retain_graph)
        finally:
            Function.for_the_last_time = False
