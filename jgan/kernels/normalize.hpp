// Batch normalisation of (N, C, M) and the LeakyReLU after it: forward, backward, and by given statistics; and forward and
// backward in parts, for a batch that several processes share, which average the statistics in between.
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

inline double values_of_a_channel(const jittor::Var* x) { return double(x->shape[0]) * x->shape[2]; }

inline void set_mean(const Channels& channels, const float* x, double count, float* mean) {
    double sum[COLUMNS], none[COLUMNS];
    channels.sum(sum, none, [=](int64_t k, int) { return Pair{x[k], 0}; });
    for (int j = 0; j < channels.width; ++j) mean[channels.first + j] = sum[j] / count;
}

// With divisor N M, in a pass of its own, over x - mean: in one with the mean's, as E[x^2] - E[x]^2, it would lose its
// digits where the mean is large.
inline void set_variance(const Channels& channels, const float* x, double count, const float* mean, float* variance) {
    double sum[COLUMNS], none[COLUMNS];
    channels.sum(sum, none, [=](int64_t k, int j) {
        const float centred = x[k] - mean[channels.first + j];
        return Pair{centred * centred, 0};
    });
    for (int j = 0; j < channels.width; ++j) variance[channels.first + j] = sum[j] / count;
}

// x -> mean
inline void channel_means(const Vars& in, const Vars& out) {
    over_channels(in[0], [&](const Channels& channels) {
        set_mean(channels, floats(in[0]), values_of_a_channel(in[0]), floats(out[0]));
    });
}

// x, mean -> variance, about this mean
inline void channel_variances(const Vars& in, const Vars& out) {
    over_channels(in[0], [&](const Channels& channels) {
        set_variance(channels, floats(in[0]), values_of_a_channel(in[0]), floats(in[1]), floats(out[0]));
    });
}

// x, weight, bias -> y, mean, variance
inline void normalize(const Vars& in, const Vars& out, double eps, float slope) {
    const float* x = floats(in[0]);
    float *y = floats(out[0]), *mean = floats(out[1]), *variance = floats(out[2]);
    const Vars parameters{in[1], in[2], out[1], out[2]};
    const double count = values_of_a_channel(in[0]);
    over_channels(in[0], [=, &parameters](const Channels& channels) {
        set_mean(channels, x, count, mean);
        set_variance(channels, x, count, mean, variance);
        const Affine affine(channels, parameters, eps);
        channels.each([=, &affine](int64_t k, int j) { y[k] = leaky(affine(x[k], j), slope); });
    });
}

// The backward pass. With g = dy leaky_relu'(...), c = x - mean, s = 1 / sqrt(variance + eps) and means E over a channel:
//   dbias = sum g,  dweight = s sum g c,  dx = weight s (g - E[g] - c s^2 E[g c])
// means: (2, C), E[g] of all channels and then E[g c].
inline void set_backward_sums(
    const Channels& channels, const Affine& affine, const float* x, const float* dy, double count, float slope,
    float* dweight, float* dbias, float* means
) {
    double sum_g[COLUMNS], sum_gc[COLUMNS];
    channels.sum(sum_g, sum_gc, [=, &affine](int64_t k, int j) {
        const float g = leaky_gradient(affine(x[k], j), dy[k], slope);
        return Pair{g, g * (x[k] - affine.mean[j])};
    });
    for (int j = 0; j < channels.width; ++j) {
        const int64_t c = channels.first + j;
        dbias[c] = sum_g[j];
        dweight[c] = sum_gc[j] * affine.inverse[j];
        means[c] = sum_g[j] / count;
        means[channels.c + c] = sum_gc[j] / count;
    }
}

inline void set_dx(
    const Channels& channels, const Affine& affine, const float* x, const float* dy, float slope, const float* means,
    float* dx
) {
    float mean_g[COLUMNS], slope_c[COLUMNS];
    for (int j = 0; j < channels.width; ++j) {
        mean_g[j] = means[channels.first + j];
        slope_c[j] = means[channels.c + channels.first + j] * affine.inverse[j] * affine.inverse[j];
    }
    channels.each([=, &affine, &mean_g, &slope_c](int64_t k, int j) {
        const float g = leaky_gradient(affine(x[k], j), dy[k], slope);
        dx[k] = affine.scale[j] * (g - mean_g[j] - (x[k] - affine.mean[j]) * slope_c[j]);
    });
}

// x, weight, bias, mean, variance, dy -> dx, dweight, dbias
inline void normalize_backward(const Vars& in, const Vars& out, double eps, float slope) {
    const float *x = floats(in[0]), *dy = floats(in[5]);
    const Vars parameters{in[1], in[2], in[3], in[4]};
    std::vector<float> means(2 * in[0]->shape[1]);
    over_channels(in[0], [&](const Channels& channels) {
        const Affine affine(channels, parameters, eps);
        const double count = values_of_a_channel(in[0]);
        set_backward_sums(channels, affine, x, dy, count, slope, floats(out[1]), floats(out[2]), means.data());
        set_dx(channels, affine, x, dy, slope, means.data(), floats(out[0]));
    });
}

// The same in two parts: x, weight, bias, mean, variance, dy -> dweight, dbias, means
inline void normalize_backward_sums(const Vars& in, const Vars& out, double eps, float slope) {
    const Vars parameters{in[1], in[2], in[3], in[4]};
    over_channels(in[0], [&](const Channels& channels) {
        const Affine affine(channels, parameters, eps);
        set_backward_sums(
            channels, affine, floats(in[0]), floats(in[5]), values_of_a_channel(in[0]), slope,
            floats(out[0]), floats(out[1]), floats(out[2])
        );
    });
}

// x, weight, bias, mean, variance, dy, means -> dx
inline void normalize_backward_by(const Vars& in, const Vars& out, double eps, float slope) {
    const Vars parameters{in[1], in[2], in[3], in[4]};
    over_channels(in[0], [&](const Channels& channels) {
        const Affine affine(channels, parameters, eps);
        set_dx(channels, affine, floats(in[0]), floats(in[5]), slope, floats(in[6]), floats(out[0]));
    });
}

}  // namespace jgan
