// One grid of a multigrid hierarchy: a five-point operator on (nx, ny) vertices, and what is done to a row of it.
//
//   (A u)_ij = D_ij u_ij - ax_(i-1)j u_(i-1)j - ax_ij u_(i+1)j - by_i(j-1) u_i(j-1) - by_ij u_i(j+1)
//
// Links are fluxes between control volumes, so A is symmetric; a link that leaves the grid is 0. Where the value is given
// 1/D is stored as 0: such a vertex, and the rim of zeros around the grid, stay 0 without a branch.
#pragma once
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace sciml {

constexpr long LANES = 8;

// (nx, ny) numbers with a rim: rows -1 … nx, and zeros before and after each row.
class Field {
 public:
  Field() = default;
  Field(long nx, long ny) : stride_((ny + LANES) / LANES * LANES + LANES), size_((nx + 2) * stride_) {
    data_.reset(static_cast<double*>(std::aligned_alloc(64, size_ * sizeof(double))));
    std::memset(data_.get(), 0, size_ * sizeof(double));
  }
  double* row(long i) { return data_.get() + (i + 1) * stride_ + LANES; }
  const double* row(long i) const { return data_.get() + (i + 1) * stride_ + LANES; }

 private:
  struct Free { void operator()(double* p) const { std::free(p); } };
  long stride_ = 0, size_ = 0;
  std::unique_ptr<double[], Free> data_;
};

struct Level {
  long nx, ny;
  Field ax, by, inv, u, f;
  std::vector<double> pattern;  // 1 0 1 0 …: which vertices of a row have a colour

  Level(long nx, long ny)
      : nx(nx), ny(ny), ax(nx, ny), by(nx, ny), inv(nx, ny), u(nx, ny), f(nx, ny), pattern(ny + 2) {
    for (long j = 0; j < ny + 2; ++j) pattern[j] = j % 2 == 0;
  }

  // Gauss–Seidel on the vertices with (i + j) % 2 == colour. The whole row is computed and half of it kept: that
  // vectorises, and memory is what takes the time. In two loops, as a vector must not be read that was just half written.
  void relax(long i, int colour, double* __restrict fresh) {
    double* v = u.row(i);
    const double *before = u.row(i - 1), *after = u.row(i + 1), *west = ax.row(i - 1), *east = ax.row(i);
    const double *north = by.row(i), *right = f.row(i), *inverse = inv.row(i);
    const double* mine = pattern.data() + ((i + colour) & 1);
    for (long j = 0; j < ny; ++j) {
      const double sum = right[j] + west[j] * before[j] + east[j] * after[j] + north[j - 1] * v[j - 1] + north[j] * v[j + 1];
      fresh[j] = inverse[j] * sum;
    }
    for (long j = 0; j < ny; ++j) v[j] = mine[j] > 0 ? fresh[j] : v[j];
  }

  // the same for u = 0 and the first colour
  void relax_from_zero(long i) {
    double* v = u.row(i);
    const double *right = f.row(i), *inverse = inv.row(i), *mine = pattern.data() + (i & 1);
    for (long j = 0; j < ny; ++j) v[j] = mine[j] * inverse[j] * right[j];
  }

  // r = f - A u on a row
  void residual(long i, const Field& of, double* r) const {
    const double *v = of.row(i), *before = of.row(i - 1), *after = of.row(i + 1), *west = ax.row(i - 1);
    const double *east = ax.row(i), *north = by.row(i), *right = f.row(i), *inverse = inv.row(i);
    for (long j = 0; j < ny; ++j) {
      const double n = inverse[j];
      const double sum = right[j] + west[j] * before[j] + east[j] * after[j] + north[j - 1] * v[j - 1] + north[j] * v[j + 1];
      r[j] = n > 0 ? sum - v[j] / (n > 0 ? n : 1.0) : 0.0;
    }
  }

  // q = A p on a row, and p·q
  double apply(long i, const Field& of, double* q) const {
    const double *v = of.row(i), *before = of.row(i - 1), *after = of.row(i + 1), *west = ax.row(i - 1);
    const double *east = ax.row(i), *north = by.row(i), *inverse = inv.row(i);
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (long j = 0; j < ny; ++j) {
      const double n = inverse[j];
      const double sum = west[j] * before[j] + east[j] * after[j] + north[j - 1] * v[j - 1] + north[j] * v[j + 1];
      const double value = n > 0 ? v[j] / (n > 0 ? n : 1.0) - sum : 0.0;
      q[j] = value;
      total += v[j] * value;
    }
    return total;
  }

  // bilinear interpolation of a coarser grid's u, added to a row
  void correct(long i, const Level& coarse, double* __restrict between, double* __restrict fresh) {
    const double *low = coarse.u.row(i / 2), *high = coarse.u.row((i + 1) / 2);
    const long half = coarse.ny;
    for (long j = 0; j < half; ++j) between[j] = 0.5 * (low[j] + high[j]);
    between[half] = 0;
    for (long j = 0; j < half; ++j) {
      fresh[2 * j] = between[j];
      fresh[2 * j + 1] = 0.5 * (between[j] + between[j + 1]);
    }
    double* v = u.row(i);
    for (long j = 0; j < ny; ++j) v[j] += fresh[j];
  }
};

// Rows of residuals on their way to a coarser grid: two neighbours of a coarse row share an odd one, kept.
class Restriction {
 public:
  void to(const Level& fine, Level& coarse, long row) {
    const long n = fine.ny + 2 * LANES;
    if (static_cast<long>(rows_.size()) < 4 * n) rows_.assign(4 * n, 0.0);
    double *low = rows_.data() + LANES, *middle = low + n, *high = middle + n, *sum = high + n;
    const long i = 2 * row;
    if (kept_ == i - 1 && of_ == &fine) std::memcpy(low, high, fine.ny * sizeof(double));
    else if (i > 0) fine.residual(i - 1, fine.u, low);
    else std::memset(low, 0, fine.ny * sizeof(double));
    fine.residual(i, fine.u, middle);
    if (i + 1 < fine.nx) fine.residual(i + 1, fine.u, high);
    else std::memset(high, 0, fine.ny * sizeof(double));
    kept_ = i + 1, of_ = &fine;
    for (long j = 0; j < fine.ny; ++j) sum[j] = middle[j] + 0.5 * (low[j] + high[j]);
    sum[-1] = sum[fine.ny] = 0;
    double* f = coarse.f.row(row);
    const double* inverse = coarse.inv.row(row);
    for (long j = 0; j < coarse.ny; ++j) {
      const double value = sum[2 * j] + 0.5 * (sum[2 * j - 1] + sum[2 * j + 1]);
      f[j] = inverse[j] > 0 ? value : 0.0;
    }
  }
  void forget() { kept_ = -9; }

 private:
  std::vector<double> rows_;
  long kept_ = -9;
  const Level* of_ = nullptr;
};

}  // namespace sciml
