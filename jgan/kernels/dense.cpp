// Dense layers with their bias, and with the normalisation, (leaky) ReLU, dropout and hyperbolic tangent after it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <omp.h>
#include "activate.hpp"
#include "arrays.hpp"
#include "dropout.hpp"
#include "lanes.hpp"
#include "product.hpp"
#include "scratch.hpp"

namespace jgan {

// The sums of a row times each of N others.
template <int N>
void inner_products(const float* row, const float* const* others, int64_t n, float* sums) {
    Lanes partial[N];
    for (int j = 0; j < N; ++j) partial[j] = Lanes{};
    int64_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (int j = 0; j < N; ++j) partial[j] += load(row + k) * load(others[j] + k);
    for (int j = 0; j < N; ++j) {
        sums[j] = 0;
        for (int lane = 0; lane < LANES; ++lane) sums[j] += partial[j][lane];
        for (int64_t rest = k; rest < n; ++rest) sums[j] += row[rest] * others[j][rest];
    }
}

// x (N, I), w (O, I), bias (O,) -> y = dropped(leaky(x w' + bias)) (N, O), and, if any are dropped, the seed (1,).
// slope 1 leaves the sum as it is. first_row: the place of x's first row in the whole batch. If a scale and a shift, a mean
// and a variance of each output (O,) are given, too, x w' + bias is normalised by them.
inline void leaky_dense(
    const Arrays& in, const Arrays& out, double slope, double rate, double first_row, double eps, double drawn
) {
    const float *x = in[0].values, *w = in[1].values, *bias = in[2].values;
    float* y = out[0].values;
    const int64_t n = in[0].shape[0], n_in = in[0].shape[1], n_out = in[1].shape[0];
    float* scale = in.size() > 3 ? scratch(0).of<float>(n_out * sizeof(float)) : nullptr;
    if (in.size() > 3 && !scale) throw std::bad_alloc();
    const float *shift = scale ? in[4].values : nullptr, *mean = scale ? in[5].values : nullptr;
    if (scale)
        for (int64_t o = 0; o < n_out; ++o) scale[o] = in[3].values[o] / std::sqrt(float(in[6].values[o] + eps));
    const auto finished = [&](float sum, int64_t o) {
        sum += bias[o];
        if (scale) sum = (sum - mean[o]) * scale[o] + shift[o];
        return slope == 1 ? sum : leaky(sum, slope);
    };
    const double seed = std::fmod(drawn, 1 << 24);  // which a float can hold
    const Dropout dropout(rate, seed);
    const int64_t place = int64_t(first_row) * n_out;
    if (rate > 0) out[1].values[0] = seed;
    constexpr int64_t few_rows = 4;
    if (n <= few_rows) {  // lanes of a panel would be idle, so let them be neighbours in a row
        constexpr int64_t N = 4;
#pragma omp parallel for schedule(static) if (n_in * n_out >= VALUES_WORTH_THREADS)
        for (int64_t first = 0; first < n_out; first += N)
            for (int64_t i = 0; i < n; ++i) {
                const float* rows[N];
                for (int64_t j = 0; j < N; ++j) rows[j] = w + std::min(first + j, n_out - 1) * n_in;
                float sums[N];
                inner_products<N>(x + i * n_in, rows, n_in, sums);
                const int64_t last = std::min(first + N, n_out), at = i * n_out + first;
                for (int64_t o = first; o < last; ++o) y[i * n_out + o] = finished(sums[o - first], o);
                dropout.apply(y + at, last - first, place + at);
            }
        return;
    }
    float* sums = scratch(1).of<float>(n_out * n * sizeof(float));  // y'
    if (!sums) throw std::bad_alloc();
    multiply(matrix(w, n_out, n_in), transposed(matrix(x, n, n_in)), sums);
#pragma omp parallel for collapse(2) schedule(static) if (n * n_in * n_out >= WORTH_THREADS)
    for (int64_t o = 0; o < n_out; o += LANES)
        for (int64_t i = 0; i < n; i += LANES) {
            const int64_t width = std::min<int64_t>(LANES, n_out - o), height = std::min<int64_t>(LANES, n - i);
            float square[LANES * LANES];
            transpose(width, height, sums + o * n + i, n, square, LANES);
            for (int64_t k = 0; k < height; ++k) {
                const int64_t at = (i + k) * n_out + o;
                for (int64_t j = 0; j < width; ++j) y[at + j] = finished(square[k * LANES + j], o + j);
                dropout.apply(y + at, width, place + at);
            }
        }
}

// The same, and its hyperbolic tangent unless tanh is 0.
void dense(
    const Arrays& in, const Arrays& out, double slope, double tanh, double rate, double first_row, double eps, double drawn
) {
    leaky_dense(in, out, slope, rate, first_row, eps, drawn);
    if (tanh != 0) hyperbolic_tangents(out[0].values, out[0].values, out[0].num);
}

// What a dropout multiplies each value by: seed (1,) -> (N, O)
void dropout_factors(const Arrays& in, const Arrays& out, double rate, double first_row) {
    std::fill_n(out[0].values, out[0].num, 1.f);
    Dropout(rate, in[0].values[0]).apply(out[0].values, out[0].num, int64_t(first_row) * out[0].shape[1]);
}

// dy at the sums before the (leaky) ReLU and the dropout that made y of them, of n values beside each other.
inline void before_activation(const float* y, const float* dy, double slope, const Dropout& dropout, int64_t place,
                              float* dz, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) dz[i] = slope == 1 ? dy[i] : leaky_gradient(y[i], dy[i], slope);
    dropout.apply(dz, n, place);
}

