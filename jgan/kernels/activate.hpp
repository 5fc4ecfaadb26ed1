// LeakyReLU, and ReLU as its slope 0.
#pragma once
#include <vector>
#include "channels.hpp"

namespace jgan {

// NaN stays NaN; ReLU's -infinity is 0.
inline float leaky(float x, float slope) { return x > 0 ? x : slope == 0 && x == x ? 0 : x * slope; }

// The gradient dy at the input, where the input, or the output, is x.
inline float leaky_gradient(float x, float dy, float slope) { return x > 0 ? dy : slope == 0 ? 0 : dy * slope; }

// x -> y
inline void leaky_relu(const Vars& in, const Vars& out, float slope) {
    const float* x = floats(in[0]);
    float* y = floats(out[0]);
    const int64_t n = in[0]->num;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < n; ++i) y[i] = leaky(x[i], slope);
}

// y, dy -> dx
inline void leaky_relu_backward(const Vars& in, const Vars& out, float slope) {
    const float *y = floats(in[0]), *dy = floats(in[1]);
    float* dx = floats(out[0]);
    const int64_t n = in[0]->num;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < n; ++i) dx[i] = leaky_gradient(y[i], dy[i], slope);
}

}  // namespace jgan
