// exp and log of whose loops a compiler makes vectors; a number's bits do not depend on its place in the loop.
#pragma once
#include <bit>
#include <cstdint>

namespace sciml {

// exp to about one unit in the last place, 0 below the normal numbers; a loop over it is vectorised.
// x = k log 2 + s, |s| <= log(2)/2; Taylor's polynomial of degree 13 leaves 4e-18; the number added rounds to a whole k.
inline double exponential(double x) {
  constexpr double round = 6755399441055744.0;
  const double inside = x < -708.0 ? -708.0 : (x > 709.0 ? 709.0 : x);
  const double shifted = inside * 1.4426950408889634 + round, k = shifted - round;
  const double s = (inside - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
  double p = 1.0 / 6227020800.0;
  p = p * s + 1.0 / 479001600.0, p = p * s + 1.0 / 39916800.0, p = p * s + 1.0 / 3628800.0;
  p = p * s + 1.0 / 362880.0, p = p * s + 1.0 / 40320.0, p = p * s + 1.0 / 5040.0, p = p * s + 1.0 / 720.0;
  p = p * s + 1.0 / 120.0, p = p * s + 1.0 / 24.0, p = p * s + 1.0 / 6.0, p = p * s + 0.5, p = p * s + 1.0;
  p = p * s + 1.0;
  const int64_t exponent = (std::bit_cast<int64_t>(shifted) - std::bit_cast<int64_t>(round) + 1023) << 52;
  const double value = p * std::bit_cast<double>(exponent);
  return x < -708.0 ? 0.0 : value;
}

// log of a positive normal number, to 1e-15 of the larger of it and 1.
// x = 2^k m, m between sqrt(1/2) and sqrt(2), log m = 2 artanh(s), s = (m - 1)/(m + 1), s^2 < 0.0295: twelve terms leave 1e-18.
inline double logarithm(double x) {
  constexpr double round = 6755399441055744.0;
  constexpr int64_t half = 0x3fe6a09e667f3bcd;  // sqrt(1/2)
  const int64_t bits = std::bit_cast<int64_t>(x), k = (bits - half) >> 52;
  const double m = std::bit_cast<double>(bits - (k << 52)), s = (m - 1.0) / (m + 1.0), q = s * s;
  double p = 1.0 / 23.0;
  p = p * q + 1.0 / 21.0, p = p * q + 1.0 / 19.0, p = p * q + 1.0 / 17.0, p = p * q + 1.0 / 15.0, p = p * q + 1.0 / 13.0;
  p = p * q + 1.0 / 11.0, p = p * q + 1.0 / 9.0, p = p * q + 1.0 / 7.0, p = p * q + 1.0 / 5.0, p = p * q + 1.0 / 3.0;
  const double whole = std::bit_cast<double>(k + std::bit_cast<int64_t>(round)) - round;  // k as a number
  return 2.0 * s + (2.0 * s * q * p + whole * 0.693147180559945309417);
}

}  // namespace sciml
