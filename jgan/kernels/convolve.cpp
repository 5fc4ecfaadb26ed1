// Convolution of NCHW float images, and its two derivatives: by oneDNN 2, with what it needs kept between calls, or where
// that is faster by patches.hpp, winograd.hpp and columns.hpp.
//
// oneDNN works fastest in layouts of its own. Jittor's operators ask for the primitive, for memory in its layouts and for
// the reorders into and out of it at every call; here they are kept, by shape.
#include <array>
#include <dnnl.hpp>
#include <map>
#include <new>
#include <omp.h>
#include <unordered_map>
#include "arrays.hpp"
#include "columns.hpp"
#include "geometry.hpp"
#include "patches.hpp"
#include "scratch.hpp"
#include "winograd.hpp"

namespace jgan {

constexpr size_t MOST_PLANS = 512;  // shapes in use; more begin anew

inline dnnl::engine& engine() {
    static dnnl::engine it(dnnl::engine::kind::cpu, 0);
    return it;
}

// What a plan depends on.
struct Task {
    Direction direction;
    Geometry sizes;
    bool with_bias;
    int n_threads;

    // 3x3 windows at stride 1: oneDNN's F(4x4, 3x3) is twice as fast, unless there are so few tiles that the transformed
    // weights are most of the work. It errs by 1e-6 like the others.
    bool suits_onednns_winograd() const {
        const Geometry& g = sizes;
        return g.kh == 3 && g.kw == 3 && g.stride_h == 1 && g.stride_w == 1 && g.ic >= 16 && g.oc >= 16 &&
               g.n * g.oh * g.ow >= 512;
    }

    using Key = std::array<int64_t, 16>;
    Key key() const {
        const Geometry& g = sizes;
        return {g.n,        g.ic,        g.ih,        g.iw,     g.oc,      g.kh,     g.kw, g.oh, g.ow, g.stride_h, g.stride_w,
                g.padding_h, g.padding_w, direction, with_bias, n_threads};
    }
};

// One primitive between the reorders that it needs.
class Plan {
    struct Step {
        dnnl::primitive primitive;
        std::unordered_map<int, dnnl::memory> arguments;
    };
    dnnl::memory outer[3], inner[3], bias;  // of x, w and y: as Jittor holds them, and in oneDNN's layout if it differs
    std::vector<Step> steps;

public:
    explicit Plan(const Task& task) {
        if (task.suits_onednns_winograd()) {
            try {
                set_up(task, dnnl::algorithm::convolution_winograd);
                return;
            } catch (const dnnl::error&) {  // not for this shape or processor
            }
        }
        set_up(task, dnnl::algorithm::convolution_direct);
    }

    void run(float* x, float* w, float* y, float* b) {
        static dnnl::stream stream(engine());
        float* ours[3] = {x, w, y};
        for (int i = 0; i < 3; ++i) {
            outer[i].set_data_handle(ours[i]);
            if (inner[i]) inner[i].set_data_handle(memory_of(i));
        }
        if (b) bias.set_data_handle(b);
        for (auto& step : steps) step.primitive.execute(stream, step.arguments);
    }

private:
    void* memory_of(int i) const {
        void* memory = scratch(i).of<void>(inner[i].get_desc().get_size());
        if (!memory) throw std::bad_alloc();
        return memory;
    }

