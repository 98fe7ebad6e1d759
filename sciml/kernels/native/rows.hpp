// Rows of complex numbers, real and imaginary parts apart, padded with zeros to whole vectors.
#pragma once
#include <cstdlib>
#include <memory>

#include "fft.hpp"

namespace sciml {

constexpr long PAD = 32;  // numbers between arrays, so that they do not all fall on the same lines of the cache

inline long padded(long count) { return (count + LANES - 1) / LANES * LANES; }

struct Row {
  double *re, *im;
  Complex<Wide> at(long i) const { return {load<Wide>(re + i), load<Wide>(im + i)}; }
  void put(long i, Complex<Wide> v) const { store(re + i, v.re), store(im + i, v.im); }
  Row from(long offset) const { return {re + offset, im + offset}; }
  void clear(long first, long last) const {
    for (long i = first; i < last; ++i) re[i] = im[i] = 0.0;
  }
  // to and from interleaved complex numbers
  void read(const double* x, long count) const {
    for (long k = 0; k < count; ++k) re[k] = x[2 * k], im[k] = x[2 * k + 1];
  }
  void write(double* x, long count) const {
    for (long k = 0; k < count; ++k) x[2 * k] = re[k], x[2 * k + 1] = im[k];
  }
};

// A row of coefficients that does not change: real parts, then imaginary ones, `stride` apart.
struct Symbol {
  const double* values;
  long stride;
  Complex<Wide> times(long i, Complex<Wide> x) const {
    return x.times(load<Wide>(values + i), load<Wide>(values + stride + i));
  }
};

// y = symbol * x, or y += symbol * x
inline void transfer(Row y, Row x, Symbol symbol, long count, bool add) {
  if (add)
    for (long i = 0; i < count; i += LANES) y.put(i, y.at(i) + symbol.times(i, x.at(i)));
  else
    for (long i = 0; i < count; i += LANES) y.put(i, symbol.times(i, x.at(i)));
}

// Rows of `modes` numbers, padded.
inline std::vector<double> padded_rows(const double* from, long count, long modes) {
  std::vector<double> to(count * padded(modes), 0.0);
  for (long r = 0; r < count; ++r) std::copy_n(from + r * modes, modes, to.begin() + r * padded(modes));
  return to;
}

struct Free {
  void operator()(double* p) const { std::free(p); }
};
using Storage = std::unique_ptr<double, Free>;

// `count` zeros, aligned to a line of the cache.
inline Storage zeros(long count) {
  count = (count + 7) / 8 * 8;
  Storage storage(static_cast<double*>(std::aligned_alloc(64, count * sizeof(double))));
  std::fill_n(storage.get(), count, 0.0);
  return storage;
}

}  // namespace sciml
