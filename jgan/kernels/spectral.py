"""Spectral normalisation of a layer's weights, as one kernel."""

from __future__ import annotations

from jgan.kernels import call_kernel, can_use_kernels, plain
from jgan.kernels.function import Function


def spectral_norm(w, u) -> tuple:
    """w (O, ...), divided by its largest singular value as a matrix of O rows, which is found from the vector u (O,).

    Returns w so divided, and without gradient the vector to find the next one from: see `plain.spectral_norm`.
    """
    if not can_use_kernels(w, u):
        return plain.spectral_norm(w, u)
    function = _Normalize(w, u)
    return function(w), function.u


class _Normalize(Function):
    """w -> w / sigma"""

    def __init__(self, w, u):
        super().__init__(w)
        self.last_u = u

    def execute(self, w):
        rows = w.shape[0]
        shapes = [w.shape, [rows], [w.numel() // rows], [1]]
        normalized, self.u, self.v, self.sigma = call_kernel("spectral_normalize", [w, self.last_u], shapes)
        self.kept += (normalized,)
        return normalized

    def grad(self, d):
        w, normalized = self.kept
        if not Function.taping:
            inputs = [d, normalized, self.u, self.v, self.sigma]
            return call_kernel("spectral_normalize_backward", inputs, [w.shape])[0]
        # (d - <d, w> / sigma u v') / sigma, with the sigma that depends on w
        outer = (self.u.unsqueeze(1) * self.v).reshape(w.shape).detach()
        sigma = (w * outer).sum()
        return (d - (d * w).sum() / sigma * outer) / sigma
