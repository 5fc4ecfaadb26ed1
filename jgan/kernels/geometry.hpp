// The sizes of a convolution.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <new>
#include <sys/mman.h>

namespace jgan {

enum Direction { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS };  // computes y, x or w from the two others

// x (n, ic, ih, iw) convolved with w (oc, ic, kh, kw) is y (n, oc, oh, ow).
struct Geometry {
    int64_t n, ic, ih, iw, oc, kh, kw, oh, ow, stride_h, stride_w, padding_h, padding_w;
};

// Memory that grows to what was ever wanted, up to LARGEST_KEPT; what is larger lasts until the next call.
class Scratch {
    static constexpr size_t LARGEST_KEPT = size_t(1) << 28;
    void* memory = nullptr;
    size_t size = 0;

public:
    void* of(size_t wanted) {
        if (wanted > size || size > LARGEST_KEPT) {
            constexpr size_t page = size_t(1) << 21;
            std::free(memory);
            size = (wanted + page - 1) / page * page;
            memory = ::aligned_alloc(page, size);
            if (!memory) throw std::bad_alloc();
            ::madvise(memory, size, MADV_HUGEPAGE);  // 3 to 10% faster
        }
        return memory;
    }
};

// Kept for x, w and y in another layout.
inline Scratch& scratch(int i) {
    static Scratch all[3];
    return all[i];
}

}  // namespace jgan
