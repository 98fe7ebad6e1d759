// Two periodic axes: the nonlinear term of du/dt = L u + N(u, t) on Fourier coefficients, and whole steps of the
// exponential scheme. A stage has two phases: by rows of the grid (transforms along the last axis and products), and by
// blocks of columns (transforms along the first axis, symbols, and the combination of stages), so that everything
// between two transforms is done while it is in the cache.
#include <mutex>

#include "equation.hpp"
#include "team.hpp"

using namespace sciml;

namespace {

struct Grid {
  Fft columns;
  RealFft rows;
  int n0, n1;
  std::vector<double> points0, points1;  // points1: even ones, then odd ones
};

// A thread's own: a block of columns with work space, and one row of the grid for every register.
class Scratch {
 public:
  Scratch(const Equation& e, const Grid& grid) {
    const long block = long(grid.n0) * LANES + PAD, half = std::max<long>(grid.n1 / 2, e.stride) + LANES;
    const long values = 2 * half + PAD;
    storage_ = zeros(4 * block + (e.registers + e.copies()) * values + 2 * (half + PAD));
    double* at = storage_.get();
    const auto take = [&](long count) { return std::exchange(at, at + count); };
    column = {take(block), take(block)}, column_work = {take(block), take(block)};
    for (int r = 0; r < e.registers; ++r) registers.push_back(take(values));
    for (int p = 0; p < e.products; ++p) products.push_back(e.own[p] ? registers[e.results[p]] : take(values));
    row_work = {take(half + PAD), take(half + PAD)};
  }
  Row column, column_work, row_work;
  std::vector<double*> registers, products;

 private:
  Storage storage_;
};

class Plane {
 public:
  Equation equation;
  Grid grid;
  std::mutex busy;
  std::vector<std::unique_ptr<Scratch>> scratch;
  enum { U, NU, A, NA, NB, WHOLE, STATES };
  Row state[STATES];

  Plane(const Description& d, const int* shape, const double* points)
      : equation(d), grid{Fft(shape[0]), RealFft(shape[1]), shape[0], shape[1], {points, points + shape[0]},
                          {points + shape[0], points + shape[0] + shape[1]}} {
    const long size = equation.size() + PAD, sheet = grid.n0 * equation.stride + PAD;
    storage_ = zeros(2 * STATES * size + 2 * (equation.atoms + equation.products) * sheet);
    double* at = storage_.get();
    const auto take = [&](long count) { return std::exchange(at, at + count); };
    for (auto& s : state) s = {take(size), take(size)};
    for (int a = 0; a < equation.atoms; ++a) entering_.push_back({take(sheet), take(sheet)});
    for (int p = 0; p < equation.products; ++p) leaving_.push_back({take(sheet), take(sheet)});
  }

  // y = N(x, t) for the block of columns, given N's rows; and with `then` what follows for that block.
  // Phases: spread (columns), rows, gather (columns). Between them all threads wait.
  void spread(const Member& me, Row x) {
    me.share(blocks(), [&](long b) { spread_block(*scratch[me.rank], x, b); });
  }
  void rows(const Member& me, double t) {
    me.share(grid.n0, [&](long j) { one_row(*scratch[me.rank], j, t); });
  }
  // y = N, then f on every line of the block, then the block of `next` is spread
  template <class F> void gather(const Member& me, Row x, Row y, F f, const Row* next) {
    me.share(blocks(), [&](long b) {
      Scratch& s = *scratch[me.rank];
      gather_block(s, x, y, b);
      for (long l = 0; l < long(equation.fields) * equation.lines; ++l) {
        const long from = l * equation.stride + b * LANES;
        f(from, from + LANES);
      }
      if (next) spread_block(s, *next, b);
    });
  }

  void nonlinear(const Member& me, Row x, Row y, double t) {
    spread(me, x);
    me.wait();
    rows(me, t);
    me.wait();
    gather(me, x, y, [](long, long) {}, nullptr);
    me.wait();
  }

