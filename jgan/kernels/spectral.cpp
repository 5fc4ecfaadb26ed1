// Spectral normalisation (Miyato et al. 2018, arXiv:1802.05957, algorithm 1), and its derivative.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include "arrays.hpp"

namespace jgan {

constexpr int64_t CHUNK = 256;  // columns, so that a thread's part of a row is a few cache lines

inline float product(const float* a, const float* b, int64_t n) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

// Divides a vector by its length.
inline void make_unit(float* vector, int64_t n) {
    const float length = std::max(std::sqrt(product(vector, vector, n)), 1e-12f);
    for (int64_t i = 0; i < n; ++i) vector[i] /= length;
}

// W (O, ...), u (O,) -> W / sigma like W, the next u (O,), v (K,) and sigma (1,)
//     v = W'u / |W'u|,  u = Wv / |Wv|,  sigma = u'Wv
void spectral_normalize(const Arrays& in, const Arrays& out) {
    const float *w = in[0].values, *last_u = in[1].values;
    float *normalized = out[0].values, *u = out[1].values, *v = out[2].values, *sigma = out[3].values;
    const int64_t rows = in[1].num, columns = in[0].num / rows;
    const bool threads = in[0].num >= VALUES_WORTH_THREADS;
#pragma omp parallel for schedule(static) if (threads)
    for (int64_t first = 0; first < columns; first += CHUNK) {
        const int64_t last = std::min(first + CHUNK, columns);
        std::fill(v + first, v + last, 0.f);
        for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = first; j < last; ++j) v[j] += last_u[i] * w[i * columns + j];
    }
    make_unit(v, columns);
#pragma omp parallel for schedule(static) if (threads)
    for (int64_t i = 0; i < rows; ++i) u[i] = normalized[i] = product(w + i * columns, v, columns);
    make_unit(u, rows);
    *sigma = product(u, normalized, rows);
#pragma omp parallel for schedule(static) if (threads)
    for (int64_t i = 0; i < in[0].num; ++i) normalized[i] = w[i] / *sigma;
}

// d, the gradient by W / sigma; W / sigma; u, v, which count as constants (section 2.2); sigma -> that by W:
//     (d - <d, W / sigma> u v') / sigma
void spectral_normalize_backward(const Arrays& in, const Arrays& out) {
    const float *d = in[0].values, *normalized = in[1].values, *u = in[2].values, *v = in[3].values;
    const float sigma = in[4].values[0];
    float* dw = out[0].values;
    const int64_t rows = in[2].num, columns = in[3].num;
    std::vector<float> of_rows(rows);
    const bool threads = in[0].num >= VALUES_WORTH_THREADS;
#pragma omp parallel for schedule(static) if (threads)
    for (int64_t i = 0; i < rows; ++i) of_rows[i] = product(d + i * columns, normalized + i * columns, columns);
    double sum = 0;
    for (const float each : of_rows) sum += each;
#pragma omp parallel for schedule(static) if (threads)
    for (int64_t i = 0; i < rows; ++i) {
        const float factor = sum * u[i];
        for (int64_t j = 0; j < columns; ++j) dw[i * columns + j] = (d[i * columns + j] - factor * v[j]) / sigma;
    }
}

}  // namespace jgan
