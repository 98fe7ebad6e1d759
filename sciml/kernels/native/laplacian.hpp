// Elimination in a graph Laplacian that never subtracts: weights and leaks stay accurate in every entry, however small, where
// Cholesky's method loses all that is below rounding of the diagonal (Grassmann, Taksar & Heyman, Oper. Res. 33, 1985).
#pragma once
#include "gibbs.hpp"

namespace sciml {

// x with Σ_j w_ij (x_i - x_j) + leak_i x_i = b_i. w: (m, m), symmetric, of which the part above the diagonal is used and
// destroyed, as leak and b are. An unknown tied to nothing that follows it and without a leak becomes 0.
inline void eliminate(long m, double* w, double* leak, double* b, double* x) {
  std::vector<double> pivot(m);
  for (long k = 0; k < m; ++k) {
    double* row = w + k * m;
    double total = leak[k];
#pragma omp simd reduction(+ : total)
    for (long j = k + 1; j < m; ++j) total += row[j];
    pivot[k] = total;
    if (!(total > 0)) continue;
    for (long i = k + 1; i < m; ++i) {
      if (row[i] == 0) continue;
      const double share = row[i] / total;
      double* other = w + i * m;
#pragma omp simd
      for (long j = i + 1; j < m; ++j) other[j] += share * row[j];
      leak[i] += share * leak[k];
      b[i] += share * b[k];
    }
  }
  for (long k = m - 1; k >= 0; --k) {
    double total = b[k];
    const double* row = w + k * m;
#pragma omp simd reduction(+ : total)
    for (long j = k + 1; j < m; ++j) total += row[j] * x[j];
    x[k] = pivot[k] > 0 ? total / pivot[k] : 0.0;
  }
}

}  // namespace sciml
