// Loops over the channels of arrays of the shape (N, C, ...), of which M values belong to one image and channel.
//
// A channel is one thread's, however many threads there are, so that sums come out the same. They are made of float
// sums of at most BLOCK values, which are added up in double. A channel is N rows of M neighbouring values; where M is 1
// (a dense layer), COLUMNS neighbouring channels are worked on together, or each value would cost a cache line.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>
#include "arrays.hpp"

namespace jgan {

constexpr int64_t BLOCK = 1024;
constexpr int COLUMNS = 64;

struct Pair {
    float a, b;
};

// The neighbouring channels `first`, ..., `first + width - 1` of n images.
struct Channels {
    int64_t n, c, m, first;
    int width;
    int64_t first_image = 0;

    Channels image(int64_t i) const { return {1, c, m, first, width, first_image + i}; }

    // body(place in the array, channel counted from first) for every value.
    template <class Body>
    void each(Body body) const {
        for (int64_t i = 0; i < n; ++i) {
            const int64_t row = ((first_image + i) * c + first) * m;
            if (m == 1) {
#pragma omp simd
                for (int j = 0; j < width; ++j) body(row + j, j);
            } else {
#pragma omp simd
                for (int64_t k = 0; k < m; ++k) body(row + k, 0);
            }
        }
    }

    // The sums of both members of term(place, channel) over the values of each channel.
    template <class Term>
    void sum(double* a, double* b, Term term) const {
        std::fill_n(a, width, 0.);
        std::fill_n(b, width, 0.);
        for (int64_t i = 0; i < n; ++i) {
            const int64_t row = ((first_image + i) * c + first) * m;
            if (m == 1) {
#pragma omp simd
                for (int j = 0; j < width; ++j) {
                    const Pair pair = term(row + j, j);
                    a[j] += pair.a;
                    b[j] += pair.b;
                }
                continue;
            }
            for (int64_t start = 0; start < m; start += BLOCK) {
                const int64_t end = std::min(start + BLOCK, m);
                float sum_a = 0, sum_b = 0;
#pragma omp simd reduction(+ : sum_a, sum_b)
                for (int64_t k = start; k < end; ++k) {
                    const Pair pair = term(row + k, 0);
                    sum_a += pair.a;
                    sum_b += pair.b;
                }
                a[0] += sum_a;
                b[0] += sum_b;
            }
        }
    }
};

// body(Channels) for all channels of x, in parallel.
template <class Body>
void over_channels(const Array& x, Body body) {
    const int64_t n = x.shape[0], c = x.shape[1], m = x.num / std::max<int64_t>(1, n * c);
    const int width = m == 1 ? COLUMNS : 1;
    constexpr int passes = 3;
#pragma omp parallel for schedule(static) if (passes * x.num >= VALUES_WORTH_THREADS)
    for (int64_t first = 0; first < c; first += width)
        body(Channels{n, c, m, first, int(std::min<int64_t>(width, c - first))});
}

}  // namespace jgan
