// A balance law as it comes from Python, on uniform cells in one or two dimensions.
//
// One dimension is a plane of one row: dimension 1 is the contiguous one. Fluxes, slopes and sources are programs.
#pragma once
#include <algorithm>

#include "program.hpp"
#include "rows.hpp"

namespace sciml {

// results: registers, or -1 for what is zero
struct Pointwise {
  int32_t axes, registers, length, constants, results;
  const Instruction* code;
  const double* values;
  const int32_t* at;
};

// Along one axis. The program's results: a flux for every field, then the Jacobian's entries at `coupled` pairs.
// carried: (balance, field) of velocities handed over; spread: (balance, field) of diffusion.
struct Along {
  Pointwise pointwise;
  int32_t coupled, carried, spread, diagonal;
  const int32_t *coupled_at, *carried_at, *spread_at;
  const double* coefficients;
};

enum Kind : int32_t { WENO5, WENO_Z, VAN_LEER, MINMOD };

struct Description {
  int32_t fields, dim, kind, turns, care, threads;  // turns, care: averages to values and back, for fluxes, for sources
  int32_t periodic[2];
  int64_t cells[2];
  double widths[2], starts[2];
  const Along* along;         // by axis
  const Pointwise* sources;   // a source for every field, then ∂source/∂field, (fields, fields)
  const double* continuation; // (2, 4, 5): cells beyond an end from five inside, then from a value on it and four
  const double* to_face;      // (5,)
};

struct OwnProgram {
  int32_t axes, registers;
  std::vector<Instruction> code;
  std::vector<double> constants;
  std::vector<int32_t> results;
  Program program;
  explicit OwnProgram(const Pointwise& p)
      : axes(p.axes), registers(p.registers), code(p.code, p.code + p.length), constants(p.values, p.values + p.constants),
        results(p.at, p.at + p.results), program{p.length, code.data(), constants.data()} {}
  OwnProgram(OwnProgram&&) = default;  // vectors keep their addresses
};

struct Pair {
  int32_t balance, field;
};

struct AxisLaw {
  OwnProgram program;
  bool diagonal;
  std::vector<Pair> coupled, carried, spread;
  std::vector<double> coefficients;
  explicit AxisLaw(const Along& a) : program(a.pointwise), diagonal(a.diagonal), coefficients(a.coefficients, a.coefficients + a.spread) {
    pairs(coupled, a.coupled_at, a.coupled), pairs(carried, a.carried_at, a.carried), pairs(spread, a.spread_at, a.spread);
  }
  // whether states at faces are needed at all
  bool flows() const {
    return !coupled.empty() || std::any_of(program.results.begin(), program.results.end(), [](int r) { return r >= 0; });
  }

 private:
  static void pairs(std::vector<Pair>& to, const int32_t* from, int count) {
    for (int k = 0; k < count; ++k) to.push_back({from[2 * k], from[2 * k + 1]});
  }
};

}  // namespace sciml
