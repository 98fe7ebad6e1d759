// Values on both sides of faces from cell averages, and averages to values at midpoints and back; along any stride.
//
// Jiang & Shu, J. Comput. Phys. 126, 1996; weno-z: Borges, Carmona, Costa & Don, J. Comput. Phys. 227, 2008; van Leer
// 1974; minmod: Roe 1986. The numbers are those of finite_volume/reconstruction.py, with fewer divisions.
#pragma once
#include <cmath>

#include "volume_law.hpp"

namespace sciml {

constexpr long GHOSTS = 4, MARGIN = 2;

// x, y, z: second differences of the averages a … e, from the far side towards the face.
template <int KIND> inline double weno(double a, double b, double c, double d, double e, double x, double y, double z, double floor) {
  const double p = a - 4 * b + 3 * c, q = b - d, r = 3 * c - 4 * d + e;
  const double first = x * x * (13. / 12) + p * p * 0.25, middle = y * y * (13. / 12) + q * q * 0.25;
  const double last = z * z * (13. / 12) + r * r * 0.25;
  const double s0 = first + floor, s1 = middle + floor, s2 = last + floor;
  double w0, w1, w2;  // weights up to a common factor
  if constexpr (KIND == WENO_Z) {
    const double far = std::fabs(first - last) / (s0 * s1 * s2);
    const double t0 = far * (s1 * s2), t1 = far * (s0 * s2), t2 = far * (s0 * s1);
    w0 = 0.1 * (1 + t0 * t0), w1 = 0.6 * (1 + t1 * t1), w2 = 0.3 * (1 + t2 * t2);
  } else {
    const double t0 = s1 * s2, t1 = s0 * s2, t2 = s0 * s1;
    w0 = 0.1 * (t0 * t0), w1 = 0.6 * (t1 * t1), w2 = 0.3 * (t2 * t2);
  }
  return (w0 * (2 * a - 7 * b + 11 * c) + w1 * (5 * c - b + 2 * d) + w2 * (2 * c + 5 * d - e)) / (6 * (w0 + w1 + w2));
}

template <int KIND> inline double limited(double a, double b) {
  const double product = a * b;
  if constexpr (KIND == MINMOD) {
    const double small = std::fmin(std::fabs(a), std::fabs(b));
    return product > 0 ? (a > 0 ? small : -small) : 0.0;
  } else {
    return product > 0 ? 2 * product / (a + b) : 0.0;
  }
}

// cells: the one below the first face; its neighbours across the face are `stride` apart, the next face's cell 1.
template <int KIND>
inline void traces(const double* __restrict__ cells, long stride, long count, double floor, double* __restrict__ below, double* __restrict__ above) {
  for (long i = 0; i < count; ++i) {
    const double* v = cells + i;
    const double b = v[-stride], c = v[0], d = v[stride], e = v[2 * stride];
    if constexpr (KIND == WENO5 || KIND == WENO_Z) {
      const double a = v[-2 * stride], f = v[3 * stride];
      const double x = a - 2 * b + c, y = b - 2 * c + d, z = c - 2 * d + e, w = d - 2 * e + f;
      below[i] = weno<KIND>(a, b, c, d, e, x, y, z, floor);
      above[i] = weno<KIND>(f, e, d, c, b, w, z, y, floor);
    } else {
      below[i] = c + limited<KIND>(c - b, d - c) / 2;
      above[i] = d - limited<KIND>(d - c, e - d) / 2;
    }
  }
}

inline void traces(int kind, const double* cells, long stride, long count, double floor, double* below, double* above) {
  switch (kind) {
    case WENO5: return traces<WENO5>(cells, stride, count, floor, below, above);
    case WENO_Z: return traces<WENO_Z>(cells, stride, count, floor, below, above);
    case VAN_LEER: return traces<VAN_LEER>(cells, stride, count, floor, below, above);
    default: return traces<MINMOD>(cells, stride, count, floor, below, above);
  }
}

// Symmetric five-point sums: averages over cells or faces to values at their middles, and back; order six.
struct Five {
  double near, far;
  void operator()(const double* a, const double* b, const double* c, const double* d, const double* e, double* __restrict__ to, long count) const {
    const double middle = 1 - 2 * near - 2 * far;
    for (long i = 0; i < count; ++i) to[i] = c[i] * middle + (b[i] + d[i]) * near + (a[i] + e[i]) * far;
  }
  // from: the first of the five for the first result
  void along(const double* from, double* to, long count) const {
    (*this)(from, from + 1, from + 2, from + 3, from + 4, to, count);
  }
};
constexpr Five TO_POINTS{-1. / 24 - 4 * (3. / 640), 3. / 640}, TO_AVERAGES{1. / 24 + 4 * (17. / 5760), -17. / 5760};

}  // namespace sciml
