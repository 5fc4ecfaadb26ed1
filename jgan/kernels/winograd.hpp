// Winograd's convolution for windows at stride 1 and 2, and its two derivatives.
//
// At stride 1, M x M neighbouring outputs of windows of length R take N^2 = (M + R - 1)^2 multiplications per channel instead
// of (M R)^2 (Lavin & Gray 2016, arXiv:1509.09308, eq. 12). With tiles of y, the tiles of x that they depend on, and w:
//
//     y = A' [ sum over channels and parities of (G w G') * (B' x B) ] A,    * element by element.
//
// At stride 2 a window sees the even and the odd rows, and columns, of the images apart: the convolution is the sum of four at
// stride 1, one for each pair of parities, whose windows have half the length. Either sum is a matrix product for each of
// the N^2 points. The derivatives are the same with another of the three unknown: the products with one of the others
// transposed, the transformations the other way round. An infinity becomes NaN in the outputs of its tile.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <dnnl.h>
#include "geometry.hpp"
#include "lanes.hpp"
#include "scratch.hpp"

namespace jgan {

// The matrices of Toom and Cook: polynomials are multiplied by their values at N - 1 points and at infinity. S is the stride.
// Which points decides how much rounding errs: these, found by trial, about half as much as 0, 1, -1, 2 and -2 do.
template <int M, int R, int S>
class Toom {
    static constexpr int N = M + R - 1;
    static_assert(3 <= N && N <= 6, "there are points for these");
    float a[N][M]{}, b[N][N]{}, g[N][R]{};  // A, B' and G

    constexpr Toom() {
        constexpr double all[][5] = {{0, 1}, {0, 1, -1}, {0.5, -0.5, 1.5, -1.5}, {0, 0.6875, -0.6875, 1.5, -1.5}};
        const auto& points = all[N - 3];
        for (int i = 0; i < N; ++i) {
            const bool infinite = i == N - 1;
            double product[N] = {1};  // of (t - point) over the other points: a polynomial in t, and its value at this point
            double value = 1;
            for (int j = 0; j < N - 1; ++j) {
                if (j == i) continue;
                for (int k = N - 1; k > 0; --k) product[k] = product[k - 1] - points[j] * product[k];
                product[0] *= -points[j];
                if (!infinite) value *= points[i] - points[j];
            }
            for (int k = 0; k < N; ++k) b[i][k] = product[k];
            double power = 1;
            for (int k = 0; k < N; ++k) {
                if (k < M) a[i][k] = infinite ? k == M - 1 : power;
                if (k < R) g[i][k] = infinite ? k == R - 1 : power / value;
                if (!infinite) power *= points[i];
            }
        }
    }
    static const Toom& matrices() {
        static constexpr Toom toom;
        return toom;
    }

public:
    struct OfY {
        enum { POINTS = N, LENGTH = M, PARITIES = 1 };
        static float at(int i, int k) { return matrices().a[i][k]; }
    };
    struct OfX {
        enum { POINTS = N, LENGTH = N, PARITIES = S };
        static float at(int i, int k) { return matrices().b[i][k]; }
    };
    struct OfW {
        enum { POINTS = N, LENGTH = R, PARITIES = S };
        static float at(int i, int k) { return matrices().g[i][k]; }
    };
};

// Loops that the compiler writes out, which leaves no zero or one of a matrix to multiply by.
#define JGAN_EACH(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < int(n); ++i)

// An array of items (images, or the weights of one output) and channels, cut into tiles, and the tiles' values at the
// N x N points. A tile has E x E pixels of one parity; neighbours begin `step` of these apart and may overlap.
template <class Matrix>
struct Tiles {
    enum { N = Matrix::POINTS, E = Matrix::LENGTH, S = Matrix::PARITIES };
    float* pixels;
    int64_t items, channels, item_stride, channel_stride, height, width;
    int64_t padding_h, padding_w, step, tiles_h, tiles_w;
    int64_t item_place, tile_place, parity_place, point_place;  // how far neighbours lie apart among the values

    // values = matrix tile matrix'
    void to(float* values) const {
        over_items([&](int64_t item, int64_t channel, Lanes* image) {
            std::fill_n(image, rows() * columns(), Lanes{});
            over_pixels(item, channel, image, [](Lanes& pixel, int lane, float& value) { pixel[lane] = value; });
            over_tiles(item, channel, image, [&](Lanes* corner, int64_t place) {
                Lanes half[N][E];
                JGAN_EACH(p, N) JGAN_EACH(j, E) {
                    Lanes sum{};
                    JGAN_EACH(i, E)
                        if (Matrix::at(p, i) != 0) sum += Matrix::at(p, i) * corner[S * (i * columns() + j)];
                    half[p][j] = sum;
                }
                JGAN_EACH(p, N) JGAN_EACH(q, N) {
                    Lanes sum{};
                    JGAN_EACH(j, E) if (Matrix::at(q, j) != 0) sum += Matrix::at(q, j) * half[p][j];
                    std::memcpy(values + (p * N + q) * point_place + place, &sum, sizeof sum);
                }
            });
        });
    }

