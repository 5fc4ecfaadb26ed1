// Batch normalisation of (N, C, M) and the LeakyReLU after it: forward, backward, and by given statistics.
//
//   y = leaky_relu((x - mean) / sqrt(variance + eps) * weight + bias),  each but x of one value per channel.
//
// slope: LeakyReLU's below 0; 0 makes it ReLU, 1 the identity.
#pragma once
#include <cmath>
#include "activate.hpp"
#include "channels.hpp"

namespace jgan {

// What turns the values of some channels into the activation's input.
struct Affine {
    float mean[COLUMNS], scale[COLUMNS], shift[COLUMNS];
    double inverse[COLUMNS];  // of the standard deviation

    // parameters: weight, bias, mean and variance of all channels.
    Affine(const Channels& channels, const Vars& parameters, double eps) {
        for (int j = 0; j < channels.width; ++j) {
            const int64_t c = channels.first + j;
            inverse[j] = 1 / std::sqrt(floats(parameters[3])[c] + eps);
            mean[j] = floats(parameters[2])[c];
            scale[j] = floats(parameters[0])[c] * inverse[j];
            shift[j] = floats(parameters[1])[c];
        }
    }
    float operator()(float x, int j) const { return (x - mean[j]) * scale[j] + shift[j]; }
};

// x, weight, bias, mean, variance -> y
inline void normalize_by(const Vars& in, const Vars& out, double eps, float slope) {
    const float* x = floats(in[0]);
    float* y = floats(out[0]);
    const Vars parameters{in[1], in[2], in[3], in[4]};
    over_channels(in[0], [=, &parameters](const Channels& channels) {
        const Affine affine(channels, parameters, eps);
        channels.each([=, &affine](int64_t k, int j) { y[k] = leaky(affine(x[k], j), slope); });
    });
}

// x, weight, bias -> y, mean, variance (with divisor N M). The variance takes a second pass, over x - mean: in one pass,
// as E[x^2] - E[x]^2, it would lose its digits where the mean is large.
inline void normalize(const Vars& in, const Vars& out, double eps, float slope) {
    const float* x = floats(in[0]);
    float *y = floats(out[0]), *mean = floats(out[1]), *variance = floats(out[2]);
    const Vars parameters{in[1], in[2], out[1], out[2]};
    const double count = double(in[0]->shape[0]) * in[0]->shape[2];
    over_channels(in[0], [=, &parameters](const Channels& channels) {
        double a[COLUMNS], b[COLUMNS];
        float* means = mean + channels.first;
        channels.sum(a, b, [=](int64_t k, int) { return Pair{x[k], 0}; });
        for (int j = 0; j < channels.width; ++j) means[j] = a[j] / count;
        channels.sum(a, b, [=](int64_t k, int j) {
            const float centred = x[k] - means[j];
            return Pair{centred * centred, 0};
        });
        for (int j = 0; j < channels.width; ++j) variance[channels.first + j] = a[j] / count;
        const Affine affine(channels, parameters, eps);
        channels.each([=, &affine](int64_t k, int j) { y[k] = leaky(affine(x[k], j), slope); });
    });
}

// x, weight, bias, mean, variance, dy -> dx, dweight, dbias. With g = dy leaky_relu'(...), c = x - mean,
// s = 1 / sqrt(variance + eps) and means E over a channel:
//   dbias = sum g,  dweight = s sum g c,  dx = weight s (g - E[g] - c s^2 E[g c])
inline void normalize_backward(const Vars& in, const Vars& out, double eps, float slope) {
    const float *x = floats(in[0]), *dy = floats(in[5]);
    const Vars parameters{in[1], in[2], in[3], in[4]};
    float *dx = floats(out[0]), *dweight = floats(out[1]), *dbias = floats(out[2]);
    const double count = double(in[0]->shape[0]) * in[0]->shape[2];
    over_channels(in[0], [=, &parameters](const Channels& channels) {
        const Affine affine(channels, parameters, eps);
        double sum_g[COLUMNS], sum_gc[COLUMNS];
        channels.sum(sum_g, sum_gc, [=, &affine](int64_t k, int j) {
            const float g = leaky_gradient(affine(x[k], j), dy[k], slope);
            return Pair{g, g * (x[k] - affine.mean[j])};
        });
        float mean_g[COLUMNS], slope_c[COLUMNS];
        for (int j = 0; j < channels.width; ++j) {
            dbias[channels.first + j] = sum_g[j];
            dweight[channels.first + j] = sum_gc[j] * affine.inverse[j];
            mean_g[j] = sum_g[j] / count;
            slope_c[j] = sum_gc[j] / count * affine.inverse[j] * affine.inverse[j];
        }
        channels.each([=, &affine, &mean_g, &slope_c](int64_t k, int j) {
            const float g = leaky_gradient(affine(x[k], j), dy[k], slope);
            dx[k] = affine.scale[j] * (g - mean_g[j] - (x[k] - affine.mean[j]) * slope_c[j]);
        });
    });
}

}  // namespace jgan
