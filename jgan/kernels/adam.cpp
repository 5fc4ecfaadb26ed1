// A step of Adam for many parameters at once.
#include <cmath>
#include "arrays.hpp"

namespace jgan {

// k parameters, their k gradients, first and second moments -> k parameters, first and second moments.
//   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  p = p - step m / (sqrt(v) / root + eps)
// with step = lr / (1 - b1^t) and root = sqrt(1 - b2^t): Kingma & Ba 2015, algorithm 1, in PyTorch's order.
void adam(const Arrays& in, const Arrays& out, double b1, double b2, double eps, double step, double root) {
    const float keep_m = b1, take_m = 1 - b1, keep_v = b2, take_v = 1 - b2;
    const float small = eps, length = step, inverse = 1 / root;
    const size_t n_parameters = out.size() / 3;
    int64_t total = 0;
    for (size_t i = 0; i < n_parameters; ++i) total += in[i].num;
#pragma omp parallel if (total >= VALUES_WORTH_THREADS)
    for (size_t i = 0; i < n_parameters; ++i) {
        const float *p = in[i].values, *g = in[n_parameters + i].values;
        const float *m = in[2 * n_parameters + i].values, *v = in[3 * n_parameters + i].values;
        float *new_p = out[i].values, *new_m = out[n_parameters + i].values, *new_v = out[2 * n_parameters + i].values;
        const int64_t n = in[i].num;
#pragma omp for simd schedule(static) nowait
        for (int64_t k = 0; k < n; ++k) {
            const float moment = keep_m * m[k] + take_m * g[k];
            const float square = keep_v * v[k] + take_v * g[k] * g[k];
            new_m[k] = moment;
            new_v[k] = square;
            new_p[k] = p[k] - length * moment / (std::sqrt(square) * inverse + small);
        }
    }
}

}  // namespace jgan
