"""Functions that keep Vars for their derivatives, and no longer than they must.

Jittor cannot free a Var that Python references, nor the graph between two such Vars. But an optimizer differentiates
its loss for the last time: if the functions forget what they kept as it passes, Jittor frees activations one by one
while it computes; otherwise all stay until the loss itself is gone.
"""

from __future__ import annotations

import itertools

import jittor as jt


class Function:
    """What `jt.Function` is, in less time, for positional arguments of which `grad` returns one gradient each.

    It has `kept`, the Vars that `grad` needs, until it is called for the last time; then None. They are to be kept as
    they were given, not the taped ones that `execute` receives, or second derivatives are lost.
    """

    _calls = itertools.count(1)
    _used_up = 0  # calls before this one are being differentiated for the last time
    taping = True  # not within such a `grad`: nobody will differentiate what it computes

    def __init__(self, *kept):
        self.kept = kept

    def __call__(self, *args):
        if not Function.taping or jt.flags.no_grad:
            return self.execute(*args)
        self._call = next(Function._calls)
        self._constant = [var.is_stop_grad() for var in args]
        args = [var if constant else var.tape() for var, constant in zip(args, self._constant)]
        results = self.execute(*args)
        is_one = isinstance(results, jt.Var)
        taped = [var.tape() for var in ([results] if is_one else results)]
        jt.tape_together(self._of_variables(args), taped, self._grad)  # as one operator, whose derivative is this
        return taped[0] if is_one else taped

    def _of_variables(self, values) -> list:
        return [value for value, constant in zip(values, self._constant) if not constant]

    def _grad(self, *douts):
        if self.kept is None:
            raise RuntimeError(
                "an optimizer has used this graph up; to keep it, use optimizer.step(loss, retain_graph=True)"
            )
        last = self._call < Function._used_up
        outer, Function.taping = Function.taping, not last
        try:
            gradients = self.grad(*douts)
        finally:
            Function.taping = outer
            if last:
                self.kept = None
        return self._of_variables([gradients] if isinstance(gradients, jt.Var) else gradients)


class ReleasesGraph:
    """For optimizers: `backward`, and so `step`, uses the graph of its loss up unless that is to be retained.

    Graphs that a user's own `grad` makes meanwhile are not its.
    """

    def backward(self, loss, retain_graph: bool = False):
        before = Function._used_up
        Function._used_up = 0 if retain_graph else next(Function._calls)
        try:
            super().backward(loss, retain_graph)
        finally:
            Function._used_up = before
            Function.taping = True  # though a Ctrl-C came while `_grad` was about to say so
