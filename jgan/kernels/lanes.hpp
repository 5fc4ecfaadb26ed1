// Vectors of floats, as the compiler knows them, and squares of them.
#pragma once
#include <cstdint>
#include <cstring>

namespace jgan {

constexpr int LANES = 16;
using Lanes = float __attribute__((vector_size(LANES * sizeof(float))));
using Places = int __attribute__((vector_size(LANES * sizeof(int))));

// Exchanges what lies off the diagonal in each square of two by two squares with sides of S.
template <int S>
inline void exchange(Lanes* rows) {
#define JGAN_UPPER(k) (k & S ? LANES + k - S : k)
#define JGAN_LOWER(k) (k & S ? LANES + k : k + S)
#define JGAN_ALL(of) \
    of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7), of(8), of(9), of(10), of(11), of(12), of(13), of(14), of(15)
    for (int i = 0; i < LANES; ++i) {
        if (i & S) continue;
        const Lanes upper = rows[i], lower = rows[i + S];
        rows[i] = __builtin_shuffle(upper, lower, Places{JGAN_ALL(JGAN_UPPER)});
        rows[i + S] = __builtin_shuffle(upper, lower, Places{JGAN_ALL(JGAN_LOWER)});
    }
#undef JGAN_UPPER
#undef JGAN_LOWER
#undef JGAN_ALL
}

// to = from', of at most LANES rows and columns; neighbours in a column lie so many floats apart.
inline void transpose(int64_t rows, int64_t columns, const float* from, int64_t from_stride, float* to, int64_t to_stride) {
    if (rows != LANES || columns != LANES) {
        for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = 0; j < columns; ++j) to[j * to_stride + i] = from[i * from_stride + j];
        return;
    }
    Lanes square[LANES];
    for (int i = 0; i < LANES; ++i) std::memcpy(&square[i], from + i * from_stride, sizeof(Lanes));
    exchange<8>(square), exchange<4>(square), exchange<2>(square), exchange<1>(square);
    for (int i = 0; i < LANES; ++i) std::memcpy(to + i * to_stride, &square[i], sizeof(Lanes));
}

}  // namespace jgan
