// Convolution of NCHW float images by oneDNN 2, and its two derivatives, with what oneDNN needs kept between calls.
//
// oneDNN works fastest in layouts of its own. Jittor's operators ask for the primitive, for memory in its layouts and for
// the reorders into and out of it at every call; here they are kept, by shape.
#pragma once
#include <array>
#include <cstdlib>
#include <dnnl.hpp>
#include <map>
#include <new>
#include <omp.h>
#include <unordered_map>
#include "channels.hpp"

namespace jgan {

enum Direction { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS };  // computes y, x or w from the two others

constexpr size_t MOST_PLANS = 512;             // shapes in use; more begin anew
constexpr size_t LARGEST_KEPT = size_t(1) << 28;  // bytes of memory in oneDNN's layout that are kept for the next call

inline dnnl::engine& engine() {
    static dnnl::engine it(dnnl::engine::kind::cpu, 0);
    return it;
}

// Memory that grows to what was ever wanted, up to LARGEST_KEPT; what is larger lasts until the next call.
class Scratch {
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
        }
        return memory;
    }
};

struct Window {
    int64_t stride_h, stride_w, padding_h, padding_w;
    Window(double stride_h, double stride_w, double padding_h, double padding_w)
        : stride_h(stride_h), stride_w(stride_w), padding_h(padding_h), padding_w(padding_w) {}
};

// What a plan depends on.
struct Geometry {
    int64_t n, ic, ih, iw, oc, kh, kw, oh, ow;
    Window window;
    Direction direction;
    bool with_bias;
    int n_threads;

    // 3x3 windows at stride 1: oneDNN's F(4x4, 3x3) makes the derivatives twice as fast, and errs by 1e-6 like the others.
    bool suits_winograd() const {
        return kh == 3 && kw == 3 && window.stride_h == 1 && window.stride_w == 1 && ic >= 16 && oc >= 16;
    }

    using Key = std::array<int64_t, 16>;
    Key key() const {
        return {n,  ic, ih, iw, oc, kh, kw, oh, ow, window.stride_h, window.stride_w, window.padding_h, window.padding_w,
                direction, with_bias, n_threads};
    }
};

// One primitive between the reorders that it needs, for one geometry, direction and number of threads.
class Plan {
    struct Step {
        dnnl::primitive primitive;
        std::unordered_map<int, dnnl::memory> arguments;
    };
    dnnl::memory outer[3], inner[3], bias;  // of x, w and y: as Jittor holds them, and in oneDNN's layout if it differs
    std::vector<Step> steps;

public:
    explicit Plan(const Geometry& g) {
        if (g.suits_winograd()) {
            try {
                set_up(g, dnnl::algorithm::convolution_winograd);
                return;
            } catch (const dnnl::error&) {  // not for this shape or processor
            }
        }
        set_up(g, dnnl::algorithm::convolution_direct);
    }

