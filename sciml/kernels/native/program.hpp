// A pointwise expression as a list of instructions over registers of grid values: no code is generated or evaluated.
#pragma once
#include <cmath>
#include <cstdint>

namespace sciml {

enum Op : int32_t {
  ADD, MULTIPLY, SCALE, SHIFT, POWER, FILL, COORDINATE, TIME,
  SIN, COS, TAN, SINH, COSH, TANH, EXP, LOG, SQRT
};

struct Instruction {
  int32_t op, to, a, b;  // b: a register, or the number of a constant
};

struct Program {
  int32_t length;
  const Instruction* code;
  const double* constants;
};

// registers: each `count` values. coordinate(axis, i): of point i. time(i): at point i.
template <class Coordinate, class Time>
inline void interpret(const Program& program, double* const* registers, long count, Coordinate coordinate, Time time) {
  for (int32_t step = 0; step < program.length; ++step) {
    const auto [op, to, first, second] = program.code[step];
    double* __restrict__ y = registers[to];
    const double* a = registers[first];
    const auto every = [&](auto f) {
      for (long i = 0; i < count; ++i) y[i] = f(i);
    };
    switch (op) {
      case ADD: { const double* b = registers[second]; every([=](long i) { return a[i] + b[i]; }); break; }
      case MULTIPLY: { const double* b = registers[second]; every([=](long i) { return a[i] * b[i]; }); break; }
      case SCALE: { const double c = program.constants[second]; every([=](long i) { return a[i] * c; }); break; }
      case SHIFT: { const double c = program.constants[second]; every([=](long i) { return a[i] + c; }); break; }
      case POWER: {
        const double c = program.constants[second];  // `pow` takes some twenty times as long as a division or a root
        if (c == -1) every([=](long i) { return 1 / a[i]; });
        else if (c == -2) every([=](long i) { return 1 / (a[i] * a[i]); });
        else if (c == 0.5) every([=](long i) { return std::sqrt(a[i]); });
        else every([=](long i) { return std::pow(a[i], c); });
        break;
      }
      case FILL: { const double c = program.constants[second]; every([=](long) { return c; }); break; }
      case COORDINATE: every([=](long i) { return coordinate(first, i); }); break;
      case TIME: every(time); break;
      case SIN: every([=](long i) { return std::sin(a[i]); }); break;
      case COS: every([=](long i) { return std::cos(a[i]); }); break;
      case TAN: every([=](long i) { return std::tan(a[i]); }); break;
      case SINH: every([=](long i) { return std::sinh(a[i]); }); break;
      case COSH: every([=](long i) { return std::cosh(a[i]); }); break;
      case TANH: every([=](long i) { return std::tanh(a[i]); }); break;
      case EXP: every([=](long i) { return std::exp(a[i]); }); break;
      case LOG: every([=](long i) { return std::log(a[i]); }); break;
      case SQRT: every([=](long i) { return std::sqrt(a[i]); }); break;
    }
  }
}

}  // namespace sciml
