// The product of two matrices of which one has few rows or columns: a batch's vectors, or the pixels of small images.
//
// Libraries first copy both matrices into a layout of their own, which takes as long as many a product with a batch of 64.
// Here a block of the output stays in registers while it is summed up, from a panel of one matrix, a few of its columns
// copied together, and single values of the other, where they are. A value of the output is one thread's, and its terms
// are added in their order, so that it comes out the same for any number of threads.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <omp.h>
#include "lanes.hpp"
#include "scratch.hpp"

namespace jgan {

// The vectors beside each other in a panel, and those of sums in a block: as many as leave registers for the rest.
constexpr int MOST_VECTORS = REGISTERS / 8, SUMS = REGISTERS * 3 / 4, MOST_ROWS = 12;

constexpr int64_t WORTH_THREADS = 2000000;    // multiplications
constexpr int64_t CACHED = int64_t(1) << 16;  // floats that are packed at a time: 256 KB of a cache
constexpr int64_t DEEP = 256;                 // enough that the sums are seldom taken up again

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
    const bool is_packed = b.columns == WIDTH && b.row_stride == WIDTH && b.column_stride == 1 &&
                           reinterpret_cast<uintptr_t>(b.values) % sizeof(Lanes) == 0;  // is one panel, where it lies
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
    // Some panels and blocks; false if there is no memory. As many panels at once, and as deep, as stay in a cache packed.
    bool compute_part(int64_t first_panel, int64_t last_panel, int64_t first_block, int64_t last_block) const {
        if (first_block == last_block || b.rows == 0) return true;
        const int64_t most = std::max<int64_t>(1, CACHED / (std::min(b.rows, DEEP) * WIDTH));
        for (int64_t panel = first_panel; panel < last_panel; panel += most)
            if (!compute_group(panel, std::min(most, last_panel - panel), first_block, last_block)) return false;
        return true;
    }

    bool compute_group(int64_t panel, int64_t n, int64_t first_block, int64_t last_block) const {
        const int64_t depth = std::min(b.rows, std::max<int64_t>(LANES, CACHED / (n * WIDTH) / LANES * LANES));
        float* copies = own_scratch(1).of<float>(n * WIDTH * depth * sizeof(float));
        if (!copies) return false;
        for (int64_t first = 0; first < b.rows; first += depth) {
            const int64_t last = std::min(first + depth, b.rows), panel_size = (last - first) * WIDTH;
            const float* packed = is_packed ? b.at(first, 0) : copies;
            for (int64_t l = first; l < last && !is_packed; l += LANES)
                for (int64_t k = 0; k < n; ++k)
                    pack(panel + k, l, std::min(l + LANES, last), copies + k * panel_size + (l - first) * WIDTH);
            for (int64_t block = first_block; block < last_block; ++block)
                for (int64_t k = 0; k < n; ++k) multiply(block, panel + k, first, last, packed + k * panel_size);
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
    else if (b.columns <= 3 * LANES && MOST_VECTORS > 3)
        Product<3>(a, b, values).compute();
    else
        Product<MOST_VECTORS>(a, b, values).compute();
}

}  // namespace jgan
