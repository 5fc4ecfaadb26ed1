// Memory for arrays in other layouts, kept between calls: to map it anew costs more than to fill it.
#pragma once
#include <cstdlib>
#include <sys/mman.h>

namespace jgan {

// Keeps the largest block that was asked for; one above LARGEST_KEPT bytes is given back at the next request.
class Scratch {
    static constexpr size_t LARGEST_KEPT = size_t(1) << 28;
    void* memory = nullptr;
    size_t size = 0;

public:
    Scratch() = default;
    Scratch(const Scratch&) = delete;
    ~Scratch() { std::free(memory); }

    // At least so many bytes, aligned to 2 MB; null if there is no such memory.
    template <class T>
    T* of(size_t bytes) {
        if (!memory || bytes > size || size > LARGEST_KEPT) {
            constexpr size_t page = size_t(1) << 21;
            std::free(memory);
            size = bytes / page * page + page;
            memory = ::aligned_alloc(page, size);
            if (memory)
                ::madvise(memory, size, MADV_HUGEPAGE);  // 3 to 10% faster
            else
                size = 0;
        }
        return static_cast<T*>(memory);
    }
};

// For x, w and y.
inline Scratch& scratch(int i) {
    static Scratch all[3];
    return all[i];
}

// For what one thread works on; 1 for the panels of its products.
inline Scratch& own_scratch(int i = 0) {
    static thread_local Scratch own[2];
    return own[i];
}

}  // namespace jgan
