// One periodic axis: the nonlinear term of du/dt = L u + N(u, t) on Fourier coefficients, and whole steps of the
// exponential scheme, for one state or a batch. Everything between reading a state's coefficients and writing them
// back happens in a work space that stays in the cache.
#include <algorithm>
#include <mutex>

#include "program.hpp"
#include "rows.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

using namespace sciml;

namespace {

// symbol * field of the state, added to an atom; or symbol * product, added to a field's rate
struct Term {
  int32_t to, from;
};

struct Equation {
  RealFft fft;
  int n, modes, fields, atoms, products, registers;  // modes: K + 1
  long row;                                          // modes, padded
  std::vector<Term> inner, outer;
  std::vector<double> inner_symbols, outer_symbols;  // (terms, 2, row)
  std::vector<double> coupling;                      // (fields, fields, 2, row), or nothing
  std::vector<double> points;                        // (n,): even points, then odd ones
  std::vector<Instruction> code;
  std::vector<double> constants;
  std::vector<int32_t> results;
  std::vector<bool> own;  // whether a product may be transformed in the register that holds it
  Program program;
  explicit Equation(int size) : fft(size), n(size) {}

  Symbol inner_symbol(long i) const { return {inner_symbols.data() + 2 * i * row, row}; }
  Symbol outer_symbol(long i) const { return {outer_symbols.data() + 2 * i * row, row}; }
  Symbol coupling_symbol(long f, long g) const { return {coupling.data() + 2 * (f * fields + g) * row, row}; }
};

class Workspace {
 public:
  enum { U, NU, A, NA, NB, WHOLE, STATES };

  explicit Workspace(const Equation& e) : e_(e), size_(e.fields * e.row) {
    const long half = std::max<long>(e.n / 2, e.row) + LANES, grid = 2 * half + PAD;
    const long copies = std::count(e.own.begin(), e.own.end(), false);
    storage_ = zeros(2 * STATES * (size_ + PAD) + (e.registers + copies) * grid + 2 * (half + PAD));
    double* at = storage_.get();
    for (auto& s : state_) s = {at, at + size_ + PAD}, at += 2 * (size_ + PAD);
    for (int r = 0; r < e.registers; ++r) registers_.push_back(at), at += grid;
    for (int p = 0; p < e.products; ++p) {
      products_.push_back(e.own[p] ? registers_[e.results[p]] : at);
      if (!e.own[p]) at += grid;
    }
    work_ = {at, at + half + PAD};
  }

  void read(int which, const double* from) {
    for (int f = 0; f < e_.fields; ++f) state_[which].from(f * e_.row).read(from + 2L * f * e_.modes, e_.modes);
  }
  void write(int which, double* to) const {
    for (int f = 0; f < e_.fields; ++f) state_[which].from(f * e_.row).write(to + 2L * f * e_.modes, e_.modes);
  }

  // state[to] = N(state[from], t)
  void nonlinear(int from, int to, double t) {
    const long half = e_.n / 2, row = e_.row;
    const Row x = state_[from], y = state_[to];
    seen_.assign(e_.atoms, false);
    for (size_t i = 0; i < e_.inner.size(); ++i) {
      const auto [atom, field] = e_.inner[i];
      transfer(grid(registers_[atom]), x.from(field * row), e_.inner_symbol(i), row, seen_[atom]);
      seen_[atom] = true;
    }
    for (int a = 0; a < e_.atoms; ++a) {
      const Row g = grid(registers_[a]);
      g.clear(seen_[a] ? e_.modes : 0, half);
      e_.fft.synthesise(g.re, g.im, work_.re, work_.im);
    }
    interpret(e_.program, registers_.data(), 2 * half, [&](int, long i) { return e_.points[i]; }, [=](long) { return t; });
    for (int p = 0; p < e_.products; ++p) {
      const Row g = grid(products_[p]);
      if (!e_.own[p]) std::copy_n(registers_[e_.results[p]], 2 * half, g.re);
      e_.fft.analyse(g.re, g.im, work_.re, work_.im);
    }
    seen_.assign(e_.fields, false);
    for (size_t i = 0; i < e_.outer.size(); ++i) {
      const auto [field, product] = e_.outer[i];
      transfer(y.from(field * row), grid(products_[product]), e_.outer_symbol(i), row, seen_[field]);
      seen_[field] = true;
    }
    for (int f = 0; f < e_.fields; ++f)
      if (!seen_[f]) y.clear(f * row, (f + 1) * row);
    if (!e_.coupling.empty())
      for (int f = 0; f < e_.fields; ++f)
        for (int g = 0; g < e_.fields; ++g)
          transfer(y.from(f * row), x.from(g * row), e_.coupling_symbol(f, g), row, true);
  }

