// Largest |eigenvalue| of a small matrix: the formulas of finite_volume/fluxes.py, `spectral_radius`.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

namespace sciml {

// ‖A^16‖^(1/16). a: (m, m), overwritten; spare: as large.
inline double power_bound(double* a, double* spare, int m) {
  double size = 1e-300, scale;
  for (int k = 0; k < m * m; ++k) size = std::fmax(size, std::fabs(a[k]));
  for (int k = 0; k < m * m; ++k) a[k] /= size;
  scale = std::log(size);
  for (int turn = 0; turn < 4; ++turn) {
    double square = 0;
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < m; ++j) {
        double sum = 0;
        for (int k = 0; k < m; ++k) sum += a[i * m + k] * a[k * m + j];
        spare[i * m + j] = sum, square += sum * sum;
      }
    const double norm = std::fmax(std::sqrt(square), 1e-300);
    for (int k = 0; k < m * m; ++k) a[k] = spare[k] / norm;
    scale += std::log(norm) / (2 << turn);
  }
  return std::exp(scale);
}

inline double radius_of_two(double a, double b, double c, double d) {
  const double half = (a + d) / 2, unlike = (a - d) / 2, off = unlike * unlike + b * c;
  return off >= 0 ? std::fabs(half) + std::sqrt(off) : std::sqrt(std::fmax(half * half - off, 0.0));
}

inline double radius_of_three(double* a, double* spare) {
  const double mean = (a[0] + a[4] + a[8]) / 3, x = a[0] - mean, y = a[4] - mean, z = a[8] - mean;
  const double u = a[1] * a[3], v = a[2] * a[6], w = a[5] * a[7];
  const double size = (x * x + y * y + z * z + 2 * (u + v + w)) / 6;
  const double determinant = x * (y * z - w) - y * v - z * u + a[1] * a[5] * a[6] + a[2] * a[3] * a[7];
  const double p = std::sqrt(std::fmax(size, 0.0)), cosine = determinant / std::fmax(2 * p * p * p, 1e-300);
  if (std::fabs(cosine) > 1 + 1e-6) return power_bound(a, spare, 3);  // complex ones, or p is rounding
  const double angle = std::acos(std::clamp(cosine, -1.0, 1.0)) / 3, c = std::cos(angle), s = std::sin(angle);
  return std::fmax(std::fabs(mean + 2 * p * c), std::fabs(mean - p * (c + 1.7320508075688772935 * s)));
}

// a: (m, m), may be overwritten
inline double spectral_radius(double* a, double* spare, int m) {
  double sum = 0;
  for (int k = 0; k < m * m; ++k) sum += a[k];
  if (!std::isfinite(sum)) return sum - sum;  // not a number, as it should be told
  if (m == 1) return std::fabs(a[0]);
  if (m == 2) return radius_of_two(a[0], a[1], a[2], a[3]);
  return m == 3 ? radius_of_three(a, spare) : power_bound(a, spare, m);
}

}  // namespace sciml
