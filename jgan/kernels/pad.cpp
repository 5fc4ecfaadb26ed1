// Reflection padding of (N, C, H, W) by n pixels at every border, and its transpose.
#include <algorithm>
#include <cstdlib>
#include "arrays.hpp"

namespace jgan {

// The place, within a row or column of this length, that is mirrored to `place`, which may lie up to length - 1 outside.
inline int64_t mirrored(int64_t place, int64_t length) {
    place = std::abs(place);
    return place < length ? place : 2 * (length - 1) - place;
}

// The sizes of images without their border, and of the rows and columns with it.
struct Frame {
    int64_t height, width, planes, pad, high, wide;
    Frame(const Array& images, double n)
        : height(images.shape[2]), width(images.shape[3]), planes(images.num / (height * width)), pad(n),
          high(height + 2 * pad), wide(width + 2 * pad) {}
};

// x -> y
void reflect(const Arrays& in, const Arrays& out, double n) {
    const Frame frame(in[0], n);
    const int64_t height = frame.height, width = frame.width, pad = frame.pad;
    const float* images = in[0].values;
    float* padded = out[0].values;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < frame.planes * frame.high; ++row) {
        const int64_t plane = row / frame.high, source = mirrored(row % frame.high - pad, height);
        const float* x = images + (plane * height + source) * width;
        float* y = padded + row * frame.wide + pad;
        for (int64_t j = 1; j <= pad; ++j) y[-j] = x[j];
        std::copy_n(x, width, y);
        for (int64_t j = 1; j <= pad; ++j) y[width - 1 + j] = x[width - 1 - j];
    }
}

// dy -> dx, each pixel the sum of those that it was mirrored to
void reflect_transposed(const Arrays& in, const Arrays& out, double n) {
    const Frame frame(out[0], n);
    const int64_t height = frame.height, width = frame.width, pad = frame.pad;
    const float* padded = in[0].values;
    float* images = out[0].values;
#pragma omp parallel for schedule(static)
    for (int64_t plane = 0; plane < frame.planes; ++plane) {
        float* image = images + plane * height * width;
        std::fill_n(image, height * width, 0.f);
        for (int64_t row = 0; row < frame.high; ++row) {
            const float* y = padded + (plane * frame.high + row) * frame.wide + pad;
            float* x = image + mirrored(row - pad, height) * width;
#pragma omp simd
            for (int64_t j = 0; j < width; ++j) x[j] += y[j];
            for (int64_t j = 1; j <= pad; ++j) x[j] += y[-j];
            for (int64_t j = 1; j <= pad; ++j) x[width - 1 - j] += y[width - 1 + j];
        }
    }
}

}  // namespace jgan
