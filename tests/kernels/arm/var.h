// In place of Jittor's: what the kernels use of its arrays.
#pragma once
#include <cstdint>
#include <vector>

namespace jittor {

struct Var {
    std::vector<int64_t> shape;
    int64_t num = 1;
    std::vector<float> values;

    explicit Var(std::vector<int64_t> shape) : shape(std::move(shape)) {
        for (const int64_t length : this->shape) num *= length;
        values.resize(num);
    }

    template <class T>
    T* ptr() {
        return values.data();
    }
};

}  // namespace jittor
