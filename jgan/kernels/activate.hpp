// LeakyReLU, and ReLU as its slope 0.
#pragma once

namespace jgan {

// NaN stays NaN; ReLU's -infinity is 0.
inline float leaky(float x, float slope) { return x > 0 ? x : slope == 0 && x == x ? 0 : x * slope; }

// The gradient dy at the input, where the input, or the output, is x. No slope is a case of its own, or loops would jump.
inline float leaky_gradient(float x, float dy, float slope) { return x > 0 ? dy : dy * slope; }

}  // namespace jgan
