// What the kernels are told of an equation: linear symbols into the atoms, a program on the grid, symbols out of it.
#pragma once
#include <algorithm>

#include "program.hpp"
#include "rows.hpp"

namespace sciml {

// symbol * field of the state, added to an atom; or symbol * product, added to a field's rate
struct Term {
  int32_t to, from;
};

// As it comes from Python; symbols are rows of numbers, real parts then imaginary ones, `lines` lines of `modes` each.
struct Description {
  int32_t fields, atoms, products, registers, lines, modes, inner, outer, length, constants;
  const Term *inner_terms, *outer_terms;
  const double *inner_symbols, *outer_symbols, *coupling;  // coupling: (fields, fields, …) or nothing
  const Instruction* code;
  const double* values;
  const int32_t* results;
};

struct Equation {
  int fields, atoms, products, registers, lines, modes;
  long stride, row;  // a line of modes, padded; all lines of a field
  std::vector<Term> inner, outer;
  std::vector<double> inner_symbols, outer_symbols, coupling;
  std::vector<Instruction> code;
  std::vector<double> constants;
  std::vector<int32_t> results;
  std::vector<bool> own;  // whether a product may be transformed in the register that holds it
  Program program;

  explicit Equation(const Description& d)
      : fields(d.fields), atoms(d.atoms), products(d.products), registers(d.registers), lines(d.lines), modes(d.modes),
        stride(padded(d.modes)), row(d.lines * stride), inner(d.inner_terms, d.inner_terms + d.inner),
        outer(d.outer_terms, d.outer_terms + d.outer),
        inner_symbols(padded_rows(d.inner_symbols, 2L * d.inner * d.lines, d.modes)),
        outer_symbols(padded_rows(d.outer_symbols, 2L * d.outer * d.lines, d.modes)),
        code(d.code, d.code + d.length), constants(d.values, d.values + d.constants),
        results(d.results, d.results + d.products) {
    if (d.coupling) coupling = padded_rows(d.coupling, 2L * fields * fields * lines, modes);
    for (int p = 0; p < products; ++p)
      own.push_back(results[p] >= atoms && std::find(results.begin(), results.begin() + p, results[p]) == results.begin() + p);
    program = {d.length, code.data(), constants.data()};
  }
  Equation(const Equation&) = delete;

  Symbol inner_symbol(long i) const { return {inner_symbols.data() + 2 * i * row, row}; }
  Symbol outer_symbol(long i) const { return {outer_symbols.data() + 2 * i * row, row}; }
  Symbol coupling_symbol(long f, long g) const { return {coupling.data() + 2 * (f * fields + g) * row, row}; }
  long size() const { return fields * row; }                        // numbers in a state
  long member() const { return 2L * fields * lines * modes; }       // of a state outside: interleaved, not padded
  long copies() const { return std::count(own.begin(), own.end(), false); }
  void read(Row to, const double* from) const {
    for (long l = 0; l < (long)fields * lines; ++l) to.from(l * stride).read(from + 2 * l * modes, modes);
  }
  void write(Row from, double* to) const {
    for (long l = 0; l < (long)fields * lines; ++l) from.from(l * stride).write(to + 2 * l * modes, modes);
  }
};

// Krogstad's exponential scheme of order four, in pieces between which N is evaluated: see numerics/exponential.py.
// tables: nine rows of coefficients, (9, 2, size).
struct Scheme {
  const double* tables;
  long size;
  Symbol table(int i) const { return {tables + 2 * i * size, size}; }

  // a = first stage
  void first(Row u, Row nu, Row a, long from, long to) const {
    const Symbol half = table(0), half1 = table(2);
    for (long i = from; i < to; i += LANES) a.put(i, half.times(i, u.at(i)) + half1.times(i, nu.at(i)));
  }
  // a = second stage, from the first
  void second(Row nu, Row na, Row a, long from, long to) const {
    const Symbol half2 = table(3);
    for (long i = from; i < to; i += LANES) a.put(i, a.at(i) + half2.times(i, na.at(i) - nu.at(i)));
  }
  // a = third stage; na += nb; whole = exp(hL) u
  void third(Row u, Row nu, Row na, Row nb, Row whole, Row a, long from, long to) const {
    const Symbol full = table(1), full1 = table(4), full2 = table(5);
    for (long i = from; i < to; i += LANES) {
      const auto w = full.times(i, u.at(i)), n = nu.at(i), b = nb.at(i);
      whole.put(i, w);
      a.put(i, w + full1.times(i, n) + full2.times(i, b - n));
      na.put(i, na.at(i) + b);
    }
  }
  // u = the new state; nab: the sum of the middle stages' N, nc: that of the last
  void last(Row nu, Row nab, Row nc, Row whole, Row u, long from, long to) const {
    const Symbol first = table(6), middle = table(7), last = table(8);
    for (long i = from; i < to; i += LANES)
      u.put(i, whole.at(i) + first.times(i, nu.at(i)) + middle.times(i, nab.at(i)) + last.times(i, nc.at(i)));
  }
};

}  // namespace sciml
