// In place of oneDNN's: its product of matrices, by the definition.
#pragma once
#include <cstdint>

enum dnnl_status_t { dnnl_success };

inline dnnl_status_t dnnl_sgemm(char a_is, char b_is, int64_t rows, int64_t columns, int64_t depth, float alpha, const float* a,
                                int64_t a_stride, const float* b, int64_t b_stride, float beta, float* c, int64_t c_stride) {
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
            double sum = 0;
            for (int64_t k = 0; k < depth; ++k)
                sum += double(a_is == 'T' ? a[k * a_stride + i] : a[i * a_stride + k]) *
                       (b_is == 'T' ? b[j * b_stride + k] : b[k * b_stride + j]);
            c[i * c_stride + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * c_stride + j]);
        }
    return dnnl_success;
}
