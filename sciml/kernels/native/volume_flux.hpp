// The flux through faces from the states on both sides: local Lax–Friedrichs (Rusanov), upwind where linear.
#pragma once
#include "volume_grid.hpp"
#include "volume_waves.hpp"

namespace sciml {

// A row of coordinates for programs: that of dimension 1 varies, that of dimension 0 does not.
struct Place {
  const double* along;
  double beside, time;
  int dim;  // of the problem: an axis is a dimension, counted from the end
  double operator()(int axis, long i) const { return axis + 2 - dim == 1 ? along[i] : beside; }
};

// A program's registers for rows of `scratch` numbers. State rows are its first registers. What depends on the
// coordinate along the row alone is kept from row to row, what does not depend on it nor on states is computed once a row.
class Registers {
 public:
  Registers(const OwnProgram& program, int fields, long scratch) : results_(program.results), fields_(fields) {
    storage_ = zeros((long)std::max(program.registers - fields, 0) * scratch + 1);
    rows_.resize(std::max(program.registers, (int32_t)fields));
    for (int r = fields; r < program.registers; ++r) rows_[r] = storage_.get() + (r - fields) * scratch;
    sort(program);
  }

  void run(double* const* state, long count, const Place& place) {
    std::copy_n(state, fields_, rows_.begin());
    if (place.along != along_ || count != count_) pass(kept_, count, place);
    along_ = place.along, count_ = count;
    pass(single_, 1, place);
    for (const int r : spread_) std::fill_n(rows_[r] + 1, count - 1, rows_[r][0]);
    pass(every_, count, place);
  }
  const double* result(int k) const { return results_[k] < 0 ? nullptr : rows_[results_[k]]; }

 private:
  struct Part {
    std::vector<Instruction> code;
    const double* constants;
  };

  // Each register is written once, so that instructions can be taken apart by what they depend on.
  void sort(const OwnProgram& program) {
    enum { NOTHING = 0, ALONG = 1, BESIDE = 2, STATE = 4 };
    std::vector<int> depends(rows_.size(), STATE);
    kept_.constants = single_.constants = every_.constants = program.constants.data();
    for (const Instruction& i : program.code) {
      int on = 0;
      if (i.op == COORDINATE) on = i.a + 2 - program.axes == 1 ? ALONG : BESIDE;
      else if (i.op == TIME) on = BESIDE;
      else if (i.op == FILL) on = NOTHING;
      else on = depends[i.a] | (i.op == ADD || i.op == MULTIPLY ? depends[i.b] : 0);
      depends[i.to] = on;
      Part& part = on & STATE || on == (ALONG | BESIDE) ? every_ : on == BESIDE ? single_ : kept_;
      part.code.push_back(i);
      if (on == BESIDE) spread_.push_back(i.to);
    }
  }

  void pass(const Part& part, long count, const Place& place) {
    const Program program{(int32_t)part.code.size(), part.code.data(), part.constants};
    const double time = place.time;
    interpret(program, rows_.data(), count, [&](int axis, long i) { return place(axis, i); }, [=](long) { return time; });
  }

  const std::vector<int32_t>& results_;
  int fields_;
  Storage storage_;
  std::vector<double*> rows_;
  Part kept_, single_, every_;
  std::vector<int> spread_;
  const double* along_ = nullptr;
  long count_ = 0;
};

// One thread's means to compute rows of fluxes along one axis.
class RowFlux {
 public:
  RowFlux(const AxisLaw& law, int fields, long scratch)
      : law_(law), m_(fields), scratch_(scratch), lower_(law.program, fields, scratch), upper_(law.program, fields, scratch),
        entries_(2 * m_ * m_), matrix_(2 * m_ * m_) {
    storage_ = zeros((2 * m_ * m_ + 1) * scratch);
  }