    void set_up(const Task& task, dnnl::algorithm algorithm) {
        using namespace dnnl;
        const Geometry& g = task.sizes;
        steps.clear();
        for (auto& each : inner) each = memory();
        const auto f32 = memory::data_type::f32;
        const auto any = memory::format_tag::any, nchw = memory::format_tag::nchw, oihw = memory::format_tag::oihw;
        const memory::dims dims[3] = {
            {g.n, g.ic, g.ih, g.iw}, {g.oc, g.ic, g.kh, g.kw}, {g.n, g.oc, g.oh, g.ow}};
        const memory::dims strides{g.stride_h, g.stride_w};
        const memory::dims before{g.padding_h, g.padding_w};
        const memory::dims after{(g.oh - 1) * strides[0] + g.kh - g.ih - before[0],
                                 (g.ow - 1) * strides[1] + g.kw - g.iw - before[1]};
        memory::desc ours[3], theirs[3], any_layout[3];
        for (int i = 0; i < 3; ++i) {
            ours[i] = memory::desc(dims[i], f32, i == 1 ? oihw : nchw);
            any_layout[i] = memory::desc(dims[i], f32, any);
            outer[i] = memory(ours[i], engine(), nullptr);
        }
        const memory::desc of_bias = task.with_bias ? memory::desc({g.oc}, f32, memory::format_tag::a) : memory::desc();
        // Not forward_inference: oneDNN 2.2's brings weights into Winograd's layout by a reorder slower than the convolution,
        // and windows of 1x1 (brgconv_1x1) over wrong pixels at a stride of 1 down and more across.
        const convolution_forward::primitive_desc forward(
            {prop_kind::forward_training, algorithm, any_layout[0], any_layout[1], of_bias, any_layout[2], strides, before,
             after},
            engine());
        int names[3] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
        primitive convolution;
        if (task.direction == FORWARD) {
            convolution = convolution_forward(forward);
            theirs[0] = forward.src_desc(), theirs[1] = forward.weights_desc(), theirs[2] = forward.dst_desc();
        } else if (task.direction == BACKWARD_DATA) {
            const convolution_backward_data::primitive_desc backward(
                {algorithm, any_layout[0], any_layout[1], any_layout[2], strides, before, after}, engine(), forward);
            convolution = convolution_backward_data(backward);
            theirs[0] = backward.diff_src_desc(), theirs[1] = backward.weights_desc();
            theirs[2] = backward.diff_dst_desc();
            names[0] = DNNL_ARG_DIFF_SRC, names[2] = DNNL_ARG_DIFF_DST;
        } else {
            const convolution_backward_weights::primitive_desc backward(
                {algorithm, any_layout[0], any_layout[1], any_layout[2], strides, before, after}, engine(), forward);
            convolution = convolution_backward_weights(backward);
            theirs[0] = backward.src_desc(), theirs[1] = backward.diff_weights_desc();
            theirs[2] = backward.diff_dst_desc();
            names[1] = DNNL_ARG_DIFF_WEIGHTS, names[2] = DNNL_ARG_DIFF_DST;
        }
        const int result = task.direction == FORWARD ? 2 : task.direction == BACKWARD_DATA ? 0 : 1;
        std::unordered_map<int, memory> arguments;
        for (int i = 0; i < 3; ++i) {
            const bool differs = theirs[i] != ours[i];
            if (differs) inner[i] = memory(theirs[i], engine(), nullptr);
            arguments[names[i]] = differs ? inner[i] : outer[i];
            if (differs && i != result) add_reorder(outer[i], inner[i]);
        }
        if (task.with_bias) arguments[DNNL_ARG_BIAS] = bias = memory(of_bias, engine(), nullptr);
        steps.push_back({convolution, arguments});
        if (inner[result]) add_reorder(inner[result], outer[result]);
    }

    void add_reorder(dnnl::memory& from, dnnl::memory& to) {
        steps.push_back({dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}});
    }
};

inline void add_bias(const Geometry& g, const float* bias, float* y) {
    const int64_t size = g.oh * g.ow;
#pragma omp parallel for collapse(2) schedule(static) if (g.n * g.oc * size >= VALUES_WORTH_THREADS)
    for (int64_t i = 0; i < g.n; ++i)
        for (int64_t channel = 0; channel < g.oc; ++channel)
            for (int64_t k = 0; k < size; ++k) y[(i * g.oc + channel) * size + k] += bias[channel];
}

// in: x (N, I, H, W), w (O, I, kh, kw) -> y    if the direction is FORWARD
//     dy, w -> dx                              BACKWARD_DATA, which is also the transposed convolution of dy
//     x, dy -> dw                              BACKWARD_WEIGHTS
// and a third, which is the bias (O,) of y if it is biased.
void convolve(const Arrays& in, const Arrays& out, double direction, double biased, double stride_h, double stride_w,
              double padding_h, double padding_w) {
    engine();  // which the plans need to the end
    static std::map<Task::Key, Plan> plans;
    const auto unknown = Direction(int(direction));
    const Array& x = unknown == BACKWARD_DATA ? out[0] : in[0];
    const Array& w = unknown == BACKWARD_WEIGHTS ? out[0] : in[1];
    const Array& y = unknown == FORWARD ? out[0] : in[unknown == BACKWARD_DATA ? 0 : 1];
    float* bias = biased ? in[2].values : nullptr;
    const auto &xs = x.shape, &ws = w.shape, &ys = y.shape;
    const Geometry sizes{xs[0], xs[1], xs[2], xs[3], ws[0], ws[2], ws[3], ys[2], ys[3],
                         int64_t(stride_h), int64_t(stride_w), int64_t(padding_h), int64_t(padding_w)};
    if (sizes.n == 0) {
        std::fill_n(out[0].values, out[0].num, 0.f);
        return;
    }
    if (by_patches(unknown, sizes, x.values, w.values, y.values) ||
        winograd(unknown, sizes, x.values, w.values, y.values)) {
        if (bias) add_bias(sizes, bias, y.values);
        return;
    }
    if (by_columns(unknown, sizes, x.values, w.values, y.values)) return;
    const Task task{unknown, sizes, bias != nullptr, omp_get_max_threads()};
    auto found = plans.find(task.key());
    if (found == plans.end()) {
        if (plans.size() >= MOST_PLANS) plans.clear();
        found = plans.emplace(task.key(), Plan(task)).first;
    }
    found->second.run(x.values, w.values, y.values, bias);
}

}  // namespace jgan
