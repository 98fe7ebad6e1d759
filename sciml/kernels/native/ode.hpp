// What the march of a batch of initial value problems is told.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "several.hpp"

#include "elementary.hpp"
#include "program.hpp"
#include "rows.hpp"
#include "team.hpp"

namespace sciml {

// States, rates: (fields, samples). own: parameters that differ between samples, (owns, samples). times: (samples, outputs),
// values: (samples, outputs, fields), next: the first output not yet made. A row of `rows` combines stages before it,
// `stages` numbers; rows of `further` stages, of `errors` and of `dense` output all that there are.
struct Task {
  int64_t samples, fields, owns, registers, length, stages, further, errors, dense, outputs, attempts, threads;
  double relative, absolute, safety, smallest, largest, now, before, least, grain, ulps, stretch;
  const Instruction* code;
  const double* constants;
  const int32_t* results;
  const double *nodes, *rows, *weights, *polynomials, *own, *until, *times;
  double *t, *h, *previous, *y, *rate, *values;
  int64_t *attempted, *accepted, *next, *evaluations;
  uint8_t* stuck;
};

// Weights of a sum over stages that are not zero.
struct Share {
  long stage;
  double weight;
};
using Sum = std::vector<Share>;
inline Sum shares(const double* from, long count) {
  Sum found;
  for (long i = 0; i < count; ++i)
    if (from[i] != 0.0) found.push_back({i, from[i]});
  return found;
}

struct Method {
  std::vector<Sum> rows, errors, dense;
  explicit Method(const Task& k) {
    const long all = k.stages + k.further;
    for (long s = 0; s < all; ++s) rows.push_back(shares(k.rows + s * all, s));
    for (long e = 0; e < k.errors; ++e) errors.push_back(shares(k.weights + e * k.stages, k.stages));
    if (k.further)
      for (long d = 0; d < k.dense; ++d) dense.push_back(shares(k.polynomials + d * all, all));
  }
};

}  // namespace sciml
