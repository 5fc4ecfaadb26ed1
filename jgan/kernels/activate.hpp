// LeakyReLU, and ReLU as its slope 0; the hyperbolic tangent.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include "arrays.hpp"

namespace jgan {

// NaN stays NaN; ReLU's -infinity is 0.
inline float leaky(float x, float slope) { return x > 0 ? x : slope == 0 && x == x ? 0 : x * slope; }

// The gradient dy at the input, where the input, or the output, is x. No slope is a case of its own, or loops would jump.
inline float leaky_gradient(float x, float dy, float slope) { return x > 0 ? dy : dy * slope; }

// For |x|, with the sign of x:
//     tanh x = m / (m + 2)    m = e^{2x} - 1 = 2^n (e^r - 1) + 2^n - 1    2x = n ln 2 + r, where |r| <= ln 2 / 2
// and e^r - 1 by its Taylor series. The standard library's takes one value at a time.
inline float hyperbolic_tangent(float x) {
    constexpr float shift = 3 << 22;  // added to a float, it leaves the nearest whole number in its last bits
    const float twice = 2 * std::min(std::fabs(x), 10.f), shifted = twice * 1.44269504f + shift, n = shifted - shift;
    const float r = twice - n * 0.693359375f + n * 2.12194440e-4f;  // ln 2 in two parts, of which the first has few bits
    uint32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127) << 23;
    float power;  // 2^n
    std::memcpy(&power, &bits, sizeof power);
    const float high = 1 / 24.f + r * (1 / 120.f + r * (1 / 720.f + r / 5040));
    const float m = power * (r + r * r * (1 / 2.f + r * (1 / 6.f + r * high))) + (power - 1);
    return std::copysign(m / (m + 2), x);
}

// Of n values x, which y may overwrite.
inline void hyperbolic_tangents(const float* x, float* y, int64_t n) {
    constexpr int64_t passes = 8;  // so long it takes, about
#pragma omp parallel for simd schedule(static) if (parallel : passes * n >= VALUES_WORTH_THREADS)
    for (int64_t i = 0; i < n; ++i) y[i] = hyperbolic_tangent(x[i]);
}

}  // namespace jgan
