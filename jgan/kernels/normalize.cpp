// Batch normalisation of (N, C, ...) and the LeakyReLU after it: forward, backward, and by given statistics; and forward
// and backward in parts, for a batch that several processes share, which average the statistics in between.
//
//   y = leaky_relu((x - mean) / sqrt(variance + eps) * weight + bias)
//
// mean and variance have one value per channel, weight and bias one per channel or, of the shape (N, C), one per image
// and channel. slope: LeakyReLU's below 0; 0 makes it ReLU, 1 the identity.
#include <cmath>
#include "activate.hpp"
#include "channels.hpp"

namespace jgan {

// What turns the values of some channels into the activation's input.
struct Affine {
    float mean[COLUMNS], scale[COLUMNS], shift[COLUMNS];
    double inverse[COLUMNS];  // of the standard deviation

    // parameters: weight, bias, mean and variance; offset: of the first two's values of these images.
    Affine(const Channels& channels, const Arrays& parameters, int64_t offset, double eps) {
        for (int j = 0; j < channels.width; ++j) {
            const int64_t c = channels.first + j;
            inverse[j] = 1 / std::sqrt(parameters[3].values[c] + eps);
            mean[j] = parameters[2].values[c];
            scale[j] = parameters[0].values[offset + c] * inverse[j];
            shift[j] = parameters[1].values[offset + c];
        }
    }
    float operator()(float x, int j) const { return (x - mean[j]) * scale[j] + shift[j]; }
};

// body(channels, offset of their weights) for all images at once if they have the same weights, or for each of them.
template <class Body>
void of_same_weight(const Channels& channels, const Array& weight, Body body) {
    if (weight.num == channels.c)
        body(channels, 0);
    else
        for (int64_t i = 0; i < channels.n; ++i) body(channels.image(i), i * channels.c);
}

inline void set_y(const Channels& channels, const Arrays& parameters, const float* x, double eps, float slope, float* y) {
    of_same_weight(channels, parameters[0], [&](const Channels& images, int64_t offset) {
        const Affine affine(images, parameters, offset, eps);
        images.each([=, &affine](int64_t k, int j) { y[k] = leaky(affine(x[k], j), slope); });
    });
}

// x, weight, bias, mean, variance -> y
void normalize_by(const Arrays& in, const Arrays& out, double eps, double slope) {
    const Arrays parameters{in[1], in[2], in[3], in[4]};
    over_channels(in[0], [&](const Channels& channels) {
        set_y(channels, parameters, in[0].values, eps, slope, out[0].values);
    });
}

inline double values_of_a_channel(const Array& x) { return double(x.num) / x.shape[1]; }

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
void channel_means(const Arrays& in, const Arrays& out) {
    over_channels(in[0], [&](const Channels& channels) {
        set_mean(channels, in[0].values, values_of_a_channel(in[0]), out[0].values);
    });
}

// x, mean -> variance, about this mean
void channel_variances(const Arrays& in, const Arrays& out) {
    over_channels(in[0], [&](const Channels& channels) {
        set_variance(channels, in[0].values, values_of_a_channel(in[0]), in[1].values, out[0].values);
    });
}

// x, weight, bias -> y, mean, variance
void normalize(const Arrays& in, const Arrays& out, double eps, double slope) {
    const float* x = in[0].values;
    float *y = out[0].values, *mean = out[1].values, *variance = out[2].values;
    const Arrays parameters{in[1], in[2], out[1], out[2]};
    const double count = values_of_a_channel(in[0]);
    over_channels(in[0], [=, &parameters](const Channels& channels) {
        set_mean(channels, x, count, mean);
        set_variance(channels, x, count, mean, variance);
        set_y(channels, parameters, x, eps, slope, y);
    });
}

// The backward pass. With g = dy leaky_relu'(...), c = x - mean, s = 1 / sqrt(variance + eps) and means E over a channel:
//   dbias = sum g,  dweight = s sum g c,  dx = s (weight g - E[weight g] - c s^2 E[weight g c])
// where the sums are over the images of that weight. means: (2, C), E[weight g] of all channels, then E[weight g c].
inline void set_backward_sums(
    const Channels& channels, const Arrays& parameters, const float* x, const float* dy, double count, double eps,
    float slope, float* dweight, float* dbias, float* means
) {
    double mean_g[COLUMNS] = {}, mean_gc[COLUMNS] = {};
    of_same_weight(channels, parameters[0], [&](const Channels& images, int64_t offset) {
        const Affine affine(images, parameters, offset, eps);
        double sum_g[COLUMNS], sum_gc[COLUMNS];
        images.sum(sum_g, sum_gc, [=, &affine](int64_t k, int j) {
            const float g = leaky_gradient(affine(x[k], j), dy[k], slope);
            return Pair{g, g * (x[k] - affine.mean[j])};
        });
        for (int j = 0; j < images.width; ++j) {
            const int64_t place = offset + images.first + j;
            dbias[place] = sum_g[j];
            dweight[place] = sum_gc[j] * affine.inverse[j];
            mean_g[j] += parameters[0].values[place] * sum_g[j] / count;
            mean_gc[j] += parameters[0].values[place] * sum_gc[j] / count;
        }
    });
    for (int j = 0; j < channels.width; ++j) {
        means[channels.first + j] = mean_g[j];
        means[channels.c + channels.first + j] = mean_gc[j];
    }
}

inline void set_dx(
    const Channels& channels, const Arrays& parameters, const float* x, const float* dy, double eps, float slope,
    const float* means, float* dx
) {
    of_same_weight(channels, parameters[0], [&](const Channels& images, int64_t offset) {
        const Affine affine(images, parameters, offset, eps);
        float shift[COLUMNS], slope_c[COLUMNS];
        for (int j = 0; j < images.width; ++j) {
            const double s = affine.inverse[j];
            shift[j] = s * means[images.first + j];
            slope_c[j] = s * s * s * means[images.c + images.first + j];
        }
        images.each([=, &affine, &shift, &slope_c](int64_t k, int j) {
            const float g = leaky_gradient(affine(x[k], j), dy[k], slope);
            dx[k] = affine.scale[j] * g - shift[j] - (x[k] - affine.mean[j]) * slope_c[j];
        });
    });
}

// x, weight, bias, mean, variance, dy -> dx, dweight, dbias
void normalize_backward(const Arrays& in, const Arrays& out, double eps, double slope) {
    const float *x = in[0].values, *dy = in[5].values;
    const Arrays parameters{in[1], in[2], in[3], in[4]};
    const double count = values_of_a_channel(in[0]);
    std::vector<float> means(2 * in[0].shape[1]);
    over_channels(in[0], [&](const Channels& channels) {
        set_backward_sums(
            channels, parameters, x, dy, count, eps, slope, out[1].values, out[2].values, means.data()
        );
        set_dx(channels, parameters, x, dy, eps, slope, means.data(), out[0].values);
    });
}

// The same in two parts: x, weight, bias, mean, variance, dy -> dweight, dbias, means
void normalize_backward_sums(const Arrays& in, const Arrays& out, double eps, double slope) {
    const Arrays parameters{in[1], in[2], in[3], in[4]};
    const double count = values_of_a_channel(in[0]);
    over_channels(in[0], [&](const Channels& channels) {
        set_backward_sums(
            channels, parameters, in[0].values, in[5].values, count, eps, slope, out[0].values, out[1].values,
            out[2].values
        );
    });
}

// x, weight, bias, mean, variance, dy, means -> dx
void normalize_backward_by(const Arrays& in, const Arrays& out, double eps, double slope) {
    const Arrays parameters{in[1], in[2], in[3], in[4]};
    over_channels(in[0], [&](const Channels& channels) {
        set_dx(channels, parameters, in[0].values, in[5].values, eps, slope, in[6].values, out[0].values);
    });
}

}  // namespace jgan