  // One step from state[U], with N(U) in state[NU].
  void step(const Member& me, const Scheme& scheme, double t, double h) {
    const Row u = state[U], nu = state[NU], a = state[A], na = state[NA], nb = state[NB], w = state[WHOLE];
    me.share(blocks(), [&](long b) {
      for (long l = 0; l < long(equation.fields) * equation.lines; ++l) {
        const long from = l * equation.stride + b * LANES;
        scheme.first(u, nu, a, from, from + LANES);
      }
      spread_block(*scratch[me.rank], a, b);
    });
    me.wait();
    rows(me, t + 0.5 * h);
    me.wait();
    gather(me, a, na, [&](long i, long j) { scheme.second(nu, na, a, i, j); }, &a);
    me.wait();
    rows(me, t + 0.5 * h);
    me.wait();
    gather(me, a, nb, [&](long i, long j) { scheme.third(u, nu, na, nb, w, a, i, j); }, &a);
    me.wait();
    rows(me, t + h);
    me.wait();
    gather(me, a, nb, [&](long i, long j) { scheme.last(nu, na, nb, w, u, i, j); }, nullptr);
    me.wait();
  }

 private:
  long blocks() const { return equation.stride / LANES; }

  // The place of stored mode number `line` on an axis of n points.
  long place(long line) const { return line <= equation.lines / 2 ? line : grid.n0 - equation.lines + line; }

  void spread_block(Scratch& s, Row x, long b) {
    const Equation& e = equation;
    for (int atom = 0; atom < e.atoms; ++atom) {
      bool seen = false;
      s.column.clear((e.lines / 2 + 1) * LANES, (grid.n0 - e.lines / 2) * LANES);
      for (size_t i = 0; i < e.inner.size(); ++i) {
        if (e.inner[i].to != atom) continue;
        const Symbol symbol = e.inner_symbol(i);
        for (long l = 0; l < e.lines; ++l) {
          const long from = l * e.stride + b * LANES, to = place(l) * LANES;
          const auto value = symbol.times(from, x.at(e.inner[i].from * e.row + from));
          s.column.put(to, seen ? s.column.at(to) + value : value);
        }
        seen = true;
      }
      if (!seen) s.column.clear(0, grid.n0 * LANES);
      grid.columns.backward(s.column.re, s.column.im, s.column_work.re, s.column_work.im, LANES);
      for (long j = 0; j < grid.n0; ++j) entering_[atom].put(j * e.stride + b * LANES, s.column.at(j * LANES));
    }
  }

  void one_row(Scratch& s, long j, double t) {
    const Equation& e = equation;
    const long half = grid.n1 / 2;
    for (int a = 0; a < e.atoms; ++a) {
      const Row from = entering_[a].from(j * e.stride), g{s.registers[a], s.registers[a] + half};
      std::copy_n(from.re, e.modes, g.re), std::copy_n(from.im, e.modes, g.im);
      g.clear(e.modes, half);
      grid.rows.synthesise(g.re, g.im, s.row_work.re, s.row_work.im);
    }
    const double first = grid.points0[j], *second = grid.points1.data();
    interpret(e.program, s.registers.data(), 2 * half, [=](int axis, long i) { return axis ? second[i] : first; },
              [=](long) { return t; });
    for (int p = 0; p < e.products; ++p) {
      const Row g{s.products[p], s.products[p] + half}, to = leaving_[p].from(j * e.stride);
      if (!e.own[p]) std::copy_n(s.registers[e.results[p]], 2 * half, g.re);
      grid.rows.analyse(g.re, g.im, s.row_work.re, s.row_work.im);
      std::copy_n(g.re, e.modes, to.re), std::copy_n(g.im, e.modes, to.im);
    }
  }