    // pixels = the sum of matrix' values matrix over the tiles that cover them
    void from(const float* values) const {
        over_items([&](int64_t item, int64_t channel, Lanes* image) {
            std::fill_n(image, rows() * columns(), Lanes{});
            over_tiles(item, channel, image, [&](Lanes* corner, int64_t place) {
                Lanes half[E][N];
                JGAN_EACH(i, E) JGAN_EACH(q, N) half[i][q] = Lanes{};
                JGAN_EACH(p, N) JGAN_EACH(q, N) {
                    Lanes value;
                    std::memcpy(&value, values + (p * N + q) * point_place + place, sizeof value);
                    JGAN_EACH(i, E) if (Matrix::at(p, i) != 0) half[i][q] += Matrix::at(p, i) * value;
                }
                JGAN_EACH(i, E) JGAN_EACH(j, E) {
                    Lanes sum{};
                    JGAN_EACH(q, N) if (Matrix::at(q, j) != 0) sum += Matrix::at(q, j) * half[i][q];
                    corner[S * (i * columns() + j)] += sum;
                }
            });
            over_pixels(item, channel, image, [](Lanes& pixel, int lane, float& value) { value = pixel[lane]; });
        });
    }

private:
    // The size of an item with its padding and what the last tiles take beyond it.
    int64_t rows() const { return std::max(S * (step * (tiles_h - 1) + E), padding_h + height); }
    int64_t columns() const { return std::max(S * (step * (tiles_w - 1) + E), padding_w + width); }

    // body(item, first channel, memory for LANES channels beside each other)
    template <class Body>
    void over_items(Body body) const {
        bool failed = false;
#pragma omp parallel for collapse(2) schedule(static) reduction(|| : failed)
        for (int64_t item = 0; item < items; ++item)
            for (int64_t channel = 0; channel < channels; channel += LANES) {
                Lanes* image = own_scratch().of<Lanes>(rows() * columns() * sizeof(Lanes));
                if (image)
                    body(item, channel, image);
                else
                    failed = true;
            }
        if (failed) throw std::bad_alloc();
    }

    // body(pixel, lane, its value in the array)
    template <class Body>
    void over_pixels(int64_t item, int64_t channel, Lanes* image, Body body) const {
        for (int64_t y = 0; y < height; ++y) {
            float* from = pixels + item * item_stride + channel * channel_stride + y * width;
            Lanes* row = image + (y + padding_h) * columns() + padding_w;
            for (int64_t first = 0; first < width; first += LANES)  // a cache line of each channel
                for (int lane = 0; lane < LANES; ++lane)
                    for (int64_t x = first; x < std::min(first + LANES, width); ++x)
                        body(row[x], lane, from[lane * channel_stride + x]);
        }
    }

