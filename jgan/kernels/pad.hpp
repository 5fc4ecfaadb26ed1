// Reflection padding of (N, C, H, W) by n pixels at every border, and its transpose.
#pragma once
#include <cstdlib>
#include "channels.hpp"

namespace jgan {

// The place, within a row or column of this length, that is mirrored to `place`, which may lie up to length - 1 outside.
inline int64_t mirrored(int64_t place, int64_t length) {
    place = std::abs(place);
    return place < length ? place : 2 * (length - 1) - place;
}

// x -> y
inline void reflect(const Vars& in, const Vars& out, double n) {
    const int64_t height = in[0]->shape[2], width = in[0]->shape[3], planes = in[0]->num / (height * width), pad = n;
    const int64_t wide = width + 2 * pad, high = height + 2 * pad;
    const float* images = floats(in[0]);
    float* padded = floats(out[0]);
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < planes * high; ++row) {
        const int64_t plane = row / high, source = mirrored(row % high - pad, height);
        const float* x = images + (plane * height + source) * width;
        float* y = padded + row * wide + pad;
        for (int64_t j = 1; j <= pad; ++j) y[-j] = x[j];
        std::copy_n(x, width, y);
        for (int64_t j = 1; j <= pad; ++j) y[width - 1 + j] = x[width - 1 - j];
    }
}

// dy -> dx, each pixel the sum of those that it was mirrored to
inline void reflect_transposed(const Vars& in, const Vars& out, double n) {
    const int64_t height = out[0]->shape[2], width = out[0]->shape[3], planes = out[0]->num / (height * width), pad = n;
    const int64_t wide = width + 2 * pad, high = height + 2 * pad;
    const float* padded = floats(in[0]);
    float* images = floats(out[0]);
#pragma omp parallel for schedule(static)
    for (int64_t plane = 0; plane < planes; ++plane) {
        float* image = images + plane * height * width;
        std::fill_n(image, height * width, 0.f);
        for (int64_t row = 0; row < high; ++row) {
            const float* y = padded + (plane * high + row) * wide + pad;
            float* x = image + mirrored(row - pad, height) * width;
#pragma omp simd
            for (int64_t j = 0; j < width; ++j) x[j] += y[j];
            for (int64_t j = 1; j <= pad; ++j) x[j] += y[-j];
            for (int64_t j = 1; j <= pad; ++j) x[width - 1 - j] += y[width - 1 + j];
        }
    }
}

}  // namespace jgan