  // One step of Krogstad's scheme from U, with N(U) in NU: see numerics/exponential.py. tables: (9, 2, size_)
  void step(const double* tables, double t, double h) {
    const Row u = state_[U], nu = state_[NU], a = state_[A], na = state_[NA], nb = state_[NB], w = state_[WHOLE];
    const auto table = [&](int i) { return Symbol{tables + 2 * i * size_, size_}; };
    const Symbol half = table(0), full = table(1), half1 = table(2), half2 = table(3), full1 = table(4);
    const Symbol full2 = table(5), first = table(6), between = table(7), last = table(8);
    for (long i = 0; i < size_; i += LANES) a.put(i, half.times(i, u.at(i)) + half1.times(i, nu.at(i)));
    nonlinear(A, NA, t + 0.5 * h);
    for (long i = 0; i < size_; i += LANES) a.put(i, a.at(i) + half2.times(i, na.at(i) - nu.at(i)));
    nonlinear(A, NB, t + 0.5 * h);
    for (long i = 0; i < size_; i += LANES) {
      const auto whole = full.times(i, u.at(i)), n = nu.at(i), b = nb.at(i);
      w.put(i, whole);
      a.put(i, whole + full1.times(i, n) + full2.times(i, b - n));
      na.put(i, na.at(i) + b);
    }
    nonlinear(A, NB, t + h);
    for (long i = 0; i < size_; i += LANES)
      u.put(i, w.at(i) + first.times(i, nu.at(i)) + between.times(i, na.at(i)) + last.times(i, nb.at(i)));
  }

 private:
  Row grid(double* values) const { return {values, values + e_.n / 2}; }

  const Equation& e_;
  long size_;  // of a state
  Storage storage_;
  Row state_[STATES], work_;
  std::vector<double*> registers_, products_;  // atoms first, then other values; where spectra of products end up
  std::vector<bool> seen_;
};

// An equation and a work space for every thread, kept from call to call.
struct Line {
  Equation equation;
  std::vector<std::unique_ptr<Workspace>> workspaces;
  std::mutex busy;
  explicit Line(int n) : equation(n) {}

  template <class F> void each(long batch, int threads, F f) {
    const std::lock_guard<std::mutex> guard(busy);
    threads = std::max(1, std::min<int>(threads, batch));
    while ((int)workspaces.size() < threads) workspaces.push_back(std::make_unique<Workspace>(equation));
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
    for (long i = 0; i < batch; ++i) {
#ifdef _OPENMP
      f(*workspaces[omp_get_thread_num()], i);
#else
      f(*workspaces[0], i);
#endif
    }
  }
};

}  // namespace

extern "C" {

// Rows of coefficients are padded to a multiple of this.
int line_lanes() { return LANES; }

// Returns nothing where the grid has no fast transform. All arrays are copied.
void* line_new(int n, int modes, int fields, int atoms, int products, int registers, int inner, const int32_t* inner_terms,
               const double* inner_symbols, int outer, const int32_t* outer_terms, const double* outer_symbols,
               const double* coupling, const double* points, int length, const int32_t* code, int constants,
               const double* values, const int32_t* results) {
  if (n % 2 || modes > n / 2) return nullptr;
  auto line = std::make_unique<Line>(n);
  Equation& e = line->equation;
  if (!e.fft.ok()) return nullptr;
  e.modes = modes, e.row = padded(modes), e.fields = fields, e.atoms = atoms, e.products = products;
  e.registers = registers;
  const auto* in = reinterpret_cast<const Term*>(inner_terms);
  const auto* out = reinterpret_cast<const Term*>(outer_terms);
  e.inner.assign(in, in + inner), e.outer.assign(out, out + outer);
  e.inner_symbols = padded_rows(inner_symbols, 2L * inner, modes);
  e.outer_symbols = padded_rows(outer_symbols, 2L * outer, modes);
  if (coupling) e.coupling = padded_rows(coupling, 2L * fields * fields, modes);
  e.points.assign(points, points + n);
  const auto* steps = reinterpret_cast<const Instruction*>(code);
  e.code.assign(steps, steps + length), e.constants.assign(values, values + constants);
  e.results.assign(results, results + products);
  for (int p = 0; p < products; ++p)
    e.own.push_back(results[p] >= atoms && std::find(results, results + p, results[p]) == results + p);
  e.program = {length, e.code.data(), e.constants.data()};
  return line.release();
}

void line_free(void* handle) { delete static_cast<Line*>(handle); }

// out = N(u, t). u, out: (batch, fields, K+1) complex; t: (batch,)
void line_nonlinear(void* handle, long batch, const double* u, const double* t, double* out, int threads) {
  Line& line = *static_cast<Line*>(handle);
  const long member = 2L * line.equation.fields * line.equation.modes;
  line.each(batch, threads, [=](Workspace& w, long i) {
    w.read(Workspace::U, u + i * member);
    w.nonlinear(Workspace::U, Workspace::NU, t[i]);
    w.write(Workspace::NU, out + i * member);
  });
}

// `steps` steps of the exponential scheme from u at times t into out (which may be u). rate: N(u, t), or nothing.
// tables: (9, 2, fields*padded) and h: of one step size; or with table_stride > 0 one of each for every member.
void line_etdrk4(void* handle, long batch, const double* u, const double* rate, const double* t, const double* tables,
                 long table_stride, const double* h, long steps, double* out, int threads) {
  Line& line = *static_cast<Line*>(handle);
  const long member = 2L * line.equation.fields * line.equation.modes;
  line.each(batch, threads, [=](Workspace& w, long i) {
    const double length = h[table_stride ? i : 0];
    w.read(Workspace::U, u + i * member);
    for (long step = 0; step < steps; ++step) {
      const double at = t[i] + step * length;
      if (step == 0 && rate)
        w.read(Workspace::NU, rate + i * member);
      else
        w.nonlinear(Workspace::U, Workspace::NU, at);
      w.step(tables + table_stride * i, at, length);
    }
    w.write(Workspace::U, out + i * member);
  });
}

}  // extern "C"
