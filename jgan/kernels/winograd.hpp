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

// The floats of a cache line: of so many channels beside each other, also where a vector of the processor is shorter.
constexpr int LINE = 16;
using Line = float __attribute__((vector_size(LINE * sizeof(float))));

// A tile of LENGTH x LENGTH pixels of one parity <-> its values at the POINTS x POINTS points, for LINE channels. The pixels'
// rows lie `columns` apart, the values `point_place`.
template <class Matrix>
struct Tile {
    enum { N = Matrix::POINTS, E = Matrix::LENGTH, S = Matrix::PARITIES };

    // values = matrix tile matrix'
    static void to(const Line* pixels, int64_t columns, float* values, int64_t point_place) {
        Line half[N][E];
        JGAN_EACH(j, E)
            JGAN_EACH(p, N) {
                Line sum{};
                JGAN_EACH(i, E) if (Matrix::at(p, i) != 0) sum += Matrix::at(p, i) * pixels[S * (i * columns + j)];
                half[p][j] = sum;
            }
        JGAN_EACH(p, N)
            JGAN_EACH(q, N) {
                Line sum{};
                JGAN_EACH(j, E) if (Matrix::at(q, j) != 0) sum += Matrix::at(q, j) * half[p][j];
                store(sum, values + (p * N + q) * point_place);
            }
    }

    // pixels += matrix' values matrix
    static void from(const float* values, int64_t point_place, Line* pixels, int64_t columns) {
        Line half[E][N];
        JGAN_EACH(q, N) {
            Line value[N];
            JGAN_EACH(p, N) value[p] = load<Line>(values + (p * N + q) * point_place);
            JGAN_EACH(i, E) {
                Line sum{};
                JGAN_EACH(p, N) if (Matrix::at(p, i) != 0) sum += Matrix::at(p, i) * value[p];
                half[i][q] = sum;
            }
        }
        JGAN_EACH(i, E)
            JGAN_EACH(j, E) {
                Line sum{};
                JGAN_EACH(q, N) if (Matrix::at(q, j) != 0) sum += Matrix::at(q, j) * half[i][q];
                pixels[S * (i * columns + j)] += sum;
            }
    }
};

// What `Tile` does, as numbers and functions: what is made of it below is compiled once for all matrices.
struct Transform {
    int64_t points, length, parities;
    void (*to)(const Line* pixels, int64_t columns, float* values, int64_t point_place);
    void (*from)(const float* values, int64_t point_place, Line* pixels, int64_t columns);

    template <class Matrix>
    static Transform by() {
        return {Matrix::POINTS, Matrix::LENGTH, Matrix::PARITIES, Tile<Matrix>::to, Tile<Matrix>::from};
    }
};

// An array of items (images, or the weights of one output) and channels, cut into tiles, and the tiles' values. Neighbouring
// tiles begin `step` pixels of one parity apart and may overlap.
struct Tiles {
    Transform transform;
    float* pixels;
    int64_t items, channels, item_stride, channel_stride, height, width;
    int64_t padding_h, padding_w, step, tiles_h, tiles_w;
    int64_t item_place, tile_place, parity_place, point_place;  // how far neighbours lie apart among the values

    void to(float* values) const {
        over_items([&](int64_t item, int64_t channel, Line* image) {
            std::fill_n(image, rows() * columns(), Line{});
            over_pixels(item, channel, image, [](Line& pixel, int lane, float& value) { pixel[lane] = value; });
            over_tiles(item, channel, image, [&](Line* corner, int64_t place) {
                transform.to(corner, columns(), values + place, point_place);
            });
        });
    }

    // Each pixel becomes the sum over the tiles that cover it.
    void from(const float* values) const {
        over_items([&](int64_t item, int64_t channel, Line* image) {
            std::fill_n(image, rows() * columns(), Line{});
            over_tiles(item, channel, image, [&](Line* corner, int64_t place) {
                transform.from(values + place, point_place, corner, columns());
            });
            over_pixels(item, channel, image, [](Line& pixel, int lane, float& value) { value = pixel[lane]; });
        });
    }

private:
    // The size of an item with its padding and what the last tiles take beyond it.
    int64_t rows() const { return std::max(extent(tiles_h), padding_h + height); }
    int64_t columns() const { return std::max(extent(tiles_w), padding_w + width); }
    int64_t extent(int64_t tiles) const { return transform.parities * (step * (tiles - 1) + transform.length); }

    // body(item, first channel, memory for LINE channels beside each other)
    template <class Body>
    void over_items(Body body) const {
        bool failed = false;
#pragma omp parallel for collapse(2) schedule(static) reduction(|| : failed)
        for (int64_t item = 0; item < items; ++item)
            for (int64_t channel = 0; channel < channels; channel += LINE) {
                Line* image = own_scratch().of<Line>(rows() * columns() * sizeof(Line));
                if (image)
                    body(item, channel, image);
                else
                    failed = true;
            }
        if (failed) throw std::bad_alloc();
    }

    // body(pixel, lane, its value in the array)
    template <class Body>
    void over_pixels(int64_t item, int64_t channel, Line* image, Body body) const {
        for (int64_t y = 0; y < height; ++y) {
            float* from = pixels + item * item_stride + channel * channel_stride + y * width;
            Line* row = image + (y + padding_h) * columns() + padding_w;
            for (int64_t first = 0; first < width; first += LINE)  // a cache line of each channel
                for (int lane = 0; lane < LINE; ++lane)
                    for (int64_t x = first; x < std::min(first + LINE, width); ++x)
                        body(row[x], lane, from[lane * channel_stride + x]);
        }
    }