    void run(float* x, float* w, float* y, float* b) {
        static Scratch scratch[3];
        static dnnl::stream stream(engine());
        float* ours[3] = {x, w, y};
        for (int i = 0; i < 3; ++i) {
            outer[i].set_data_handle(ours[i]);
            if (inner[i]) inner[i].set_data_handle(scratch[i].of(inner[i].get_desc().get_size()));
        }
        if (b) bias.set_data_handle(b);
        for (auto& step : steps) step.primitive.execute(stream, step.arguments);
    }

private:
    void set_up(const Geometry& g, dnnl::algorithm algorithm) {
        using namespace dnnl;
        const auto f32 = memory::data_type::f32;
        const auto any = memory::format_tag::any, nchw = memory::format_tag::nchw, oihw = memory::format_tag::oihw;
        const memory::dims dims[3] = {
            {g.n, g.ic, g.ih, g.iw}, {g.oc, g.ic, g.kh, g.kw}, {g.n, g.oc, g.oh, g.ow}};
        const memory::dims strides{g.window.stride_h, g.window.stride_w};
        const memory::dims before{g.window.padding_h, g.window.padding_w};
        const memory::dims after{(g.oh - 1) * strides[0] + g.kh - g.ih - before[0],
                                 (g.ow - 1) * strides[1] + g.kw - g.iw - before[1]};
        memory::desc ours[3], theirs[3], free[3];
        for (int i = 0; i < 3; ++i) {
            ours[i] = memory::desc(dims[i], f32, i == 1 ? oihw : nchw);
            free[i] = memory::desc(dims[i], f32, any);
            outer[i] = memory(ours[i], engine(), nullptr);
        }
        const memory::desc of_bias = g.with_bias ? memory::desc({g.oc}, f32, memory::format_tag::a) : memory::desc();
        const auto kind = g.direction == FORWARD ? prop_kind::forward_inference : prop_kind::forward_training;
        const convolution_forward::primitive_desc forward(
            {kind, algorithm, free[0], free[1], of_bias, free[2], strides, before, after}, engine());
        int names[3] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
        primitive convolution;
        if (g.direction == FORWARD) {
            convolution = convolution_forward(forward);
            theirs[0] = forward.src_desc(), theirs[1] = forward.weights_desc(), theirs[2] = forward.dst_desc();
        } else if (g.direction == BACKWARD_DATA) {
            const convolution_backward_data::primitive_desc backward(
                {algorithm, free[0], free[1], free[2], strides, before, after}, engine(), forward);
            convolution = convolution_backward_data(backward);
            theirs[0] = backward.diff_src_desc(), theirs[1] = backward.weights_desc();
            theirs[2] = backward.diff_dst_desc();
            names[0] = DNNL_ARG_DIFF_SRC, names[2] = DNNL_ARG_DIFF_DST;
        } else {
            const convolution_backward_weights::primitive_desc backward(
                {algorithm, free[0], free[1], free[2], strides, before, after}, engine(), forward);
            convolution = convolution_backward_weights(backward);
            theirs[0] = backward.src_desc(), theirs[1] = backward.diff_weights_desc();
            theirs[2] = backward.diff_dst_desc();
            names[1] = DNNL_ARG_DIFF_WEIGHTS, names[2] = DNNL_ARG_DIFF_DST;
        }
        const int result = g.direction == FORWARD ? 2 : g.direction == BACKWARD_DATA ? 0 : 1;
        std::unordered_map<int, memory> arguments;
        for (int i = 0; i < 3; ++i) {
            const bool differs = theirs[i] != ours[i];
            if (differs) inner[i] = memory(theirs[i], engine(), nullptr);
            arguments[names[i]] = differs ? inner[i] : outer[i];
            if (differs && i != result) add_reorder(outer[i], inner[i]);
        }
        if (g.with_bias) arguments[DNNL_ARG_BIAS] = bias = memory(of_bias, engine(), nullptr);
        steps.push_back({convolution, arguments});
        if (inner[result]) add_reorder(inner[result], outer[result]);
    }

    void add_reorder(dnnl::memory& from, dnnl::memory& to) {
        steps.push_back({dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}});
    }
};

inline void convolve(Direction direction, jittor::Var* x, jittor::Var* w, jittor::Var* y, jittor::Var* bias,
                     Window window) {
    static std::map<Geometry::Key, Plan> plans;
    const auto &xs = x->shape, &ws = w->shape, &ys = y->shape;
    const Geometry geometry{xs[0], xs[1], xs[2],  xs[3],     ws[0],           ws[2],
                            ws[3], ys[2], ys[3], window, direction, bias != nullptr, omp_get_max_threads()};
    auto found = plans.find(geometry.key());
    if (found == plans.end()) {
        if (plans.size() >= MOST_PLANS) plans.clear();
        found = plans.emplace(geometry.key(), Plan(geometry)).first;
    }
    found->second.run(floats(x), floats(w), floats(y), bias ? floats(bias) : nullptr);
}

// The numbers are a Window's.

// x (N, I, H, W), w (O, I, kh, kw), perhaps bias (O,) -> y
template <class... Numbers>
void convolve_forward(const Vars& in, const Vars& out, Numbers... window) {
    convolve(FORWARD, in[0], in[1], out[0], in.size() > 2 ? in[2] : nullptr, Window(window...));
}

// dy, w -> dx, which is also the transposed convolution of dy
template <class... Numbers>
void convolve_backward_data(const Vars& in, const Vars& out, Numbers... window) {
    convolve(BACKWARD_DATA, out[0], in[1], in[0], nullptr, Window(window...));
}

// x, dy -> dw
template <class... Numbers>
void convolve_backward_weights(const Vars& in, const Vars& out, Numbers... window) {
    convolve(BACKWARD_WEIGHTS, in[0], out[0], in[1], nullptr, Window(window...));
}

}  // namespace jgan
