// Dense layers with their bias and (leaky) ReLU.
#include <algorithm>
#include <cstdint>
#include <new>
#include <omp.h>
#include "activate.hpp"
#include "arrays.hpp"
#include "lanes.hpp"
#include "product.hpp"
#include "scratch.hpp"

namespace jgan {

constexpr int64_t VALUES_WORTH_THREADS = 100000;  // of an array that is passed once

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

// x (N, I), w (O, I), bias (O,) -> y = leaky(x w' + bias) (N, O); slope 1 leaves the sum as it is.
void dense(const Arrays& in, const Arrays& out, double slope) {
    const float *x = in[0].values, *w = in[1].values, *bias = in[2].values;
    float* y = out[0].values;
    const int64_t n = in[0].shape[0], n_in = in[0].shape[1], n_out = in[1].shape[0];
    const auto finished = [&](float sum, int64_t o) { return slope == 1 ? sum + bias[o] : leaky(sum + bias[o], slope); };
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
                for (int64_t o = first; o < std::min(first + N, n_out); ++o) y[i * n_out + o] = finished(sums[o - first], o);
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
            for (int64_t k = 0; k < height; ++k)
                for (int64_t j = 0; j < width; ++j) y[(i + k) * n_out + o + j] = finished(square[k * LANES + j], o + j);
        }
}

// dy at the sum before the (leaky) ReLU that made y of it.
inline float before_activation(float y, float dy, double slope) {
    return slope == 1 ? dy : leaky_gradient(y, dy, slope);
}

// dy (N, O), y like it, w (O, I) -> dx (N, I)
void dense_backward_data(const Arrays& in, const Arrays& out, double slope) {
    const float *dy = in[0].values, *y = in[1].values;
    const int64_t n = in[0].shape[0], n_out = in[0].shape[1], n_in = in[2].shape[1];
    float* dz = slope == 1 ? in[0].values : scratch(1).of<float>(n * n_out * sizeof(float));
    if (!dz) throw std::bad_alloc();
    if (slope != 1) {
#pragma omp parallel for simd schedule(static) if (n * n_out >= VALUES_WORTH_THREADS)
        for (int64_t i = 0; i < n * n_out; ++i) dz[i] = before_activation(y[i], dy[i], slope);
    }
    multiply(matrix(dz, n, n_out), matrix(in[2].values, n_out, n_in), out[0].values);
}

// dy (N, O), y like it, x (N, I) -> dw (O, I), dbias (O,)
void dense_backward_weights(const Arrays& in, const Arrays& out, double slope) {
    const float *dy = in[0].values, *y = in[1].values;
    const int64_t n = in[0].shape[0], n_out = in[0].shape[1], n_in = in[2].shape[1];
    float *dz = scratch(1).of<float>(n_out * n * sizeof(float)), *dbias = out[1].values;  // dz transposed
    if (!dz) throw std::bad_alloc();
#pragma omp parallel for schedule(static) if (n * n_out >= VALUES_WORTH_THREADS)
    for (int64_t o = 0; o < n_out; o += LANES) {
        const int64_t width = std::min<int64_t>(LANES, n_out - o);
        std::fill_n(dbias + o, width, 0.f);
        for (int64_t i = 0; i < n; i += LANES) {
            const int64_t height = std::min<int64_t>(LANES, n - i);
            float square[LANES * LANES];
            for (int64_t k = 0; k < height; ++k)
                for (int64_t j = 0; j < width; ++j) {
                    const int64_t place = (i + k) * n_out + o + j;
                    dbias[o + j] += square[k * LANES + j] = before_activation(y[place], dy[place], slope);
                }
            transpose(height, width, square, LANES, dz + o * n + i, n);
        }
    }
    multiply(matrix(dz, n_out, n), matrix(in[2].values, n, n_in), out[0].values);
}

}  // namespace jgan
