"""Kernels against float64: values, and first and second derivatives by finite differences in random directions."""

from __future__ import annotations

import jittor as jt
import numpy as np

H = 1e-4


def require_values_and_derivatives(kernel, reference, arrays: list[np.ndarray], random: np.random.Generator) -> None:
    """kernel: of float32 Vars; reference: the same of float64 arrays; arrays: the inputs, away from kinks.

    With f = sum(u * reference(inputs)), the kernel's derivative along v is compared with the central difference of f
    along v, and the derivative of that, along directions e of the inputs and of u, with the mixed second difference.
    """
    arrays = [array.astype(np.float32) for array in arrays]
    inputs = [jt.array(array) for array in arrays]
    expected = reference(*(array.astype(np.float64) for array in arrays))
    scale = np.abs(expected).max()
    y = kernel(*inputs)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-5, atol=1e-5 * scale)

    def directions(of: list) -> list[np.ndarray]:
        return [random.normal(size=array.shape).astype(np.float32) for array in of]

    (u, e_u), v, e = directions([expected, expected]), directions(arrays), directions(arrays)

    def f(along_v: float, along_e: float) -> float:
        moved = [a.astype(np.float64) + H * (along_v * dv + along_e * de) for a, dv, de in zip(arrays, v, e)]
        return float(((u.astype(np.float64) + H * along_e * e_u) * reference(*moved)).sum())

    upstream = jt.array(u)
    firsts = jt.grad((y * upstream).sum(), inputs)
    first = sum((gradient * jt.array(dv)).sum() for gradient, dv in zip(firsts, v))
    seconds = jt.grad(first, [*inputs, upstream])
    magnitude = np.sqrt(sum(float((gradient**2).sum().item()) for gradient in firsts))
    np.testing.assert_allclose(first.item(), (f(1, 0) - f(-1, 0)) / (2 * H), rtol=1e-4, atol=1e-4 * magnitude)
    second = sum(float((gradient * jt.array(de)).sum().item()) for gradient, de in zip(seconds, [*e, e_u]))
    mixed = (f(1, 1) - f(1, -1) - f(-1, 1) + f(-1, -1)) / (4 * H**2)
    magnitude = np.sqrt(sum(float((gradient**2).sum().item()) for gradient in seconds))
    np.testing.assert_allclose(second, mixed, rtol=1e-3, atol=1e-3 * magnitude)