  void gather_block(Scratch& s, Row x, Row y, long b) {
    const Equation& e = equation;
    const double scale = 1.0 / grid.n0;
    std::vector<bool> seen(e.fields, false);
    for (int p = 0; p < e.products; ++p) {
      for (long j = 0; j < grid.n0; ++j) s.column.put(j * LANES, leaving_[p].at(j * e.stride + b * LANES) * scale);
      grid.columns.forward(s.column.re, s.column.im, s.column_work.re, s.column_work.im, LANES);
      for (size_t i = 0; i < e.outer.size(); ++i) {
        const auto [field, product] = e.outer[i];
        if (product != p) continue;
        const Symbol symbol = e.outer_symbol(i);
        for (long l = 0; l < e.lines; ++l) {
          const long to = l * e.stride + b * LANES, at = field * e.row + to;
          const auto value = symbol.times(to, s.column.at(place(l) * LANES));
          y.put(at, seen[field] ? y.at(at) + value : value);
        }
        seen[field] = true;
      }
    }
    for (int f = 0; f < e.fields; ++f) {
      for (long l = 0; l < e.lines; ++l) {
        const long from = l * e.stride + b * LANES, at = f * e.row + from;
        if (!seen[f]) y.clear(at, at + LANES);
        for (int g = 0; !e.coupling.empty() && g < e.fields; ++g)
          y.put(at, y.at(at) + e.coupling_symbol(f, g).times(from, x.at(g * e.row + from)));
      }
    }
  }

  Storage storage_;
  std::vector<Row> entering_, leaving_;  // atoms and products, first axis on the grid, last one in modes: (n0, stride)
};

}  // namespace

extern "C" {

// Lines of modes are padded to a multiple of this.
int lanes() { return LANES; }

// Returns nothing where a grid of that shape has no fast transform. All arrays are copied.
void* create(const Description* description, const int* shape, const double* points) {
  const Description& d = *description;
  if (shape[1] % 2 || d.modes > shape[1] / 2 || d.lines > shape[0]) return nullptr;
  if (!Fft(shape[0]).ok() || !Fft(shape[1] / 2).ok()) return nullptr;
  return new Plane(d, shape, points);
}

void destroy(void* handle) { delete static_cast<Plane*>(handle); }

static void prepare(Plane& plane, int threads) {
  while ((int)plane.scratch.size() < threads)
    plane.scratch.push_back(std::make_unique<Scratch>(plane.equation, plane.grid));
}

// out = N(u, t). u, out: (batch, fields, 2K+1, K+1) complex; t: (batch,)
void nonlinear(void* handle, long batch, const double* u, const double* t, double* out, int threads) {
  Plane& plane = *static_cast<Plane*>(handle);
  const std::lock_guard<std::mutex> guard(plane.busy);
  const Equation& e = plane.equation;
  prepare(plane, threads);
  for (long i = 0; i < batch; ++i) {
    e.read(plane.state[plane.A], u + i * e.member());
    together(threads, [&](const Member& me) { plane.nonlinear(me, plane.state[plane.A], plane.state[plane.NU], t[i]); });
    e.write(plane.state[plane.NU], out + i * e.member());
  }
}

// `steps` steps of the exponential scheme from u at times t into out (which may be u). rate: N(u, t), or nothing.
// tables: (9, 2, size) and h: of one step size; or with table_stride > 0 one of each for every member.
void etdrk4(void* handle, long batch, const double* u, const double* rate, const double* t, const double* tables,
            long table_stride, const double* h, long steps, double* out, int threads) {
  Plane& plane = *static_cast<Plane*>(handle);
  const std::lock_guard<std::mutex> guard(plane.busy);
  const Equation& e = plane.equation;
  prepare(plane, threads);
  for (long i = 0; i < batch; ++i) {
    const Scheme scheme{tables + table_stride * i, e.size()};
    const double length = h[table_stride ? i : 0];
    e.read(plane.state[plane.U], u + i * e.member());
    if (rate) e.read(plane.state[plane.NU], rate + i * e.member());
    together(threads, [&](const Member& me) {
      for (long step = 0; step < steps; ++step) {
        const double at = t[i] + step * length;
        if (step > 0 || !rate) plane.nonlinear(me, plane.state[plane.U], plane.state[plane.NU], at);
        plane.step(me, scheme, at, length);
      }
    });
    e.write(plane.state[plane.U], out + i * e.member());
  }
}

}  // extern "C"
