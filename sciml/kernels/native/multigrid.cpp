// V-cycles and conjugate gradients preconditioned by them, for the five-point operators of grid_level.hpp.
//
// What happens between two visits to memory is done in one pass over the rows of a grid: red and black Gauss–Seidel,
// residual and full weighting on the way down; interpolation, black, red and a norm on the way up. The smoother on the way
// up is the adjoint of that on the way down, so a cycle is symmetric.
#include <algorithm>

#include "banded.hpp"
#include "coarsening.hpp"
#include "grid_level.hpp"
#include "wave.hpp"

namespace {

using namespace sciml;

constexpr long FEW_ROWS = 256;  // of one thread; where there would be fewer, threads wait longer than they work
constexpr long UNKNOWNS = 80;   // up to which a grid is solved directly

class Hierarchy {
 public:
  Hierarchy(long nx, long ny, const double* ax, const double* by, const double* shift, const int* fixed, bool pinned,
            int sweeps, int threads)
      : threads_(std::clamp<long>(nx / FEW_ROWS, 1, threads)), sweeps_(sweeps), parts_(LANES * threads_) {
    levels_.push_back(std::make_unique<Level>(nx, ny));
    Level& top = *levels_[0];
    Field rest(nx, ny);
    for (long i = 0; i < nx; ++i) {
      if (i + 1 < nx) std::memcpy(top.ax.row(i), ax + i * ny, ny * sizeof(double));
      std::memcpy(top.by.row(i), by + i * (ny - 1), (ny - 1) * sizeof(double));
      if (shift) std::memcpy(rest.row(i), shift + i * ny, ny * sizeof(double));
    }
    finish(top, rest, fixed);
    while (true) {
      const Level& fine = *levels_.back();
      const bool halves = fine.nx % 2 && fine.ny % 2 && std::min(fine.nx, fine.ny) > 4;
      if (!halves || unknowns(fine, fixed) <= UNKNOWNS) break;
      auto coarse = std::make_unique<Level>((fine.nx + 1) / 2, (fine.ny + 1) / 2);
      rest = coarsened(fine, rest, *coarse, fixed);
      levels_.push_back(std::move(coarse));
    }
    direct_ = std::make_unique<Banded>(*levels_.back(), pinned);
    wanted_.resize(threads_);
  }

  long depth() const { return levels_.size(); }

  // u = x, f = b; gives |b - A x| and |D x|
  double start(const double* b, const double* x, double* size) {
    Level& top = *levels_[0];
    double total = 0, weight = 0;
    conjugate_ = false;
    for (long i = 0; i < top.nx; ++i) {
      const double* inverse = top.inv.row(i);
      for (long j = 0; j < top.ny; ++j) {
        const bool unknown = inverse[j] > 0;
        top.f.row(i)[j] = unknown ? b[i * top.ny + j] : 0.0;
        top.u.row(i)[j] = unknown ? x[i * top.ny + j] : 0.0;
      }
    }
    std::vector<double> r(top.ny);
    for (long i = 0; i < top.nx; ++i) {
      const double *inverse = top.inv.row(i), *v = top.u.row(i);
      top.residual(i, top.u, r.data());
      for (long j = 0; j < top.ny; ++j) {
        total += r[j] * r[j];
        if (inverse[j] > 0) weight += v[j] / inverse[j] * (v[j] / inverse[j]);
      }
    }
    *size = std::sqrt(weight);
    return std::sqrt(total);
  }

  // one V-cycle; the norm of the residual after it
  double cycle() {
    double norm = 0;
    together(threads_, [&](Member me) {
      ascended_ = product_ = 0;
      descend(0, me, false);
      const double total = sum(me, ascended_);
      if (me.rank == 0) norm = total;
    });
    return std::sqrt(norm);
  }

  // one step of conjugate gradients preconditioned by a V-cycle; the norm of the residual after it
  double conjugate_step() {
    Level& top = *levels_[0];
    if (!conjugate_) begin();
    double norm = 0;
    together(threads_, [&](Member me) {
      ascended_ = product_ = 0;
      descend(0, me, true);
      const double rz = sum(me, product_);
      const double beta = before_ > 0 ? rz / before_ : 0.0;
      double own = 0;
      pass(me, top.nx, {0, 1}, [&](int s, long i) {
        if (s == 0) {
          double* p = p_.row(i);
          const double* z = top.u.row(i);
          for (long j = 0; j < top.ny; ++j) p[j] = z[j] + beta * p[j];
        } else {
          own += top.apply(i, p_, q_.row(i));
        }
      });
      const double curvature = sum(me, own);
      const double alpha = curvature > 0 ? rz / curvature : 0.0;
      own = 0;
      me.share(top.nx, [&](long i) {
        double *x = x_.row(i), *r = top.f.row(i);
        const double *p = p_.row(i), *q = q_.row(i);
        double total = 0;
#pragma omp simd reduction(+ : total)
        for (long j = 0; j < top.ny; ++j) {
          x[j] += alpha * p[j];
          r[j] -= alpha * q[j];
          total += r[j] * r[j];
        }
        own += total;
      });
      const double total = sum(me, own);
      if (me.rank == 0) norm = total, before_ = rz;
      me.wait();
    });
    return std::sqrt(norm);
  }

  void solution(double* x) const {
    const Level& top = *levels_[0];
    for (long i = 0; i < top.nx; ++i)
      std::memcpy(x + i * top.ny, (conjugate_ ? x_ : top.u).row(i), top.ny * sizeof(double));
  }

