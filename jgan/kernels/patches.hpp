// Convolutions whose windows fit few times into the images, and their two derivatives, as products of matrices: the weights,
// most of what there is to read or write, are passed once, as they lie.
//
// With a row of `patches` for what the window sees at each place, a column of y for each place, and a row of w for each output:
//
//     y = w patches',    patches = y' w for the derivative by x, and dw = y patches.
#pragma once
#include <algorithm>
#include <cstdint>
#include <new>
#include "arrays.hpp"
#include "geometry.hpp"
#include "product.hpp"
#include "scratch.hpp"

namespace jgan {

class Patches {
    const Geometry& g;
    const int64_t per_image = g.oh * g.ow, places = g.n * per_image, window = g.kh * g.kw, size = g.ic * window;

public:
    explicit Patches(const Geometry& g) : g(g) {}

    void forward(float* x, const float* w, float* y) const {
        const float* columns = seen_by_window(x);
        float* by_output = g.n == 1 ? y : allocate(2, g.oc * places);
        multiply(matrix(w, g.oc, size), matrix(columns, size, places), by_output);
        if (g.n > 1) each_row_of_y([&](int64_t from, int64_t to) { std::copy_n(by_output + from, per_image, y + to); });
    }

    void backward_data(float* x, const float* w, const float* y) const {
        float *by_place = allocate(2, places * g.oc), *patches = allocate(0, places * size);
        each_row_of_y([&](int64_t column, int64_t row) {
            const int64_t output = column / places, first = column % places;
            for (int64_t i = 0; i < per_image; ++i) by_place[(first + i) * g.oc + output] = y[row + i];
        });
        multiply(matrix(by_place, places, g.oc), matrix(w, g.oc, size), patches);
        std::fill_n(x, g.n * g.ic * g.ih * g.iw, 0.f);
        each(patches, x, [](float& value, float& pixel) { pixel += value; });
    }

    void backward_weights(float* x, float* w, float* y) const {
        float* patches = seen(x);
        float* by_output = g.n == 1 ? y : allocate(2, g.oc * places);
        if (g.n > 1) each_row_of_y([&](int64_t to, int64_t from) { std::copy_n(y + from, per_image, by_output + to); });
        multiply(matrix(by_output, g.oc, places), matrix(patches, places, size), w);
    }

private:
    static float* allocate(int i, int64_t n) {
        float* memory = scratch(i).of<float>(n * sizeof(float));
        if (!memory) throw std::bad_alloc();
        return memory;
    }

    float* seen(float* x) const {
        float* patches = allocate(0, places * size);
        if (g.padding_h || g.padding_w) std::fill_n(patches, places * size, 0.f);
        each(patches, x, [](float& value, float& pixel) { value = pixel; });
        return patches;
    }

    // The same, transposed: a row for each channel and pixel of the window, which a product passes as they lie.
    float* seen_by_window(const float* x) const {
        float* columns = allocate(0, size * places);
#pragma omp parallel for schedule(static) if (places * size >= VALUES_WORTH_THREADS)
        for (int64_t row = 0; row < size; ++row) {
            const int64_t channel = row / window, down = row % window / g.kw - g.padding_h, right = row % g.kw - g.padding_w;
            float* column = columns + row * places;
            for (int64_t image = 0; image < g.n; ++image)
                for (int64_t i = 0; i < g.oh; ++i, column += g.ow) {
                    const int64_t top = i * g.stride_h + down;
                    const float* pixels = x + ((image * g.ic + channel) * g.ih + top) * g.iw + right;
                    for (int64_t j = 0; j < g.ow; ++j) {
                        const int64_t left = j * g.stride_w + right;
                        column[j] = top >= 0 && top < g.ih && left >= 0 && left < g.iw ? pixels[j * g.stride_w] : 0.f;
                    }
                }
        }
        return columns;
    }

    // body(where a row of one image begins with an output's row of all places, where it begins in y)
    template <class Body>
    void each_row_of_y(Body body) const {
        for (int64_t image = 0; image < g.n; ++image)
            for (int64_t output = 0; output < g.oc; ++output)
                body(output * places + image * per_image, (image * g.oc + output) * per_image);
    }

    // body(value in the patches, its pixel in x), and nothing beyond the images
    template <class Body>
    void each(float* patches, float* x, Body body) const {
#pragma omp parallel for collapse(2) schedule(static) if (places * size >= WORTH_THREADS)
        for (int64_t image = 0; image < g.n; ++image)
            for (int64_t channel = 0; channel < g.ic; ++channel)
                for (int64_t place = 0; place < per_image; ++place) {
                    const int64_t top = place / g.ow * g.stride_h - g.padding_h, left = place % g.ow * g.stride_w - g.padding_w;
                    float* patch = patches + (image * per_image + place) * size + channel * window;
                    float* plane = x + (image * g.ic + channel) * g.ih * g.iw;
                    const int64_t first_row = std::max<int64_t>(0, -top), last_row = std::min(g.kh, g.ih - top);
                    const int64_t first = std::max<int64_t>(0, -left), last = std::min(g.kw, g.iw - left);
                    for (int64_t i = first_row; i < last_row; ++i)
                        for (int64_t j = first; j < last; ++j)
                            body(patch[i * g.kw + j], plane[(top + i) * g.iw + left + j]);
                }
    }
};

// Computes a convolution if that is faster than oneDNN's: twice, mostly (measured on AVX-512).
inline bool by_patches(Direction direction, const Geometry& g, float* x, float* w, float* y) {
    constexpr int64_t most_places = 128;
    if (g.n * g.oh * g.ow > most_places) return false;
    const Patches patches(g);
    if (direction == FORWARD)
        patches.forward(x, w, y);
    else if (direction == BACKWARD_DATA)
        patches.backward_data(x, w, y);
    else
        patches.backward_weights(x, w, y);
    return true;
}

}  // namespace jgan