    // body(first pixel of a tile, its place among the values)
    template <class Body>
    void over_tiles(int64_t item, int64_t channel, Line* image, Body body) const {
        const int64_t S = transform.parities;
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

// The sizes M, R and S, and what takes x, w and y to their values.
struct Winograd {
    int64_t outputs, window, stride;
    Transform of_x, of_w, of_y;
    int64_t points = of_y.points * of_y.points, parities = stride * stride;

    template <int M, int R, int S>
    static Winograd of() {
        using Matrices = Toom<M, R, S>;
        return {M, R, S, Transform::by<typename Matrices::OfX>(), Transform::by<typename Matrices::OfW>(),
                Transform::by<typename Matrices::OfY>()};
    }

    int64_t tiles_h(const Geometry& g) const { return (g.oh + outputs - 1) / outputs; }
    int64_t tiles_w(const Geometry& g) const { return (g.ow + outputs - 1) / outputs; }

    // What is multiplied per pair of channels; nothing if there are too few tiles, which leaves the matrices of w most of the
    // work, or if those of one image take more than 256 MB.
    double cost(const Geometry& g) const {
        constexpr int64_t least_tiles = 100, most = int64_t(1) << 26;
        const int64_t tiles = tiles_h(g) * tiles_w(g), products = parities * points * tiles;
        return g.n * tiles < least_tiles || products * g.ic > most ? 0 : double(g.n) * products;
    }
};

inline void convolve_by_tiles(const Winograd& by, Direction direction, const Geometry& g, float* x, float* w, float* y) {
    constexpr int64_t most = int64_t(1) << 23;  // floats that the tiles of several images may take: 32 MB of cache
    const int64_t tiles_h = by.tiles_h(g), tiles_w = by.tiles_w(g), tiles = tiles_h * tiles_w;
    const int64_t depth = by.parities * g.ic;
    const int64_t group = std::min(g.n, std::max<int64_t>(1, most / (by.points * tiles * depth)));
    float* of_x = scratch(0).of<float>(by.points * group * tiles * depth * sizeof(float));
    float* of_w = scratch(1).of<float>(by.points * depth * g.oc * sizeof(float));
    float* of_y = scratch(2).of<float>(by.points * group * tiles * g.oc * sizeof(float));
    if (!of_x || !of_w || !of_y) throw std::bad_alloc();

    const Tiles weights{by.of_w, w, g.oc, g.ic, g.ic * g.kh * g.kw, g.kh * g.kw, g.kh, g.kw, 0, 0,
                        by.window, 1, 1, depth, 0, g.ic, depth * g.oc};
    if (direction != BACKWARD_WEIGHTS) weights.to(of_w);
    for (int64_t first = 0; first < g.n; first += group) {
        const int64_t n = std::min(group, g.n - first), rows = n * tiles;
        const Tiles inputs{
            by.of_x, x + first * g.ic * g.ih * g.iw, n, g.ic, g.ic * g.ih * g.iw, g.ih * g.iw, g.ih, g.iw, g.padding_h,
            g.padding_w, by.outputs, tiles_h, tiles_w, tiles * depth, depth, g.ic, rows * depth};
        const Tiles outputs{
            by.of_y, y + first * g.oc * g.oh * g.ow, n, g.oc, g.oc * g.oh * g.ow, g.oh * g.ow, g.oh, g.ow, 0, 0,
            by.outputs, tiles_h, tiles_w, tiles * g.oc, g.oc, 0, rows * g.oc};
        if (direction == FORWARD) {
            inputs.to(of_x);
            multiply(by.points, false, true, rows, g.oc, depth, of_x, of_w, of_y, false);
            outputs.from(of_y);
        } else if (direction == BACKWARD_DATA) {
            outputs.to(of_y);
            multiply(by.points, false, false, rows, depth, g.oc, of_y, of_w, of_x, false);
            inputs.from(of_x);
        } else {
            inputs.to(of_x);
            outputs.to(of_y);
            multiply(by.points, true, false, g.oc, depth, rows, of_y, of_x, of_w, first > 0);
        }
    }
    if (direction == BACKWARD_WEIGHTS) weights.from(of_w);
}

// Whether so many multiplications are worth the transformations.
inline bool is_faster(const Geometry& g, double cost) { return cost && cost <= 0.75 * g.kh * g.kw * g.n * g.oh * g.ow; }

// Computes a convolution if that is faster than a direct one: for enough channels, windows of 4x4 or 5x5 at stride 1 or 2.
// The bounds were measured on AVX-512.
inline bool winograd(Direction direction, const Geometry& g, float* x, float* w, float* y) {
    constexpr int64_t least_channels = 64;
    static const Winograd all[] = {Winograd::of<2, 2, 2>(), Winograd::of<4, 2, 2>(), Winograd::of<2, 3, 2>(),
                                   Winograd::of<4, 3, 2>(), Winograd::of<2, 4, 1>(), Winograd::of<3, 4, 1>(),
                                   Winograd::of<2, 5, 1>()};
    if (g.kh != g.kw || (g.kh != 4 && g.kh != 5) || g.stride_h != g.stride_w) return false;
    if (g.ic % LINE || g.oc % LINE || std::min(g.ic, g.oc) < least_channels) return false;

    const Winograd* cheapest = nullptr;
    for (const Winograd& each : all) {
        if (each.stride != g.stride_h || each.window != (g.kh + each.stride - 1) / each.stride || !each.cost(g)) continue;
        if (!cheapest || each.cost(g) <= cheapest->cost(g)) cheapest = &each;
    }
    if (!cheapest || !is_faster(g, cheapest->cost(g))) return false;
    convolve_by_tiles(*cheapest, direction, g, x, w, y);
    return true;
}

}  // namespace jgan
