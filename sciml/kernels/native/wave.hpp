// Passes over the rows of a grid in which several stages follow each other closely, so that a row is read from memory once.
#pragma once
#include <vector>

#include "team.hpp"

namespace sciml {

// Stages of a pass; stage s on row i wants stage s - 1 on the rows up to i ± (lag[s] - lag[s-1]). Each thread does a band of
// rows, less and less of it from stage to stage; the wedges left over between two bands follow after a barrier.
template <class F> void pass(const Member& me, long rows, const std::vector<long>& lag, F stage) {
  const long last = lag.back();
  const auto range = [&](long from, long to, auto low, auto high) {
    for (long k = from; k < to + last; ++k)
      for (size_t s = 0; s < lag.size(); ++s) {
        const long i = k - lag[s];
        if (i >= low(s) && i < high(s)) stage(static_cast<int>(s), i);
      }
  };
  const long from = rows * me.rank / me.threads, to = rows * (me.rank + 1) / me.threads;
  const bool first = me.rank == 0, final = me.rank == me.threads - 1;
  range(from, to, [&](size_t s) { return first ? 0 : from + lag[s]; }, [&](size_t s) { return final ? rows : to - lag[s]; });
  me.wait();
  if (!final) range(to - last, to + last, [&](size_t s) { return to - lag[s]; }, [&](size_t s) { return to + lag[s]; });
  me.wait();
}

}  // namespace sciml
