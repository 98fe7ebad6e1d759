// Rows of row-stochastic Gibbs kernels, S_ij = exp(eta (phi_i + g_j - C_ij)): costs from a matrix or from coordinates.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "elementary.hpp"
#include "team.hpp"

namespace sciml {

constexpr double NOTHING = -std::numeric_limits<double>::infinity();

// log Σ_j exp(e_j); e_j becomes exp(e_j - it), or 0 where every e_j is -inf.
inline double normalised(double* e, long m) {
  double largest = NOTHING, total = 0;
#pragma omp simd reduction(max : largest)
  for (long j = 0; j < m; ++j) largest = e[j] > largest ? e[j] : largest;
  if (largest == NOTHING) {
    std::fill_n(e, m, 0.0);
    return NOTHING;
  }
#pragma omp simd reduction(+ : total)
  for (long j = 0; j < m; ++j) {
    e[j] = exponential(e[j] - largest);
    total += e[j];
  }
  const double scale = 1 / total;
#pragma omp simd
  for (long j = 0; j < m; ++j) e[j] *= scale;
  return largest + std::log(total);
}

inline double dot(const double* a, const double* b, long m) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (long j = 0; j < m; ++j) total += a[j] * b[j];
  return total;
}

inline void add(double* to, double factor, const double* a, long m) {
#pragma omp simd
  for (long j = 0; j < m; ++j) to[j] += factor * a[j];
}

enum Cost { MATRIX = -1, SQUARED = 0, EUCLIDEAN = 1, L1 = 2 };

// Costs: a matrix (n, m), or points x: (n, dim) and y: (dim, m).
struct Costs {
  const double *matrix, *x, *y;
  long n, m, dim, kind;

  // row i, either where it is stored or computed into `room`
  const double* row(long i, double* room) const {
    if (kind == MATRIX) return matrix + i * m;
    std::fill_n(room, m, 0.0);
    for (long d = 0; d < dim; ++d) {
      const double at = x[i * dim + d];
      const double* b = y + d * m;
      if (kind == L1) {
#pragma omp simd
        for (long j = 0; j < m; ++j) room[j] += std::fabs(at - b[j]);
      } else {
#pragma omp simd
        for (long j = 0; j < m; ++j) room[j] += (at - b[j]) * (at - b[j]);
      }
    }
    if (kind == EUCLIDEAN) {
#pragma omp simd
      for (long j = 0; j < m; ++j) room[j] = std::sqrt(room[j]);
    }
    return room;
  }
};

// A kernel as it is used in products: stored, or computed row by row.
struct Gibbs {
  Costs costs;
  const double *stored, *phi, *g;
  double eta;

  const double* row(long i, double* room) const {
    if (stored) return stored + i * costs.m;
    const double* cost = costs.row(i, room);
    const double at = phi[i], rate = eta;
#pragma omp simd
    for (long j = 0; j < costs.m; ++j) room[j] = exponential(rate * (at + g[j] - cost[j]));
    return room;
  }
};

// Sums over rows made by several threads, added in the order of the threads: `each(i, sums, room)`.
template <class F> void summed(int threads, long rows, long columns, double* out, long rooms, F each) {
  std::vector<std::vector<double>> parts(threads);
  together(threads, [&](const Member& me) {
    auto& part = parts[me.rank];
    part.assign(columns, 0.0);
    std::vector<double> room(rooms * columns);
    const long from = rows * me.rank / me.threads, to = rows * (me.rank + 1) / me.threads;
    each(from, to, part.data(), room.data());
  });
  std::fill_n(out, columns, 0.0);
  for (auto& part : parts)
    if (!part.empty())
      for (long j = 0; j < columns; ++j) out[j] += part[j];
}

// What the weight of a row is in the sum over rows, from t_i = Σ_j S_ij w_j.
enum Mode { SWEEP = 0, NORMAL = 1 };
inline double weight(long mode, double r, double t) { return mode == SWEEP ? r / t : r * t; }

}  // namespace sciml
