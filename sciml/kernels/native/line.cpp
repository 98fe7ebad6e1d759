// One periodic axis: the nonlinear term of du/dt = L u + N(u, t) on Fourier coefficients, and whole steps of the
// exponential scheme, for one state or a batch. Everything between reading a state's coefficients and writing them
// back happens in a work space that stays in the cache.
#include <mutex>

#include "equation.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

using namespace sciml;

namespace {

constexpr long WORTH = 1 << 14;  // points of a batch below which waking a second thread takes longer than it saves

struct Grid {
  RealFft fft;
  int n;
  std::vector<double> points;  // even ones, then odd ones
};

class Workspace {
 public:
  Workspace(const Equation& e, const Grid& grid) : e_(e), grid_(grid) {
    const long half = std::max<long>(grid.n / 2, e.row) + LANES, values = 2 * half + PAD;
    storage_ = zeros(2 * STATES * (e.size() + PAD) + (e.registers + e.copies()) * values + 2 * (half + PAD));
    double* at = storage_.get();
    for (auto& s : state) s = {at, at + e.size() + PAD}, at += 2 * (e.size() + PAD);
    for (int r = 0; r < e.registers; ++r) registers_.push_back(at), at += values;
    for (int p = 0; p < e.products; ++p) {
      products_.push_back(e.own[p] ? registers_[e.results[p]] : at);
      if (!e.own[p]) at += values;
    }
    work_ = {at, at + half + PAD};
  }

  enum { U, NU, A, NA, NB, WHOLE, STATES };
  Row state[STATES];

  // y = N(x, t)
  void nonlinear(Row x, Row y, double t) {
    const long half = grid_.n / 2, row = e_.row;
    seen_.assign(e_.atoms, false);
    for (size_t i = 0; i < e_.inner.size(); ++i) {
      const auto [atom, field] = e_.inner[i];
      transfer(values(registers_[atom]), x.from(field * row), e_.inner_symbol(i), row, seen_[atom]);
      seen_[atom] = true;
    }
    for (int a = 0; a < e_.atoms; ++a) {
      const Row g = values(registers_[a]);
      g.clear(seen_[a] ? e_.modes : 0, half);
      grid_.fft.synthesise(g.re, g.im, work_.re, work_.im);
    }
    const double* points = grid_.points.data();
    interpret(e_.program, registers_.data(), 2 * half, [=](int, long i) { return points[i]; }, [=](long) { return t; });
    for (int p = 0; p < e_.products; ++p) {
      const Row g = values(products_[p]);
      if (!e_.own[p]) std::copy_n(registers_[e_.results[p]], 2 * half, g.re);
      grid_.fft.analyse(g.re, g.im, work_.re, work_.im);
    }
    seen_.assign(e_.fields, false);
    for (size_t i = 0; i < e_.outer.size(); ++i) {
      const auto [field, product] = e_.outer[i];
      transfer(y.from(field * row), values(products_[product]), e_.outer_symbol(i), row, seen_[field]);
      seen_[field] = true;
    }
    for (int f = 0; f < e_.fields; ++f)
      if (!seen_[f]) y.clear(f * row, (f + 1) * row);
    if (!e_.coupling.empty())
      for (int f = 0; f < e_.fields; ++f)
        for (int g = 0; g < e_.fields; ++g)
          transfer(y.from(f * row), x.from(g * row), e_.coupling_symbol(f, g), row, true);
  }

  // One step from state[U], with N(U) in state[NU].
  void step(const Scheme& scheme, double t, double h) {
    const long all = e_.size();
    scheme.first(state[U], state[NU], state[A], 0, all);
    nonlinear(state[A], state[NA], t + 0.5 * h);
    scheme.second(state[NU], state[NA], state[A], 0, all);
    nonlinear(state[A], state[NB], t + 0.5 * h);
    scheme.third(state[U], state[NU], state[NA], state[NB], state[WHOLE], state[A], 0, all);
    nonlinear(state[A], state[NB], t + h);
    scheme.last(state[NU], state[NA], state[NB], state[WHOLE], state[U], 0, all);
  }

 private:
  Row values(double* at) const { return {at, at + grid_.n / 2}; }

  const Equation& e_;
  const Grid& grid_;
  Storage storage_;
  Row work_;
  std::vector<double*> registers_, products_;  // atoms first, then other values; where spectra of products end up
  std::vector<bool> seen_;
};

// An equation and a work space for every thread, kept from call to call.
struct Line {
  Equation equation;
  Grid grid;
  std::vector<std::unique_ptr<Workspace>> workspaces;
  std::mutex busy;

  template <class F> void each(long batch, int threads, F f) {
    const std::lock_guard<std::mutex> guard(busy);
    if (batch * grid.n < WORTH) threads = 1;
    threads = std::max(1, std::min<int>(threads, batch));
    while ((int)workspaces.size() < threads) workspaces.push_back(std::make_unique<Workspace>(equation, grid));
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

// Lines of modes are padded to a multiple of this.
int lanes() { return LANES; }

// Returns nothing where a grid of that shape has no fast transform. All arrays are copied.
void* create(const Description* description, const int* shape, const double* points) {
  const int n = shape[0];
  if (n % 2 || description->modes > n / 2 || !Fft(n / 2).ok()) return nullptr;
  return new Line{Equation(*description), {RealFft(n), n, {points, points + n}}, {}, {}};
}

void destroy(void* handle) { delete static_cast<Line*>(handle); }

// out = N(u, t). u, out: (batch, fields, K+1) complex; t: (batch,)
void nonlinear(void* handle, long batch, const double* u, const double* t, double* out, int threads) {
  Line& line = *static_cast<Line*>(handle);
  const Equation& e = line.equation;
  line.each(batch, threads, [=, &e](Workspace& w, long i) {
    e.read(w.state[w.U], u + i * e.member());
    w.nonlinear(w.state[w.U], w.state[w.NU], t[i]);
    e.write(w.state[w.NU], out + i * e.member());
  });
}

// `steps` steps of the exponential scheme from u at times t into out (which may be u). rate: N(u, t), or nothing.
// tables: (9, 2, size) and h: of one step size; or with table_stride > 0 one of each for every member.
void etdrk4(void* handle, long batch, const double* u, const double* rate, const double* t, const double* tables,
                 long table_stride, const double* h, long steps, double* out, int threads) {
  Line& line = *static_cast<Line*>(handle);
  const Equation& e = line.equation;
  line.each(batch, threads, [=, &e](Workspace& w, long i) {
    const Scheme scheme{tables + table_stride * i, e.size()};
    const double length = h[table_stride ? i : 0];
    e.read(w.state[w.U], u + i * e.member());
    for (long step = 0; step < steps; ++step) {
      const double at = t[i] + step * length;
      if (step == 0 && rate)
        e.read(w.state[w.NU], rate + i * e.member());
      else
        w.nonlinear(w.state[w.U], w.state[w.NU], at);
      w.step(scheme, at, length);
    }
    e.write(w.state[w.U], out + i * e.member());
  });
}

}  // extern "C"
