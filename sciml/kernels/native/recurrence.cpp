// A shallow piecewise-linear recurrence under teacher forcing, forwards and backwards through time.
//
//   z_t = a z' + W1 (relu(W2 z' + h2) - [clipped] relu(W2 z')) + h1,   z' = (1 - alpha) z_{t-1} + alpha x_{t-1},  z'_0 = x_0
//
// Eight sequences go together, one a lane. Arrays: data (T + 1, B, M), states and inputs z' (T, B, M), w1 (M, L),
// w2 (L, M). The hinges are computed again on the way back: cheaper than reading them.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

constexpr int64_t LANES = 8;
typedef double Lanes __attribute__((vector_size(LANES * sizeof(double))));
const Lanes ZERO = {};

struct Task {
    int64_t steps, batch, size, units, clipped;
    double alpha;
    const double *a, *w1, *w2, *h1, *h2;
};

inline Lanes positive(Lanes value) { return value > ZERO ? value : ZERO; }

inline double sum(Lanes value) {
    double total = 0.0;
    for (int64_t i = 0; i < LANES; i++) total += value[i];
    return total;
}

// One time of `count` sequences, first ... first + count - 1, of an array (time, B, M).
inline void load(const double *from, int64_t size, int64_t count, std::vector<Lanes> &to) {
    for (int64_t m = 0; m < size; m++) {
        Lanes value = ZERO;
        for (int64_t i = 0; i < count; i++) value[i] = from[i * size + m];
        to[m] = value;
    }
}

inline void store(const std::vector<Lanes> &from, int64_t size, int64_t count, double *to) {
    for (int64_t m = 0; m < size; m++)
        for (int64_t i = 0; i < count; i++) to[i * size + m] = from[m][i];
}

}  // namespace

extern "C" {

void recurrence_forward(const Task *task, const double *data, double *states, double *inputs) {
    const Task &k = *task;
    const int64_t M = k.size, L = k.units, row = k.batch * M;
    std::vector<Lanes> z(M), in(M), x(M), out(M);
    for (int64_t first = 0; first < k.batch; first += LANES) {
        const int64_t count = std::min(LANES, k.batch - first), at = first * M;
        load(data + at, M, count, z);
        for (int64_t t = 0; t < k.steps; t++) {
            load(data + t * row + at, M, count, x);
            for (int64_t m = 0; m < M; m++) {
                in[m] = (1.0 - k.alpha) * z[m] + k.alpha * x[m];
                out[m] = k.a[m] * in[m] + k.h1[m];
            }
            for (int64_t l = 0; l < L; l++) {
                Lanes pre = ZERO;
                for (int64_t m = 0; m < M; m++) pre += k.w2[l * M + m] * in[m];
                Lanes bent = positive(pre + k.h2[l]);
                if (k.clipped) bent -= positive(pre);
                for (int64_t m = 0; m < M; m++) out[m] += k.w1[m * L + l] * bent;
            }
            std::swap(z, out);
            store(z, M, count, states + t * row + at);
            if (inputs) store(in, M, count, inputs + t * row + at);
        }
    }
}

// slopes: of the loss in the states (T, B, M). The gradients are written, not added to.
void recurrence_backward(
    const Task *task, const double *inputs, const double *slopes, double *ga, double *gw1, double *gw2, double *gh1,
    double *gh2
) {
    const Task &k = *task;
    const int64_t M = k.size, L = k.units, row = k.batch * M;
    std::vector<Lanes> g(M), in(M), slope(M), back(M), of_a(M), of_h1(M), of_h2(L), of_w1(M * L), of_w2(M * L);
    for (auto *part : {&of_a, &of_h1, &of_h2, &of_w1, &of_w2}) std::fill(part->begin(), part->end(), ZERO);
    for (int64_t first = 0; first < k.batch; first += LANES) {
        const int64_t count = std::min(LANES, k.batch - first), at = first * M;
        std::fill(g.begin(), g.end(), ZERO);
        for (int64_t t = k.steps - 1; t >= 0; t--) {
            load(slopes + t * row + at, M, count, slope);
            load(inputs + t * row + at, M, count, in);
            for (int64_t m = 0; m < M; m++) {
                g[m] += slope[m];
                of_a[m] += g[m] * in[m];
                of_h1[m] += g[m];
                back[m] = k.a[m] * g[m];
            }
            for (int64_t l = 0; l < L; l++) {
                Lanes pre = ZERO, due = ZERO;
                for (int64_t m = 0; m < M; m++) {
                    pre += k.w2[l * M + m] * in[m];
                    due += k.w1[m * L + l] * g[m];
                }
                const Lanes shifted = pre + k.h2[l];
                Lanes bent = positive(shifted);
                const Lanes of_shift = shifted > ZERO ? due : ZERO;
                Lanes of_pre = of_shift;
                if (k.clipped) {
                    bent -= positive(pre);
                    of_pre -= pre > ZERO ? due : ZERO;
                }
                of_h2[l] += of_shift;
                for (int64_t m = 0; m < M; m++) {
                    of_w1[l * M + m] += g[m] * bent;
                    of_w2[l * M + m] += of_pre * in[m];
                    back[m] += k.w2[l * M + m] * of_pre;
                }
            }
            for (int64_t m = 0; m < M; m++) g[m] = (1.0 - k.alpha) * back[m];
        }
    }
    for (int64_t m = 0; m < M; m++) {
        ga[m] = sum(of_a[m]);
        gh1[m] = sum(of_h1[m]);
        for (int64_t l = 0; l < L; l++) {
            gw1[m * L + l] = sum(of_w1[l * M + m]);
            gw2[l * M + m] = sum(of_w2[l * M + m]);
        }
    }
    for (int64_t l = 0; l < L; l++) gh2[l] = sum(of_h2[l]);
}
}
