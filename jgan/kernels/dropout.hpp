// Dropout: which values are kept follows from a seed and their places, so that nobody need remember it.
#pragma once
#include <cstdint>

namespace jgan {

// Bits that look random, of a number; no two numbers have the same. MurmurHash3's finalizer (Appleby 2011).
inline uint32_t mixed(uint32_t bits) {
    bits = (bits ^ bits >> 16) * 0x85ebca6bu;
    bits = (bits ^ bits >> 13) * 0xc2b2ae35u;
    return bits ^ bits >> 16;
}

struct Dropout {
    const uint32_t seed, dropped;  // dropped: of the 2^32 that `mixed` may be
    const float kept;              // by what the others are multiplied, so that the mean stays

    Dropout(double rate, double seed)
        : seed(uint32_t(seed)), dropped(uint32_t(rate * 4294967296.)), kept(float(1 / (1 - rate))) {}

    // Values beside each other, the first of which has this place.
    void apply(float* values, int64_t n, int64_t place) const {
        const Dropout d = *this;  // a copy, which no value can overlap
        const uint32_t first = place;
        if (dropped == 0) return;
#pragma omp simd
        for (uint32_t i = 0; i < uint32_t(n); ++i) values[i] *= mixed(mixed(first + i) ^ d.seed) < d.dropped ? 0.f : d.kept;
    }
};

}  // namespace jgan
