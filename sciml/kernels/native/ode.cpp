// Explicit Runge-Kutta methods on a batch of initial value problems, each sample with its own time, step size and verdict:
// numerics/ode/march.py, control.py, explicit.py and output.py in one loop. B samples go together through any number of steps,
// everything between two of them staying in the cache; what a sample's numbers are does not depend on who goes with it.

#include <algorithm>
#include <limits>
#include <utility>

#include "ode.hpp"

namespace sciml {
namespace {

constexpr double TINY = 1e-300;

template <long B> class Block {
 public:
  Block(const Task& task, const Method& method)
      : k(task), m(method), n(task.fields), all(task.stages + task.further),
        room(zeros((n * (all + 3) + task.owns + task.registers + 12) * B)), registers(task.registers) {
    double* at = room.get();
    const auto rows = [&](long count) { return std::exchange(at, at + count * B); };
    y = rows(n), end = rows(n), stages = rows(n * all), t = rows(1), h = rows(1), until = rows(1), previous = rows(1);
    past = rows(1), step = rows(1), begun = rows(1), time = rows(1), error = rows(1), other = rows(1), due = rows(1);
    atoms = rows(n + k.owns);
    for (long r = 0; r < k.registers; ++r) registers[r] = r < n + k.owns ? atoms + r * B : rows(1);
    for (long f = 0; f < n; ++f)
      own.push_back(k.results[f] >= n + k.owns && std::find(k.results, k.results + f, k.results[f]) == k.results + f);
  }

  // `attempts` steps at most of samples first … first + B - 1, those beyond the last being at rest; how many there were
  long march(long first) {
    load(first);
    for (long tried = 0; tried < k.attempts; ++tried) {
      if (!begin()) return save(first), tried;
      for (long s = 1; s < k.stages; ++s) stage(s, s + 1 == k.stages ? end : atoms);
      judge();
      if (control()) output(first);
      accept();
    }
    return save(first), k.attempts;
  }

 private:
  const Task& k;
  const Method& m;
  const long n, all;
  Storage room;
  std::vector<double*> registers;
  std::vector<bool> own;  // whether a rate may be computed where it is kept
  double *y, *end, *stages, *t, *h, *until, *previous, *past, *step, *begun, *time, *error, *other, *due, *atoms;
  int64_t active[B], last[B], took[B], stuck[B], attempted[B], accepted[B];

  double* rate(long s, long f) { return stages + (s * n + f) * B; }

  void load(long first) {
    for (long i = 0; i < B; ++i) {
      const long from = std::min(first + i, k.samples - 1);
      t[i] = k.t[from], h[i] = k.h[from], previous[i] = k.previous[from], past[i] = logarithm(previous[i]);
      until[i] = first + i < k.samples ? k.until[from] : t[i];
      stuck[i] = k.stuck[from], attempted[i] = k.attempted[from], accepted[i] = k.accepted[from];
      for (long f = 0; f < n; ++f) y[f * B + i] = k.y[f * k.samples + from], rate(0, f)[i] = k.rate[f * k.samples + from];
      for (long p = 0; p < k.owns; ++p) atoms[(n + p) * B + i] = k.own[p * k.samples + from];
      due[i] = coming(from);
    }
  }

  void save(long first) {
    for (long i = 0; i < std::min(B, k.samples - first); ++i) {
      const long to = first + i;
      k.t[to] = t[i], k.h[to] = h[i], k.previous[to] = previous[i], k.stuck[to] = stuck[i] != 0;
      k.attempted[to] = attempted[i], k.accepted[to] = accepted[i];
      for (long f = 0; f < n; ++f) k.y[f * k.samples + to] = y[f * B + i], k.rate[f * k.samples + to] = rate(0, f)[i];
    }
  }

  double coming(long sample) const {
    return k.next[sample] < k.outputs ? k.times[sample * k.outputs + k.next[sample]]
                                      : std::numeric_limits<double>::infinity();
  }

  // step sizes; whether anybody is on the way
  bool begin() {
    int64_t some = 0;
#pragma omp simd reduction(| : some)
    for (long i = 0; i < B; ++i) {
      active[i] = (t[i] < until[i]) & (stuck[i] == 0);
      last[i] = t[i] + k.stretch * h[i] >= until[i];
      step[i] = (active[i] & last[i]) != 0 ? until[i] - t[i] : h[i];  // at rest: any step that is not 0
      some |= active[i];
    }
    return some != 0;
  }

  // what `each(i, Σ weight·rate)` makes of LANES numbers of a field at a time
  template <class F> void sum(const Sum& of, long f, F each) {
    constexpr long WIDE = B / LANES;
    Wide total[WIDE] = {};
    const double* first = rate(0, f);
    for (const auto& [stage, weight] : of)
      for (long v = 0; v < WIDE; ++v) total[v] += weight * sciml::load<Wide>(first + stage * n * B + v * LANES);
    for (long v = 0; v < WIDE; ++v) each(v * LANES, total[v]);
  }

  // rate s at the state y + h Σ, which is left in `to` too
  void stage(long s, double* to) {
    for (long f = 0; f < n; ++f) {
      const double* start = y + f * B;
      double *value = to + f * B, *atom = atoms + f * B;
      sum(m.rows[s], f, [&](long i, Wide total) {
        total = sciml::load<Wide>(start + i) + sciml::load<Wide>(step + i) * total;
        store(value + i, total), store(atom + i, total);
      });
      if (own[f]) registers[k.results[f]] = rate(s, f);
    }
    const double node = k.nodes[s];
    for (long i = 0; i < B; i += LANES) store(time + i, sciml::load<Wide>(t + i) + node * sciml::load<Wide>(step + i));
    const Program program{static_cast<int32_t>(k.length), k.code, k.constants};
    const double* at = time;
    interpret(program, registers.data(), B, [](long, long) { return 0.0; }, [at](long i) { return at[i]; });
    for (long f = 0; f < n; ++f)
      if (!own[f]) std::copy_n(registers[k.results[f]], B, rate(s, f));
  }

  // error of the step in units of the tolerance
  void judge() {
    norm(m.errors[0], error);
    if (m.errors.size() == 1) {
#pragma omp simd
      for (long i = 0; i < B; ++i) error[i] *= step[i];
      return;
    }
    norm(m.errors[1], other);
#pragma omp simd
    for (long i = 0; i < B; ++i) {
      const double five = error[i] * error[i], three = other[i] * other[i];
      error[i] = step[i] * five / (std::sqrt(five + 0.01 * three) + TINY);
    }
  }

  void norm(const Sum& of, double* to) {
    std::fill_n(to, B, 0.0);
    for (long f = 0; f < n; ++f) {
      double part[B];
      sum(of, f, [&](long i, Wide total) { store(part + i, total); });
      const double *from = y + f * B, *later = end + f * B;
      const double absolute = k.absolute, relative = k.relative;
#pragma omp simd
      for (long i = 0; i < B; ++i) {
        const double a = std::fabs(from[i]), b = std::fabs(later[i]);
        const double q = part[i] / (absolute + relative * (a > b || a != a ? a : b));
        to[i] += q * q;
      }
    }
    const double share = 1.0 / n;
#pragma omp simd
    for (long i = 0; i < B; ++i) to[i] = std::sqrt(to[i] * share);
  }

  // verdicts, times and step sizes; whether an output lies in a step that was accepted
  bool control() {
    constexpr double round = 6755399441055744.0;
    const double least = logarithm(k.least);
    int64_t some = 0;
#pragma omp simd reduction(| : some)
    for (long i = 0; i < B; ++i) {
      const double e = error[i];
      const int64_t good = active[i] & (e <= 1.0);  // an error that is not a number is no
      const double bounded = e > 1e-10 ? (e <= std::numeric_limits<double>::max() ? e : 1e10) : (e == e ? 1e-10 : 1e10);
      const double size = logarithm(bounded), raw = k.safety * exponential(size * k.now + past[i] * k.before);
      const double inside = raw < k.smallest ? k.smallest : (raw > k.largest ? k.largest : raw);
      const double whole = (inside * k.grain + round - round) / k.grain;
      const double change = good | (whole < 1.0) ? whole : 1.0;
      const double following = active[i] ? step[i] * change : h[i];
      const double from = std::fabs(t[i]), to = std::fabs(until[i]);
      stuck[i] |= active[i] & (good ^ 1) & (following <= k.ulps * (from > to ? from : to));
      begun[i] = t[i];
      const double reached = t[i] + step[i];
      some |= good & (due[i] <= reached);
      t[i] = good ? (last[i] ? until[i] : reached) : t[i];
      h[i] = following;
      previous[i] = good ? (e > k.least ? e : k.least) : previous[i];
      past[i] = good ? (size > least ? size : least) : past[i];
      attempted[i] += active[i], accepted[i] += good, took[i] = good;
    }
    return some != 0;
  }

  void accept() {
    for (long f = 0; f < n; ++f) {
      double *state = y + f * B, *first = rate(0, f);
      const double *later = end + f * B, *following = rate(k.stages - 1, f);
#pragma omp simd
      for (long i = 0; i < B; ++i) {
        state[i] = took[i] ? later[i] : state[i];
        first[i] = took[i] ? following[i] : first[i];
      }
    }
  }

  // what was asked for inside the steps
  void output(long first) {
    std::swap(t, begun);
    for (long s = k.stages; s < all; ++s) stage(s, atoms);
    std::swap(t, begun);
    for (long i = 0; i < std::min(B, k.samples - first); ++i) {
      const long sample = first + i;
      const double reached = begun[i] + step[i];
      while (took[i] && due[i] <= reached) {
        const double theta = std::clamp((due[i] - begun[i]) / step[i], 0.0, 1.0);
        double* to = k.values + (sample * k.outputs + k.next[sample]) * n;
        for (long f = 0; f < n; ++f) to[f] = k.further ? nested(i, f, theta) : polynomial(i, f, theta);
        k.evaluations[sample] += k.further;
        ++k.next[sample];
        due[i] = coming(sample);
      }
    }
  }

  // y + h Σ b_s(θ) k_s, the coefficients of θ, θ², … of each stage in a row
  double polynomial(long i, long f, double theta) {
    double total = y[f * B + i];
    for (long s = 0; s < k.stages; ++s) {
      const double* c = k.polynomials + s * k.dense;
      double weight = 0.0;
      for (long power = k.dense - 1; power >= 0; --power) weight = c[power] + theta * weight;
      total += step[i] * theta * weight * rate(s, f)[i];
    }
    return total;
  }

  // y + θ(c_0 + (1 - θ)(c_1 + θ(c_2 + …))): from the step's ends first, then by rows of weights of all stages
  double nested(long i, long f, double theta) {
    const double start = y[f * B + i], change = end[f * B + i] - start;
    const double one = step[i] * rate(0, f)[i], two = step[i] * rate(k.stages - 1, f)[i];
    const double given[3] = {change, one - change, 2.0 * change - (one + two)};
    double total = 0.0;
    for (long power = k.dense + 2; power >= 0; --power) {
      double term = 0.0;
      if (power < 3) {
        term = given[power];
      } else {
        const Sum& of = m.dense[power - 3];
        for (const auto& [stage, weight] : of) term += weight * rate(stage, f)[i];
        term *= step[i];
      }
      total = (total + term) * (power % 2 ? 1.0 - theta : theta);
    }
    return start + total;
  }
};

template <long B> int64_t marched(const Task& task) {
  const Method method(task);
  const long blocks = (task.samples + B - 1) / B;
  std::vector<int64_t> tried(blocks);
  together(static_cast<int>(std::min<long>(task.threads, blocks)), [&](const Member& me) {
    Block<B> block(task, method);
    me.share(blocks, [&](long b) { tried[b] = block.march(b * B); });
  });
  return *std::max_element(tried.begin(), tried.end());
}

}  // namespace
}  // namespace sciml

extern "C" {

// `attempts` steps at most of every sample, up to its own end; how many the slowest has tried
int64_t ode_march(const sciml::Task* task) {
  return task->samples <= 8 ? sciml::marched<8>(*task) : sciml::marched<32>(*task);
}
}
