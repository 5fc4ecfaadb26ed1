// Calls the kernels with the same numbers on any processor, and writes what they compute to standard output.
#include <cstdio>
#include <functional>
#include "activate.cpp"
#include "adam.cpp"
#include "channels.cpp"
#include "columns.hpp"
#include "dense.cpp"
#include "normalize.cpp"
#include "pad.cpp"
#include "patches.hpp"
#include "winograd.hpp"

using Shapes = std::vector<std::vector<int64_t>>;

struct Numbers {
    std::vector<std::vector<float>> values;
    jgan::Arrays arrays;

    explicit Numbers(const Shapes& shapes) {
        for (const auto& shape : shapes) {
            jgan::Array array{nullptr, 1, {}};
            for (size_t i = 0; i < shape.size(); ++i) array.num *= array.shape[i] = shape[i];
            values.emplace_back(array.num);
            array.values = values.back().data();
            arrays.push_back(array);
        }
    }
};

// Between -1 and 1, by a linear congruential generator; squares where they must not be negative.
Numbers inputs(const Shapes& shapes, std::vector<size_t> positive = {}) {
    static uint32_t state = 1;
    Numbers numbers(shapes);
    for (size_t i = 0; i < shapes.size(); ++i)
        for (float& value : numbers.values[i]) {
            state = 1664525 * state + 1013904223;
            value = int32_t(state) / 2147483648.f;
            for (const size_t each : positive)
                if (each == i) value *= value;
        }
    return numbers;
}

void write(const Numbers& numbers) {
    for (const auto& each : numbers.values) std::fwrite(each.data(), sizeof(float), each.size(), stdout);
}

template <class Kernel, class... Options>
void call(Kernel kernel, const Numbers& in, const Shapes& shapes, Options... options) {
    const Numbers out(shapes);
    kernel(in.arrays, out.arrays, options...);
    write(out);
}

void convolve(const std::function<void(jgan::Direction, const jgan::Geometry&, float*, float*, float*)>& algorithm,
              int64_t ic, int64_t oc, int64_t k, int64_t stride) {
    const int64_t n = 2, ih = 23, iw = 18, padding = k / 2;
    const int64_t oh = (ih + 2 * padding - k) / stride + 1, ow = (iw + 2 * padding - k) / stride + 1;
    const jgan::Geometry g{n, ic, ih, iw, oc, k, k, oh, ow, stride, stride, padding, padding};
    for (const auto direction : {jgan::FORWARD, jgan::BACKWARD_DATA, jgan::BACKWARD_WEIGHTS}) {
        const Numbers numbers = inputs({{n, ic, ih, iw}, {oc, ic, k, k}, {n, oc, oh, ow}});
        const auto& arrays = numbers.arrays;
        algorithm(direction, g, arrays[0].values, arrays[1].values, arrays[2].values);
        write(numbers);
    }
}

int main() {
    using namespace jgan;
    call(leaky_relu, inputs({{1000}}), {{1000}}, 0.2f);
    call(leaky_relu_backward, inputs({{1000}, {1000}}), {{1000}}, 0.f);
    call(jgan::tanh, inputs({{1000}}), {{1000}});
    const Shapes parameters{{77, 100}, {77}};
    Shapes four_times, three_times;
    for (int i = 0; i < 4; ++i) four_times.insert(four_times.end(), parameters.begin(), parameters.end());
    three_times.assign(four_times.begin(), four_times.end() - 2);
    call(adam, inputs(four_times, {6, 7}), three_times, 0.5, 0.999, 1e-8, 0.01, 0.5);
    for (const auto& shape : Shapes{{8, 33, 153}, {64, 130, 1}}) {
        const std::vector<int64_t> channels{shape[1]}, of_images{shape[0], shape[1]};
        const Shapes of_all{shape, channels, channels};
        call(normalize, inputs(of_all), of_all, 1e-5, 0.2f);
        call(normalize, inputs({shape, of_images, of_images}), of_all, 1e-5, 0.2f);
        call(normalize_by, inputs({shape, channels, channels, channels, channels}, {4}), {shape}, 1e-5, 0.f);
        call(normalize_backward, inputs({shape, channels, channels, channels, channels, shape}, {4}), of_all, 1e-5, 0.2f);
        call(channel_sum, inputs({shape}), {channels});
    }
    call(reflect, inputs({{2, 3, 9, 7}}), {{2, 3, 15, 13}}, 3.);
    call(reflect_transposed, inputs({{2, 3, 15, 13}}), {{2, 3, 9, 7}}, 3.);
    for (const auto& sizes : Shapes{{70, 257, 130}, {12, 70, 40}, {3, 90, 80}}) {
        const int64_t n = sizes[0], n_in = sizes[1], n_out = sizes[2];
        for (const double rate : {0., 0.3}) {
            const Shapes y{{n, n_out}, {1}};  // and the seed of a dropout
            const double seed = 12345;
            call(dense, inputs({{n, n_in}, {n_out, n_in}, {n_out}}), y, 0.2, 0., rate, 0., 0., seed);
            call(dense_backward_data, inputs({{n, n_out}, {n, n_out}, {n_out, n_in}, {1}}, {3}), {{n, n_in}}, 0.2, rate, 2.);
            call(dense_backward_weights, inputs({{n, n_out}, {n, n_out}, {n, n_in}, {1}}, {3}), {{n_out, n_in}, {n_out}}, 1.,
                 rate, 2.);
        }
    }
    call(dense, inputs({{12, 70}, {40, 70}, {40}}), {{12, 40}}, 1., 1., 0., 0., 0., 0.);
    for (const int64_t n : {3, 12})
        call(dense, inputs({{n, 70}, {40, 70}, {40}, {40}, {40}, {40}, {40}}, {6}), {{n, 40}}, 0.2, 0., 0., 0., 1e-5, 0.);
    for (const auto& by : {Winograd::of<2, 2, 2>(), Winograd::of<4, 2, 2>(), Winograd::of<2, 3, 2>(),
                           Winograd::of<4, 3, 2>(), Winograd::of<2, 4, 1>(), Winograd::of<3, 4, 1>(),
                           Winograd::of<2, 5, 1>()}) {
        const int64_t length = by.window * by.stride;  // of a window; one of 5 at stride 2 is padded to 6
        convolve([&](auto... task) { convolve_by_tiles(by, task...); }, 16, 32, length == 6 ? 5 : length, by.stride);
    }
    convolve([](auto... task) { by_columns(task...); }, 3, 16, 4, 2);
    convolve([](auto... task) { by_patches(task...); }, 70, 40, 5, 4);
}
