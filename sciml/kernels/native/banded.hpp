// The coarsest grid, directly: Cholesky factors of a band matrix, unknowns numbered along the shorter axis.
#pragma once
#include <algorithm>

#include "grid_level.hpp"

namespace sciml {

class Banded {
 public:
  // pinned: A is singular; one vertex is then held at 0, which a right side without mean does not notice
  Banded(const Level& l, bool pinned) : flip_(l.nx < l.ny) {
    const long lines = flip_ ? l.ny : l.nx, across = flip_ ? l.nx : l.ny;
    band_ = across;
    number_.assign(lines * across, -1);
    long count = 0;
    for (long p = 0; p < lines; ++p)
      for (long q = 0; q < across; ++q)
        if (at(l.inv, p, q) > 0 && !(pinned && !count && p == 0 && q == 0)) number_[p * across + q] = count++;
    factor_.assign(count * (band_ + 1), 0.0);
    for (long p = 0; p < lines; ++p)
      for (long q = 0; q < across; ++q) {
        const long n = number_[p * across + q];
        if (n < 0) continue;
        entry(n, n) = 1 / at(l.inv, p, q);
        const long below = p ? number_[(p - 1) * across + q] : -1, left = q ? number_[n_at(p, q - 1)] : -1;
        if (below >= 0) entry(n, below) = -(flip_ ? l.by.row(q)[p - 1] : l.ax.row(p - 1)[q]);
        if (left >= 0) entry(n, left) = -(flip_ ? l.ax.row(q - 1)[p] : l.by.row(p)[q - 1]);
      }
    for (long i = 0; i < count; ++i)
      for (long j = std::max(0L, i - band_); j <= i; ++j) {
        double sum = entry(i, j);
        for (long k = std::max(0L, i - band_); k < j; ++k)
          if (k >= j - band_) sum -= entry(i, k) * entry(j, k);
        entry(i, j) = i == j ? std::sqrt(sum) : sum / entry(j, j);
      }
    x_.resize(count);
  }

  void solve(Level& l) {
    const long count = x_.size();
    each(l, [&](long n, double&, double f) { x_[n] = f; });
    for (long i = 0; i < count; ++i) {
      for (long k = std::max(0L, i - band_); k < i; ++k) x_[i] -= entry(i, k) * x_[k];
      x_[i] /= entry(i, i);
    }
    for (long i = count - 1; i >= 0; --i) {
      x_[i] /= entry(i, i);
      for (long k = std::max(0L, i - band_); k < i; ++k) x_[k] -= entry(i, k) * x_[i];
    }
    each(l, [&](long n, double& u, double) { u = x_[n]; });
  }

 private:
  long n_at(long p, long q) const { return p * band_ + q; }
  double at(const Field& of, long p, long q) const { return flip_ ? of.row(q)[p] : of.row(p)[q]; }
  double& entry(long i, long j) { return factor_[i * (band_ + 1) + j - i + band_]; }
  template <class F> void each(Level& l, F f) {
    for (long p = 0; p < static_cast<long>(number_.size()) / band_; ++p)
      for (long q = 0; q < band_; ++q) {
        double& u = flip_ ? l.u.row(q)[p] : l.u.row(p)[q];
        if (number_[n_at(p, q)] >= 0) f(number_[n_at(p, q)], u, at(l.f, p, q));
        else u = 0;
      }
  }

  bool flip_;
  long band_;
  std::vector<long> number_;
  std::vector<double> factor_, x_;
};

}  // namespace sciml
