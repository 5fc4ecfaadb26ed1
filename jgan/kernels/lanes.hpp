// Vectors of floats as the processor has them, and squares of them.
#pragma once
#include <cstdint>
#include <cstring>

namespace jgan {

#if defined(__AVX512F__)
constexpr int LANES = 16, REGISTERS = 32;
#elif defined(__AVX__)
constexpr int LANES = 8, REGISTERS = 16;
#elif defined(__aarch64__)
constexpr int LANES = 4, REGISTERS = 32;
#else
constexpr int LANES = 4, REGISTERS = 16;
#endif

using Lanes = float __attribute__((vector_size(LANES * sizeof(float))));
using Places = int __attribute__((vector_size(LANES * sizeof(int))));

template <class Vector = Lanes>
inline Vector load(const float* from) {
    Vector values;
    std::memcpy(&values, from, sizeof values);
    return values;
}

template <class Vector>
inline void store(const Vector& values, float* to) {
    std::memcpy(to, &values, sizeof values);
}

// Exchanges what lies off the diagonal in each square of two by two squares with sides of S.
template <int S>
inline void exchange(Lanes* rows) {
    Places upper_places, lower_places;  // in both rows, one after the other
    for (int k = 0; k < LANES; ++k) {
        upper_places[k] = k & S ? LANES + k - S : k;
        lower_places[k] = k & S ? LANES + k : k + S;
    }
    for (int i = 0; i < LANES; ++i) {
        if (i & S) continue;
        const Lanes upper = rows[i], lower = rows[i + S];
        rows[i] = __builtin_shuffle(upper, lower, upper_places);
        rows[i + S] = __builtin_shuffle(upper, lower, lower_places);
    }
    if (S > 1) exchange<(S + 1) / 2>(rows);
}

// to = from', of at most LANES rows and columns; neighbours in a column lie so many floats apart.
inline void transpose(int64_t rows, int64_t columns, const float* from, int64_t from_stride, float* to, int64_t to_stride) {
    if (rows != LANES || columns != LANES) {
        for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = 0; j < columns; ++j) to[j * to_stride + i] = from[i * from_stride + j];
        return;
    }
    Lanes square[LANES];
    for (int i = 0; i < LANES; ++i) square[i] = load(from + i * from_stride);
    exchange<LANES / 2>(square);
    for (int i = 0; i < LANES; ++i) store(square[i], to + i * to_stride);
}

}  // namespace jgan
