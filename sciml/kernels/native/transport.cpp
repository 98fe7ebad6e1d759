// Entropic optimal transport: soft minima, and products with row-stochastic Gibbs kernels in one pass over their rows.
#include <cstring>

#include "gibbs.hpp"
#include "laplacian.hpp"

using namespace sciml;

extern "C" {

struct Task {
  const double *matrix, *x, *y;
  int64_t n, m, dim, kind, threads;
};

static Costs costs_of(const Task* t) { return {t->matrix, t->x, t->y, t->n, t->m, t->dim, t->kind}; }

// phi_i = -log Σ_j exp(eta (g_j - C_ij)) / eta; kept: S or nothing; columns_j = Σ_i r_i S_ij.
void softmin(const Task* t, const double* r, const double* g, double eta, double* phi, double* kept, double* columns) {
  const Costs costs = costs_of(t);
  const long m = t->m;
  summed(t->threads, t->n, m, columns, 1, [&](long from, long to, double* sums, double* room) {
    for (long i = from; i < to; ++i) {
      double* e = kept ? kept + i * m : room;
      const double* cost = costs.row(i, e);
#pragma omp simd
      for (long j = 0; j < m; ++j) e[j] = eta * (g[j] - cost[j]);
      phi[i] = -normalised(e, m) / eta;
      add(sums, r[i], e, m);
    }
  });
}

// rows_i = t_i = Σ_j S_ij w_j and columns_j = Σ_i weight_i S_ij; mode 0: weight r/t, 1: r t. In one pass.
void both(const Task* t, const double* kept, const double* phi, const double* g, double eta, int64_t mode,
          const double* r, const double* w, double* rows, double* columns) {
  const Gibbs kernel{costs_of(t), kept, phi, g, eta};
  const long m = t->m;
  constexpr long BLOCK = 4;
  summed(t->threads, t->n, m, columns, BLOCK, [&](long from, long to, double* sums, double* room) {
    long i = from;
    for (; i + BLOCK <= to; i += BLOCK) {
      const double* s[BLOCK];
      double f[BLOCK];
      for (long k = 0; k < BLOCK; ++k) {
        s[k] = kernel.row(i + k, room + k * m);
        rows[i + k] = dot(s[k], w, m);
        f[k] = weight(mode, r[i + k], rows[i + k]);
      }
      const double *s0 = s[0], *s1 = s[1], *s2 = s[2], *s3 = s[3];
      const double f0 = f[0], f1 = f[1], f2 = f[2], f3 = f[3];
#pragma omp simd
      for (long j = 0; j < m; ++j) sums[j] += (f0 * s0[j] + f1 * s1[j]) + (f2 * s2[j] + f3 * s3[j]);
    }
    for (; i < to; ++i) {
      const double* s = kernel.row(i, room);
      rows[i] = dot(s, w, m);
      add(sums, weight(mode, r[i], rows[i]), s, m);
    }
  });
}

// rows_i = Σ_j S_ij w_j, where w is given; columns_j = Σ_i u_i S_ij, where u is.
void product(const Task* t, const double* kept, const double* phi, const double* g, double eta, const double* w,
             double* rows, const double* u, double* columns) {
  const Gibbs kernel{costs_of(t), kept, phi, g, eta};
  std::vector<double> unused(columns ? 0 : t->m);
  summed(t->threads, t->n, t->m, columns ? columns : unused.data(), 1, [&](long from, long to, double* sums, double* room) {
    for (long i = from; i < to; ++i) {
      const double* s = kernel.row(i, room);
      if (w) rows[i] = dot(s, w, t->m);
      if (u) add(sums, u[i], s, t->m);
    }
  });
}

// rows_i = Σ_j S_ij C_ij; slope: (n, dim) of Σ_j S_ij ∂C/∂x_i, or nothing.
void mean_cost(const Task* t, const double* kept, const double* phi, const double* g, double eta, double* rows,
               double* slope) {
  const Costs costs = costs_of(t);
  const Gibbs kernel{costs, kept, phi, g, eta};
  const long m = t->m;
  std::vector<double> unused(m);
  summed(t->threads, t->n, m, unused.data(), 2, [&](long from, long to, double*, double* room) {
    for (long i = from; i < to; ++i) {
      const double *s = kernel.row(i, room), *cost = costs.row(i, room + m);
      rows[i] = dot(s, cost, m);
      for (long d = 0; slope && d < t->dim; ++d) {
        const double at = t->x[i * t->dim + d], *b = t->y + d * m;
        const long kind = t->kind;
        double total = 0;
#pragma omp simd reduction(+ : total)
        for (long j = 0; j < m; ++j) {
          const double apart = at - b[j], sign = apart > 0 ? 1.0 : (apart < 0 ? -1.0 : 0.0);
          const double root = cost[j] > 0 ? apart / (cost[j] > 0 ? cost[j] : 1.0) : 0.0;
          total += s[j] * (kind == SQUARED ? 2 * apart : (kind == L1 ? sign : root));
        }
        slope[i * t->dim + d] = total;
      }
    }
  });
}

// Entries of P_ij = r_i S_ij that a row or a column would miss: P_ij >= share r_i/m or P_ij >= share c_j/n. Counted per
// row, then (index and value given) written from start_i on.
void kept_entries(const Task* t, const double* kept, const double* phi, const double* g, double eta, const double* r,
                  const double* c, double share, int64_t* count, const int64_t* start, int32_t* index, double* value) {
  const Gibbs kernel{costs_of(t), kept, phi, g, eta};
  const long m = t->m;
  std::vector<double> unused(m);
  summed(t->threads, t->n, m, unused.data(), 1, [&](long from, long to, double*, double* room) {
    for (long i = from; i < to; ++i) {
      const double* s = kernel.row(i, room);
      const double row = share * r[i] / m, column = share / t->n;
      long found = 0;
      if (!index) {
        for (long j = 0; j < m; ++j) found += r[i] * s[j] >= std::min(row, column * c[j]) && s[j] > 0;
        count[i] = found;
        continue;
      }
      for (long j = 0; j < m; ++j)
        if (r[i] * s[j] >= std::min(row, column * c[j]) && s[j] > 0) {
          index[start[i] + found] = static_cast<int32_t>(j);
          value[start[i] + found++] = r[i] * s[j];
        }
    }
  });
}

// columns = Pᵀ diag(1/r) P w of a sparse P.
void sparse_normal(int64_t n, int64_t m, int64_t threads, const int64_t* start, const int32_t* index, const double* value,
                   const double* r, const double* w, double* columns) {
  summed(threads, n, m, columns, 0, [&](long from, long to, double* sums, double*) {
    for (long i = from; i < to; ++i) {
      double t = 0;
      for (long k = start[i]; k < start[i + 1]; ++k) t += value[k] * w[index[k]];
      if (r[i] > 0) t /= r[i];
      for (long k = start[i]; k < start[i + 1]; ++k) sums[index[k]] += t * value[k];
    }
  });
}

void laplacian(int64_t m, double* w, double* leak, double* b, double* x) { eliminate(m, w, leak, b, x); }

// On a grid with C = c1(i1, j1) + c2(i2, j2), S = B A: first: (m2, n1, m1) of A, second: (n1, n2, m2) of B.
// c1: (n1, m1), c2: (n2, m2); g: (m2, m1), transposed; phi: (n1, n2).
void grid_softmin(int64_t n1, int64_t n2, int64_t m1, int64_t m2, int64_t threads, const double* c1, const double* c2,
                  const double* g, double eta, double* first, double* second, double* phi) {
  std::vector<double> between(n1 * m2);
  together(threads, [&](const Member& me) {
    me.share(m2, [&](long j2) {
      for (long i1 = 0; i1 < n1; ++i1) {
        double* e = first + (j2 * n1 + i1) * m1;
#pragma omp simd
        for (long j1 = 0; j1 < m1; ++j1) e[j1] = eta * (g[j2 * m1 + j1] - c1[i1 * m1 + j1]);
        between[i1 * m2 + j2] = normalised(e, m1);
      }
    });
    me.wait();
    me.share(n1, [&](long i1) {
      for (long i2 = 0; i2 < n2; ++i2) {
        double* e = second + (i1 * n2 + i2) * m2;
#pragma omp simd
        for (long j2 = 0; j2 < m2; ++j2) e[j2] = between[i1 * m2 + j2] - eta * c2[i2 * m2 + j2];
        phi[i1 * n2 + i2] = -normalised(e, m2) / eta;
      }
    });
  });
}

// rows = S w and columns = Sᵀ weights; mode 0: weights r/rows, 1: r rows, 2: r (rows not wanted), 3: rows only.
// w, columns: (m2, m1), transposed; r, rows: (n1, n2).
void grid_product(int64_t n1, int64_t n2, int64_t m1, int64_t m2, int64_t threads, const double* first,
                  const double* second, int64_t mode, const double* r, const double* w, double* rows, double* columns) {
  std::vector<double> before(n1 * m2), after(n1 * m2);
  together(threads, [&](const Member& me) {
    if (mode != 2)
      me.share(m2, [&](long j2) {
        for (long i1 = 0; i1 < n1; ++i1) before[i1 * m2 + j2] = dot(first + (j2 * n1 + i1) * m1, w + j2 * m1, m1);
      });
    me.wait();
    me.share(n1, [&](long i1) {
      for (long i2 = 0; i2 < n2; ++i2) {
        const double* s = second + (i1 * n2 + i2) * m2;
        const long i = i1 * n2 + i2;
        if (mode != 2) rows[i] = dot(s, before.data() + i1 * m2, m2);
        if (mode != 3) add(after.data() + i1 * m2, mode == 2 ? r[i] : weight(mode, r[i], rows[i]), s, m2);
      }
    });
    me.wait();
    if (mode != 3)
      me.share(m2, [&](long j2) {
        double* to = columns + j2 * m1;
        std::fill_n(to, m1, 0.0);
        for (long i1 = 0; i1 < n1; ++i1) add(to, after[i1 * m2 + j2], first + (j2 * n1 + i1) * m1, m1);
      });
  });
}
}
