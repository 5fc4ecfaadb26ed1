"""Adam as a kernel over many parameters at once, and RMSprop; both let go of what the derivatives needed."""

from __future__ import annotations

from jgan.kernels import call_kernel, can_use_kernels, plain
from jgan.kernels.function import ReleasesGraph

# Before an operator is first called, Jittor rewrites its source, in a time that grows with the square of its arrays:
# 8 s for all parameters of SPADE.
AT_ONCE = 16


class Adam(ReleasesGraph, plain.Adam):
    """Jittor's AdamW without decay, in one pass over each. Options, state and `step(loss)` are AdamW's."""

    def step(self, loss=None, retain_graph: bool = False):
        if not all(can_use_kernels(*group["params"]) for group in self.param_groups):
            super().step(loss, retain_graph)
            return
        self.pre_step(loss, retain_graph)
        for group in self.param_groups:
            self._update(group)
        self.post_step()

    def _update(self, group: dict) -> None:
        places = [i for i, parameter in enumerate(group["params"]) if not parameter.is_stop_grad()]
        if len(places) > AT_ONCE:  # then most batches have as many arrays of as many axes, and share an operator
            places.sort(key=lambda i: group["params"][i].ndim)
        for first in range(0, len(places), AT_ONCE):
            self._update_some(group, places[first : first + AT_ONCE])

    def _update_some(self, group: dict, places: list[int]) -> None:
        b1, b2 = group.get("betas", self.betas)
        parameters, gradients, m, v = ([group[name][i] for i in places] for name in ("params", "grads", "m", "values"))
        updated = [*parameters, *m, *v]
        results = call_kernel(
            "adam",
            [*parameters, *gradients, *m, *v],
            [var.shape for var in updated],
            b1=b1,
            b2=b2,
            eps=group.get("eps", self.eps),
            step=group.get("lr", self.lr) / (1 - b1**self.n_step),
            root=(1 - b2**self.n_step) ** 0.5,
        )
        for var, result in zip(updated, results):
            var.update(result)


class RMSprop(ReleasesGraph, plain.RMSprop):
    """Jittor's RMSprop, whose step lets the kernels' functions forget."""