 private:
  double sum(const Member& me, double own) {
    parts_[LANES * me.rank] = own;
    me.wait();
    double total = 0;
    for (int k = 0; k < me.threads; ++k) total += parts_[LANES * k];
    me.wait();
    return total;
  }

  // The cycle from level k down and up again. What it leaves for the caller on level 0: |residual|² or u·f of this
  // thread's rows, in `ascended_` or `product_`.
  void descend(size_t k, const Member& team, bool from_zero) {
    Level& l = *levels_[k];
    const bool last = k + 1 == levels_.size(), alone = l.nx < FEW_ROWS * team.threads && team.threads > 1;
    if (alone || last) {
      if (team.rank == 0) {
        Barrier nobody;
        const Member one{0, 1, &nobody};
        if (last) direct_->solve(l);
        else work(k, one, from_zero);
      }
      if (k == 0 && last) finish_direct(l, team);
      team.wait();
      return;
    }
    work(k, team, from_zero);
  }

  void work(size_t k, const Member& me, bool from_zero) {
    Level &l = *levels_[k], &coarse = *levels_[k + 1];
    Workspace& mine = wanted_[me.rank];
    std::vector<long> lag;
    for (int s = 0; s < 2 * sweeps_; ++s) lag.push_back(s);
    lag.push_back(lag.back() + 2);
    mine.restriction.forget();
    mine.row.resize(std::max<size_t>(mine.row.size(), 2 * (l.ny + LANES)));
    double *row = mine.row.data(), *other = row + l.ny + LANES;
    pass(me, l.nx, lag, [&](int s, long i) {
      if (s == 2 * sweeps_) {
        if (i % 2 == 0) mine.restriction.to(l, coarse, i / 2);
      } else if (s == 0 && from_zero) {
        l.relax_from_zero(i);
      } else {
        l.relax(i, s % 2, row);
      }
    });
    descend(k + 1, me, true);
    lag.assign(1, 0);
    for (int s = 1; s <= 2 * sweeps_; ++s) lag.push_back(s);
    const bool norm = k == 0 && !from_zero;
    if (norm) lag.push_back(lag.back() + 1);
    double residual = 0, product = 0;
    pass(me, l.nx, lag, [&](int s, long i) {
      if (s == 0) l.correct(i, coarse, other, row);
      else if (s <= 2 * sweeps_) l.relax(i, s % 2, row);
      if (s == 2 * sweeps_ && k == 0 && from_zero) {
        const double *v = l.u.row(i), *f = l.f.row(i);
        double total = 0;
#pragma omp simd reduction(+ : total)
        for (long j = 0; j < l.ny; ++j) total += v[j] * f[j];
        product += total;
      }
      if (s == 2 * sweeps_ + 1) residual += squared(l, i, row);
    });
    if (k == 0) {
      ascended_ = residual, product_ = product;
    }
  }

  static double squared(const Level& l, long i, double* r) {
    l.residual(i, l.u, r);
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (long j = 0; j < l.ny; ++j) total += r[j] * r[j];
    return total;
  }

  void finish_direct(Level& l, const Member& me) {
    me.wait();
    double residual = 0, product = 0;
    std::vector<double> row(l.ny + LANES);
    me.share(l.nx, [&](long i) {
      residual += squared(l, i, row.data());
      for (long j = 0; j < l.ny; ++j) product += l.u.row(i)[j] * l.f.row(i)[j];
    });
    ascended_ = residual, product_ = product;
  }

  void begin() {
    Level& top = *levels_[0];
    x_ = Field(top.nx, top.ny), p_ = Field(top.nx, top.ny), q_ = Field(top.nx, top.ny);
    for (long i = 0; i < top.nx; ++i) top.residual(i, top.u, q_.row(i));
    for (long i = 0; i < top.nx; ++i) {
      std::memcpy(x_.row(i), top.u.row(i), top.ny * sizeof(double));
      std::memcpy(top.f.row(i), q_.row(i), top.ny * sizeof(double));
    }
    conjugate_ = true, before_ = 0;
  }

  struct Workspace {
    Restriction restriction;
    std::vector<double> row;
  };
  int threads_, sweeps_;
  std::vector<std::unique_ptr<Level>> levels_;
  std::unique_ptr<Banded> direct_;
  std::vector<double> parts_;
  std::vector<Workspace> wanted_;
  Field x_, p_, q_;
  bool conjugate_ = false;
  double before_ = 0;
  static thread_local double ascended_, product_;
};

thread_local double Hierarchy::ascended_ = 0;
thread_local double Hierarchy::product_ = 0;

}  // namespace

extern "C" {

// ax: (nx-1, ny), by: (nx, ny-1), shift: (nx, ny) or null; fixed: 4 flags, whether u is given at the lower and upper end
// of x and of y; pinned: A is singular, its kernel the constants
void* create(long nx, long ny, const double* ax, const double* by, const double* shift, const int* fixed, int pinned,
             int sweeps, int threads) {
  return new Hierarchy(nx, ny, ax, by, shift, fixed, pinned, sweeps, threads);
}

void destroy(void* h) { delete static_cast<Hierarchy*>(h); }

long depth(void* h) { return static_cast<Hierarchy*>(h)->depth(); }

double start(void* h, const double* b, const double* x, double* size) {
  return static_cast<Hierarchy*>(h)->start(b, x, size);
}

double cycle(void* h) { return static_cast<Hierarchy*>(h)->cycle(); }

double conjugate_step(void* h) { return static_cast<Hierarchy*>(h)->conjugate_step(); }

void solution(void* h, double* x) { static_cast<Hierarchy*>(h)->solution(x); }
}