  // flux[g] = numerical flux of states below and above; velocities: of each carried pair. Raises `fastest`.
  void operator()(double* const* below, double* const* above, const double* const* velocities, long count, const Place& place, double* const* flux, double& fastest) {
    lower_.run(below, count, place), upper_.run(above, count, place);
    for (int g = 0; g < m_; ++g) {
      const double *b = lower_.result(g), *a = upper_.result(g);
      double* __restrict__ f = flux[g];
      for (long i = 0; i < count; ++i) f[i] = b ? b[i] + a[i] : 0.0;
    }
    for (size_t k = 0; k < law_.carried.size(); ++k) {
      const auto [g, q] = law_.carried[k];
      const double *v = velocities[k], *b = below[q], *a = above[q];
      double* __restrict__ f = flux[g];
      for (long i = 0; i < count; ++i) f[i] += v[i] * (b[i] + a[i]);
    }
    slopes(velocities, count);
    if (law_.diagonal)
      for (int g = 0; g < m_; ++g) upwind(entry(0, g, g), entry(1, g, g), below[g], above[g], count, flux[g], fastest);
    else
      coupled(below, above, count, flux, fastest);
  }

 private:
  const double*& entry(int side, int g, int f) { return entries_[(side * m_ + g) * m_ + f]; }

  // The Jacobian's entries on both sides, with velocities; nothing where zero.
  void slopes(const double* const* velocities, long count) {
    std::fill(entries_.begin(), entries_.end(), nullptr);
    for (size_t k = 0; k < law_.coupled.size(); ++k) {
      const auto [g, f] = law_.coupled[k];
      entry(0, g, f) = lower_.result(m_ + k), entry(1, g, f) = upper_.result(m_ + k);
    }
    for (size_t k = 0; k < law_.carried.size(); ++k) {
      const auto [g, f] = law_.carried[k];
      for (int side = 0; side < 2; ++side) {
        const double* slope = entry(side, g, f);
        entry(side, g, f) = velocities[k];
        if (!slope) continue;
        double* __restrict__ sum = storage_.get() + ((side * m_ + g) * m_ + f) * scratch_;
        const double* v = velocities[k];
        for (long i = 0; i < count; ++i) sum[i] = slope[i] + v[i];
        entry(side, g, f) = sum;
      }
    }
  }

  static void upwind(const double* lower, const double* upper, const double* b, const double* a, long count, double* __restrict__ f, double& fastest) {
    if (!lower) {
      for (long i = 0; i < count; ++i) f[i] *= 0.5;
      return;
    }
    double most = 0, poison = 0;  // a maximum forgets what is not a number
    for (long i = 0; i < count; ++i) {
      const double p = std::fabs(lower[i]), q = std::fabs(upper[i]), speed = p > q ? p : q;
      f[i] = 0.5 * (f[i] - speed * (a[i] - b[i]));
      most = speed > most ? speed : most;
      poison += (p + q) * 0.0;
    }
    raise(fastest, most + poison);
  }

  void coupled(double* const* below, double* const* above, long count, double* const* flux, double& fastest) {
    double* speed = storage_.get() + 2 * m_ * m_ * scratch_;
    for (long i = 0; i < count; ++i) {
      double both[2];
      for (int side = 0; side < 2; ++side) {
        for (int k = 0; k < m_ * m_; ++k) {
          const double* e = entries_[side * m_ * m_ + k];
          matrix_[k] = e ? e[i] : 0.0;
        }
        both[side] = spectral_radius(matrix_.data(), matrix_.data() + m_ * m_, m_);
      }
      speed[i] = both[0];
      raise(speed[i], both[1]);
      raise(fastest, speed[i]);
    }
    for (int g = 0; g < m_; ++g) {
      double* __restrict__ f = flux[g];
      for (long i = 0; i < count; ++i) f[i] = 0.5 * (f[i] - speed[i] * (above[g][i] - below[g][i]));
    }
  }

 public:
  // the larger; once it is not a number it stays so
  static void raise(double& most, double value) {
    if (value > most || value != value) most = value;
  }

 private:
  const AxisLaw& law_;
  int m_;
  long scratch_;
  Registers lower_, upper_;
  std::vector<const double*> entries_;
  std::vector<double> matrix_;
  Storage storage_;
};

}  // namespace sciml