// dy (N, O), y like it, w (O, I), the dropout's seed if there is one -> dx (N, I)
void dense_backward_data(const Arrays& in, const Arrays& out, double slope, double rate, double first_row) {
    const float *dy = in[0].values, *y = in[1].values;
    const int64_t n = in[0].shape[0], n_out = in[0].shape[1], n_in = in[2].shape[1];
    const bool is_linear = slope == 1 && rate == 0;
    float* dz = is_linear ? in[0].values : scratch(1).of<float>(n * n_out * sizeof(float));
    if (!dz) throw std::bad_alloc();
    if (!is_linear) {
        const Dropout dropout(rate, rate > 0 ? in[3].values[0] : 0);
#pragma omp parallel for schedule(static) if (n * n_out >= VALUES_WORTH_THREADS)
        for (int64_t i = 0; i < n; ++i) {
            const int64_t at = i * n_out;
            before_activation(y + at, dy + at, slope, dropout, int64_t(first_row) * n_out + at, dz + at, n_out);
        }
    }
    multiply(matrix(dz, n, n_out), matrix(in[2].values, n_out, n_in), out[0].values);
}

// dy (N, O), y like it, x (N, I), the dropout's seed if there is one -> dw (O, I), dbias (O,)
void dense_backward_weights(const Arrays& in, const Arrays& out, double slope, double rate, double first_row) {
    const float *dy = in[0].values, *y = in[1].values;
    const int64_t n = in[0].shape[0], n_out = in[0].shape[1], n_in = in[2].shape[1];
    float *dz = scratch(1).of<float>(n_out * n * sizeof(float)), *dbias = out[1].values;  // dz transposed
    if (!dz) throw std::bad_alloc();
    const Dropout dropout(rate, rate > 0 ? in[3].values[0] : 0);
#pragma omp parallel for schedule(static) if (n * n_out >= VALUES_WORTH_THREADS)
    for (int64_t o = 0; o < n_out; o += LANES) {
        const int64_t width = std::min<int64_t>(LANES, n_out - o);
        std::fill_n(dbias + o, width, 0.f);
        for (int64_t i = 0; i < n; i += LANES) {
            const int64_t height = std::min<int64_t>(LANES, n - i);
            float square[LANES * LANES];
            for (int64_t k = 0; k < height; ++k) {
                const int64_t at = (i + k) * n_out + o;
                float* row = square + k * LANES;
                before_activation(y + at, dy + at, slope, dropout, int64_t(first_row) * n_out + at, row, width);
                for (int64_t j = 0; j < width; ++j) dbias[o + j] += row[j];
            }
            transpose(height, width, square, LANES, dz + o * n + i, n);
        }
    }
    multiply(matrix(dz, n_out, n), matrix(in[2].values, n, n_in), out[0].values);
}

}  // namespace jgan
