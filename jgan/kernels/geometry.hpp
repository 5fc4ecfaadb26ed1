// The sizes of a convolution.
#pragma once
#include <cstdint>

namespace jgan {

enum Direction { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS };  // computes y, x or w from the two others

// x (n, ic, ih, iw) convolved with w (oc, ic, kh, kw) is y (n, oc, oh, ow).
struct Geometry {
    int64_t n, ic, ih, iw, oc, kh, kw, oh, ow, stride_h, stride_w, padding_h, padding_w;
};

}  // namespace jgan
