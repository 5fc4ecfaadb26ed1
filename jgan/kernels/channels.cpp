// Sums over the channels of an array.
#include "channels.hpp"

namespace jgan {

// x: (N, C, M) -> (C,), the sum of each channel.
void channel_sum(const Arrays& in, const Arrays& out) {
    const float* x = in[0].values;
    float* sums = out[0].values;
    over_channels(in[0], [=](const Channels& channels) {
        double a[COLUMNS], b[COLUMNS];
        channels.sum(a, b, [=](int64_t k, int) { return Pair{x[k], 0}; });
        std::copy_n(a, channels.width, sums + channels.first);
    });
}

}  // namespace jgan
