// What the kernels are given: arrays of floats, row by row.
#pragma once
#include <cstdint>
#include <vector>

namespace jgan {

constexpr int MOST_AXES = 4;  // of an array whose shape matters

// Of an array that is passed once. To wake a thread takes longer than to pass a smaller one, the more so beside other
// programs. The clause is `if (parallel : ...)`: without `parallel` it would switch simd off, too.
constexpr int64_t VALUES_WORTH_THREADS = 100000;

struct Array {
    float* values;
    int64_t num, shape[MOST_AXES];
};

using Arrays = std::vector<Array>;

}  // namespace jgan