    // body(first pixel of a tile, its place among the values)
    template <class Body>
    void over_tiles(int64_t item, int64_t channel, Lanes* image, Body body) const {
        for (int64_t tile = 0; tile < tiles_h * tiles_w; ++tile)
            for (int64_t parity = 0; parity < S * S; ++parity) {
                const int64_t y = S * step * (tile / tiles_w) + parity / S, x = S * step * (tile % tiles_w) + parity % S;
                body(image + y * columns() + x,
                     item * item_place + tile * tile_place + parity * parity_place + channel);
            }
    }
};

// c = a b (+ c if `add`) for row-major matrices, at every point: c (rows, columns), `depth` products each; a or b may be
// given transposed. Each is done in two parts, or 9 points would leave threads idle.
inline void multiply(int64_t points, bool a_transposed, bool b_transposed, int64_t rows, int64_t columns, int64_t depth,
                     const float* a, const float* b, float* c, bool add) {
    const int64_t part = (rows + 1) / 2;
    bool failed = false;
#pragma omp parallel for collapse(2) schedule(dynamic) reduction(|| : failed)
    for (int64_t point = 0; point < points; ++point)
        for (int64_t row = 0; row < rows; row += part) {
            const float* a_part = a + point * rows * depth + (a_transposed ? row : row * depth);
            const dnnl_status_t status =
                dnnl_sgemm(a_transposed ? 'T' : 'N', b_transposed ? 'T' : 'N', std::min(part, rows - row), columns, depth,
                           1, a_part, a_transposed ? rows : depth, b + point * depth * columns,
                           b_transposed ? depth : columns, add, c + (point * rows + row) * columns, columns);
            failed = failed || status != dnnl_success;
        }
    if (failed) throw std::runtime_error("oneDNN could not multiply matrices");
}

template <int M, int R, int S>
void convolve_by_tiles(Direction direction, const Geometry& g, float* x, float* w, float* y) {
    using Matrices = Toom<M, R, S>;
    constexpr int64_t points = Matrices::OfW::POINTS * Matrices::OfW::POINTS, parities = S * S;
    constexpr int64_t most = int64_t(1) << 23;  // floats that the tiles of several images may take: 32 MB of cache
    const int64_t tiles_h = (g.oh + M - 1) / M, tiles_w = (g.ow + M - 1) / M, tiles = tiles_h * tiles_w;
    const int64_t depth = parities * g.ic;
    const int64_t group = std::min(g.n, std::max<int64_t>(1, most / (points * tiles * depth)));
    float* of_x = scratch(0).of<float>(points * group * tiles * depth * sizeof(float));
    float* of_w = scratch(1).of<float>(points * depth * g.oc * sizeof(float));
    float* of_y = scratch(2).of<float>(points * group * tiles * g.oc * sizeof(float));
    if (!of_x || !of_w || !of_y) throw std::bad_alloc();

    const Tiles<typename Matrices::OfW> weights{
        w, g.oc, g.ic, g.ic * g.kh * g.kw, g.kh * g.kw, g.kh, g.kw, 0, 0, R, 1, 1, depth, 0, g.ic, depth * g.oc};
    if (direction != BACKWARD_WEIGHTS) weights.to(of_w);
    for (int64_t first = 0; first < g.n; first += group) {
        const int64_t n = std::min(group, g.n - first), rows = n * tiles;
        const Tiles<typename Matrices::OfX> inputs{
            x + first * g.ic * g.ih * g.iw, n, g.ic, g.ic * g.ih * g.iw, g.ih * g.iw, g.ih, g.iw, g.padding_h, g.padding_w,
            M, tiles_h, tiles_w, tiles * depth, depth, g.ic, rows * depth};
        const Tiles<typename Matrices::OfY> outputs{
            y + first * g.oc * g.oh * g.ow, n, g.oc, g.oc * g.oh * g.ow, g.oh * g.ow, g.oh, g.ow, 0, 0,
            M, tiles_h, tiles_w, tiles * g.oc, g.oc, 0, rows * g.oc};
        if (direction == FORWARD) {
            inputs.to(of_x);
            multiply(points, false, true, rows, g.oc, depth, of_x, of_w, of_y, false);
            outputs.from(of_y);
        } else if (direction == BACKWARD_DATA) {
            outputs.to(of_y);
            multiply(points, false, false, rows, depth, g.oc, of_y, of_w, of_x, false);
            inputs.from(of_x);
        } else {
            inputs.to(of_x);
            outputs.to(of_y);
            multiply(points, true, false, g.oc, depth, rows, of_y, of_x, of_w, first > 0);
        }
    }
    if (direction == BACKWARD_WEIGHTS) weights.from(of_w);
}

// What tiles of M x M outputs multiply per pair of channels; nothing if there are too few of them, which leaves the matrices
// of w most of the work, or if those of one image take more than 256 MB.
template <int M, int R, int S>
double tiled_cost(const Geometry& g) {
    constexpr int64_t least_tiles = 128, most = int64_t(1) << 26;
    const int64_t tiles = ((g.oh + M - 1) / M) * ((g.ow + M - 1) / M), products = S * S * (M + R - 1) * (M + R - 1) * tiles;
    return g.n * tiles < least_tiles || products * g.ic > most ? 0 : double(g.n) * products;
}

// Whether so many multiplications are worth the transformations.
inline bool is_faster(const Geometry& g, double cost) { return cost && cost <= 0.75 * g.kh * g.kw * g.n * g.oh * g.ow; }

template <int R>
bool at_stride_2(Direction direction, const Geometry& g, float* x, float* w, float* y) {
    const double short_cost = tiled_cost<2, R, 2>(g), long_cost = tiled_cost<4, R, 2>(g);
    const bool prefer_long = long_cost && (!short_cost || long_cost <= short_cost);
    if (!is_faster(g, prefer_long ? long_cost : short_cost)) return false;
    if (prefer_long)
        convolve_by_tiles<4, R, 2>(direction, g, x, w, y);
    else
        convolve_by_tiles<2, R, 2>(direction, g, x, w, y);
    return true;
}

// Computes a convolution if that is faster than a direct one: for enough channels, windows of 4x4 or 5x5 at stride 2, and of
// 5x5 at stride 1. The bounds were measured on AVX-512.
inline bool winograd(Direction direction, const Geometry& g, float* x, float* w, float* y) {
    constexpr int64_t least_channels = 64;
    if (g.kh != g.kw || g.stride_h != g.stride_w) return false;
    if (g.ic % LANES || g.oc % LANES || std::min(g.ic, g.oc) < least_channels) return false;
    if (g.stride_h == 2 && g.kh == 4) return at_stride_2<2>(direction, g, x, w, y);
    if (g.stride_h == 2 && g.kh == 5) return at_stride_2<3>(direction, g, x, w, y);
    if (g.stride_h != 1 || g.kh != 5 || !is_faster(g, tiled_cost<2, 5, 1>(g))) return false;
    convolve_by_tiles<2, 5, 1>(direction, g, x, w, y);
    return true;
}

}  // namespace jgan
