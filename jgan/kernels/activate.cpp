// LeakyReLU, and ReLU as its slope 0, and their backward pass; the hyperbolic tangent.
#include "activate.hpp"
#include "arrays.hpp"

namespace jgan {

// x -> y
void leaky_relu(const Arrays& in, const Arrays& out, double slope) {
    const float* x = in[0].values;
    float* y = out[0].values;
    const int64_t n = in[0].num;
#pragma omp parallel for simd schedule(static) if (parallel : n >= VALUES_WORTH_THREADS)
    for (int64_t i = 0; i < n; ++i) y[i] = leaky(x[i], slope);
}

// y, dy -> dx
void leaky_relu_backward(const Arrays& in, const Arrays& out, double slope) {
    const float *y = in[0].values, *dy = in[1].values;
    float* dx = out[0].values;
    const int64_t n = in[0].num;
#pragma omp parallel for simd schedule(static) if (parallel : n >= VALUES_WORTH_THREADS)
    for (int64_t i = 0; i < n; ++i) dx[i] = leaky_gradient(y[i], dy[i], slope);
}

// x -> y
void tanh(const Arrays& in, const Arrays& out) { hyperbolic_tangents(in[0].values, out[0].values, in[0].num); }

}  // namespace jgan
