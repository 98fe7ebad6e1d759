// The operators of coarser grids. fixed: four flags, whether u is given at the lower and upper end of x and of y; `rest` is what
// the diagonal has beside the links.
#pragma once
#include "grid_level.hpp"

namespace sciml {

inline long unknowns(const Level& l, const int* fixed) {
  return (l.nx - fixed[0] - fixed[1]) * (l.ny - fixed[2] - fixed[3]);
}

// 1/D from links and the rest of the diagonal
inline void finish(Level& l, const Field& rest, const int* fixed) {
  for (long i = 0; i < l.nx; ++i) {
    const double *west = l.ax.row(i - 1), *east = l.ax.row(i), *north = l.by.row(i), *more = rest.row(i);
    double* inverse = l.inv.row(i);
    for (long j = 0; j < l.ny; ++j) inverse[j] = 1 / (west[j] + east[j] + north[j - 1] + north[j] + more[j]);
    if ((fixed[0] && i == 0) || (fixed[1] && i == l.nx - 1)) std::memset(inverse, 0, l.ny * sizeof(double));
    if (fixed[2]) inverse[0] = 0;
    if (fixed[3]) inverse[l.ny - 1] = 0;
  }
}

// Links in a row are resistances in series, links side by side conductances: half of each neighbouring line belongs
// to the coarse control volume. Exact for constant coefficients, robust for rough ones.
inline Field coarsened(const Level& fine, const Field& rest, Level& l, const int* fixed) {
  Field more(l.nx, l.ny);
  const auto series = [](double a, double b) { return a + b > 0 ? a * b / (a + b) : 0.0; };
  const auto across = [&](long i, long j) { return series(fine.ax.row(i)[j], fine.ax.row(i + 1)[j]); };
  for (long i = 0; i < l.nx; ++i)
    for (long j = 0; j < l.ny; ++j) {
      const long p = 2 * i, q = 2 * j;
      if (i + 1 < l.nx)
        l.ax.row(i)[j] = across(p, q) + 0.5 * ((q ? across(p, q - 1) : 0.0) + (q + 1 < fine.ny ? across(p, q + 1) : 0.0));
      double total = 0, side = 0;
      for (long k = -1; k < 2; ++k) {
        const double weight = k ? 0.5 : 1.0, *north = fine.by.row(p + k), *m = rest.row(p + k);
        if (j + 1 < l.ny) total += weight * series(north[q], north[q + 1]);
        side += weight * (m[q] + 0.5 * (m[q - 1] + m[q + 1]));
      }
      l.by.row(i)[j] = total, more.row(i)[j] = side;
    }
  finish(l, more, fixed);
  return more;
}

}  // namespace sciml
