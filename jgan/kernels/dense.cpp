// Dense layers with their bias and (leaky) ReLU: the products of matrices of which one has few rows, a batch's.
//
// Libraries first copy both matrices into a layout of their own, which takes as long as many a product with a batch of 64.
// Here a block of the output stays in registers while it is summed up, from a panel of one matrix, a few of its columns
// copied together, and single values of the other, where they are. A value of the output is one thread's, and its terms
// are added in their order, so that it comes out the same for any number of threads.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <omp.h>
#include "activate.hpp"
#include "arrays.hpp"
#include "lanes.hpp"
#include "scratch.hpp"

namespace jgan {

// The vectors beside each other in a panel, and those of sums in a block: as many as leave registers for the rest.
constexpr int MOST_VECTORS = REGISTERS / 8, SUMS = REGISTERS * 3 / 4, MOST_ROWS = 12;

constexpr int64_t WORTH_THREADS = 2000000;        // multiplications
constexpr int64_t VALUES_WORTH_THREADS = 100000;  // of an array that is passed once
constexpr int64_t CACHED = int64_t(1) << 16;  // floats that are packed at a time: 256 KB of a cache
constexpr int64_t LEAST_DEPTH = 64;

// A matrix, or one seen transposed: neighbours in a column lie row_stride apart, and neighbours in a row column_stride.
struct Matrix {
    const float* values;
    int64_t rows, columns, row_stride, column_stride;

    const float* at(int64_t i, int64_t j) const { return values + i * row_stride + j * column_stride; }
};

inline Matrix matrix(const float* values, int64_t rows, int64_t columns) { return {values, rows, columns, columns, 1}; }

inline Matrix transposed(const Matrix& m) { return {m.values, m.columns, m.rows, m.column_stride, m.row_stride}; }

// A product a b, by panels of VECTORS * LANES columns of b and by blocks of ROWS rows of a, whose rows lie whole.
template <int VECTORS>
class Product {
    static constexpr int WIDTH = VECTORS * LANES, ROWS = std::min(SUMS / VECTORS, MOST_ROWS);
    const Matrix a, b;
    float* const values;  // of the product, row by row
    const int64_t panels = (b.columns + WIDTH - 1) / WIDTH, blocks = (a.rows + ROWS - 1) / ROWS;

public:
    Product(const Matrix& a, const Matrix& b, float* values) : a(a), b(b), values(values) {}

    void compute() const {
        if (b.rows == 0) std::fill_n(values, a.rows * b.columns, 0.f);
        const bool worth_threads = a.rows * a.columns * b.columns >= WORTH_THREADS;
        bool failed = false;
#pragma omp parallel reduction(|| : failed) if (worth_threads)
        {
            const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
            if (panels < 2 * threads)
                failed = !compute_part(0, panels, blocks * thread / threads, blocks * (thread + 1) / threads);
            else
                failed = !compute_part(panels * thread / threads, panels * (thread + 1) / threads, 0, blocks);
        }
        if (failed) throw std::bad_alloc();
    }

private:
    // Some panels and blocks; false if there is no memory. Depth by depth, so that what is packed stays in a cache.
    bool compute_part(int64_t first_panel, int64_t last_panel, int64_t first_block, int64_t last_block) const {
        if (first_block == last_block) return true;
        const int64_t n = last_panel - first_panel;
        const int64_t depth = std::max<int64_t>(LEAST_DEPTH, CACHED / (n * WIDTH) / LANES * LANES);
        float* packed = own_scratch().of<float>(n * WIDTH * std::min(depth, b.rows) * sizeof(float));
        if (!packed) return false;
        for (int64_t first = 0; first < b.rows; first += depth) {
            const int64_t last = std::min(first + depth, b.rows), panel_size = (last - first) * WIDTH;
            for (int64_t l = first; l < last; l += LANES)
                for (int64_t k = 0; k < n; ++k)
                    pack(first_panel + k, l, std::min(l + LANES, last), packed + k * panel_size + (l - first) * WIDTH);
            for (int64_t block = first_block; block < last_block; ++block)
                for (int64_t k = 0; k < n; ++k) multiply(block, first_panel + k, first, last, packed + k * panel_size);
        }
        return true;
    }

    // At most LANES rows of a panel, beside each other; 0 beyond the matrix.
    void pack(int64_t panel, int64_t first, int64_t last, float* packed) const {
        const int64_t column = panel * WIDTH, width = std::min<int64_t>(WIDTH, b.columns - column);
        if (width < WIDTH) std::fill_n(packed, (last - first) * WIDTH, 0.f);
        if (b.column_stride != 1) {
            for (int64_t j = 0; j < width; j += LANES)
                transpose(std::min<int64_t>(LANES, width - j), last - first, b.at(first, column + j), b.column_stride,
                          packed + j, WIDTH);
        } else if (width < WIDTH) {
            for (int64_t l = first; l < last; ++l) std::copy_n(b.at(l, column), width, packed + (l - first) * WIDTH);
        } else {
            for (int64_t l = first; l < last; ++l)
                std::memcpy(packed + (l - first) * WIDTH, b.at(l, column), sizeof(float[WIDTH]));
        }
    }

    void multiply(int64_t block, int64_t panel, int64_t first, int64_t last, const float* packed) const {
        const int64_t row = block * ROWS, column = panel * WIDTH, rows = std::min<int64_t>(ROWS, a.rows - row);
        const auto* lanes = reinterpret_cast<const Lanes*>(packed);
        if (column + WIDTH <= b.columns) {
            float* to = values + row * b.columns + column;
            multiply_rows<ROWS>(rows, a.at(row, first), last - first, lanes, to, b.columns, first > 0);
            return;
        }
        float last_columns[ROWS * WIDTH];
        const int64_t width = b.columns - column;
        if (first > 0)
            for (int64_t i = 0; i < rows; ++i)
                std::copy_n(values + (row + i) * b.columns + column, width, last_columns + i * WIDTH);
        multiply_rows<ROWS>(rows, a.at(row, first), last - first, lanes, last_columns, WIDTH, first > 0);
        for (int64_t i = 0; i < rows; ++i)
            std::copy_n(last_columns + i * WIDTH, width, values + (row + i) * b.columns + column);
    }

    template <int N>
    void multiply_rows(int64_t n, const float* value, int64_t depth, const Lanes* packed, float* to, int64_t to_stride,
                       bool add) const {
        if (n < N) {
            if constexpr (N > 1) multiply_rows<N - 1>(n, value, depth, packed, to, to_stride, add);
            return;
        }
        Lanes sums[N][VECTORS];  // vector by vector: g++ 12 loses some of an array that is cleared or copied whole
        for (int i = 0; i < N; ++i)
            for (int v = 0; v < VECTORS; ++v) sums[i][v] = add ? load(to + i * to_stride + v * LANES) : Lanes{};
        for (int64_t l = 0; l < depth; ++l, ++value, packed += VECTORS)
            for (int i = 0; i < N; ++i)
                for (int v = 0; v < VECTORS; ++v) sums[i][v] += value[i * a.row_stride] * packed[v];
        for (int i = 0; i < N; ++i)
            for (int v = 0; v < VECTORS; ++v) store(sums[i][v], to + i * to_stride + v * LANES);
    }
};

// values = a b, row by row
inline void multiply(const Matrix& a, const Matrix& b, float* values) {
    if (b.columns <= LANES)
        Product<1>(a, b, values).compute();
    else
        Product<MOST_VECTORS>(a, b, values).compute();
}

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
