// What the kernels are given: arrays of floats, row by row.
#pragma once
#include <cstdint>
#include <vector>

namespace jgan {

constexpr int MOST_AXES = 4;  // of an array whose shape matters

struct Array {
    float* values;
    int64_t num, shape[MOST_AXES];
};

using Arrays = std::vector<Array>;

}  // namespace jgan
