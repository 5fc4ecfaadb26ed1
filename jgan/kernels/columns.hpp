// The derivatives of a convolution over images of few channels, of which oneDNN's vectors would remain mostly empty.
//
// For some rows of an image of y, `columns` has a row for each channel of x and place in the window: what lies under it.
// The derivative by x adds w' y to the pixels that the columns come from ("col2im"); that by w is y columns'.
#pragma once
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>
#include <dnnl.h>
#include "geometry.hpp"
#include "product.hpp"
#include "scratch.hpp"

namespace jgan {

// A band of rows of one image of y, of which a channel has about 128 KB of columns, to find them in the cache.
struct Band {
    const Geometry& g;
    int64_t image, top, rows;

    static int64_t height(const Geometry& g) { return std::max<int64_t>(1, (1 << 15) / (g.kh * g.kw * g.ow)); }
    static int64_t per_image(const Geometry& g) { return (g.oh + height(g) - 1) / height(g); }

    Band(const Geometry& g, int64_t i)
        : g(g), image(i / per_image(g)), top(i % per_image(g) * height(g)), rows(std::min(height(g), g.oh - top)) {}

    int64_t size() const { return rows * g.ow; }
    const float* of(const float* y) const { return y + image * g.oc * g.oh * g.ow + top * g.ow; }

    float* columns(int64_t channels = 1) const {
        return own_scratch().of<float>(channels * g.kh * g.kw * height(g) * g.ow * sizeof(float));
    }

    // body(value in the columns, its pixel in the plane), and nothing for places outside the image
    template <class Body>
    void each(float* columns, float* plane, Body body) const {
        for (int64_t place = 0; place < g.kh * g.kw; ++place)
            for (int64_t row = 0; row < rows; ++row) {
                const int64_t y = (top + row) * g.stride_h + place / g.kw - g.padding_h;
                const int64_t left = place % g.kw - g.padding_w;
                if (y < 0 || y >= g.ih) continue;
                const int64_t first = left < 0 ? (-left + g.stride_w - 1) / g.stride_w : 0;
                const int64_t end = left < g.iw ? std::min(g.ow, (g.iw - 1 - left) / g.stride_w + 1) : 0;
                float* values = columns + (place * rows + row) * g.ow;
                float* pixels = plane + y * g.iw + left;
                if (g.stride_w == 1)
                    for (int64_t i = first; i < end; ++i) body(values[i], pixels[i]);
                else
                    for (int64_t i = first; i < end; ++i) body(values[i], pixels[i * g.stride_w]);
            }
    }
};

inline bool images_by_columns(const Geometry& g, float* x, const float* w, const float* y) {
    const int64_t places = g.kh * g.kw, bands = Band::per_image(g);
    bool failed = false;
#pragma omp parallel for collapse(2) schedule(static) reduction(|| : failed)
    for (int64_t image = 0; image < g.n; ++image)
        for (int64_t channel = 0; channel < g.ic; ++channel) {
            float* plane = x + (image * g.ic + channel) * g.ih * g.iw;
            std::fill_n(plane, g.ih * g.iw, 0.f);
            for (int64_t i = 0; i < bands; ++i) {
                const Band band(g, image * bands + i);
                float* columns = band.columns();
                if (!columns) {
                    failed = true;
                    continue;
                }
                failed |= dnnl_success != dnnl_sgemm('T', 'N', places, band.size(), g.oc, 1, w + channel * places,
                                                     g.ic * places, band.of(y), g.oh * g.ow, 0, columns, band.size());
                band.each(columns, plane, [](float& value, float& pixel) { pixel += value; });
            }
        }
    return !failed;
}

inline bool weights_by_columns(const Geometry& g, float* x, float* w, const float* y) {
    constexpr int64_t most_parts = 16;  // whose sums are added up in order, however many threads there are
    const int64_t bands = g.n * Band::per_image(g), parts = std::min(bands, most_parts);
    const int64_t places = g.kh * g.kw, size = g.oc * g.ic * places;
    std::vector<float> sums(parts * size);
    bool failed = false;
#pragma omp parallel for schedule(static) reduction(|| : failed)
    for (int64_t part = 0; part < parts; ++part) {
        std::vector<float> of_band(size);
        for (int64_t i = bands * part / parts; i < bands * (part + 1) / parts; ++i) {
            const Band band(g, i);
            float* columns = band.columns(g.ic);
            if (!columns) {
                failed = true;
                continue;
            }
            std::fill_n(columns, g.ic * places * band.size(), 0.f);
            for (int64_t channel = 0; channel < g.ic; ++channel)
                band.each(columns + channel * places * band.size(), x + (band.image * g.ic + channel) * g.ih * g.iw,
                          [](float& value, float& pixel) { value = pixel; });
            try {
                multiply({band.of(y), g.oc, band.size(), g.oh * g.ow, 1},
                         transposed(matrix(columns, g.ic * places, band.size())), of_band.data());
            } catch (const std::bad_alloc&) {
                failed = true;
            }
            for (int64_t k = 0; k < size; ++k) sums[part * size + k] += of_band[k];
        }
    }
    std::copy_n(sums.begin(), size, w);
    for (int64_t part = 1; part < parts; ++part)
        for (int64_t i = 0; i < size; ++i) w[i] += sums[part * size + i];
    return !failed;
}

// Computes a derivative if that is faster than oneDNN's (measured on AVX-512).
inline bool by_columns(Direction direction, const Geometry& g, float* x, float* w, float* y) {
    constexpr int64_t most_channels = 8, least_outputs = 16;
    if (direction == FORWARD || g.ic > most_channels || g.oc < least_outputs) return false;
    if (!(direction == BACKWARD_DATA ? images_by_columns(g, x, w, y) : weights_by_columns(g, x, w, y)))
        throw std::runtime_error("oneDNN could not multiply matrices, or there is no memory");
    return true;
}

}  // namespace jgan
