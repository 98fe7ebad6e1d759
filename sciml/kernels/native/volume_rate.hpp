// One thread's share of the rate of change: some rows of cells, with what is known of their neighbours.
#pragma once
#include "volume_flux.hpp"

namespace sciml {

// What all threads read. wide: (fields, frame.plane()) with ghosts filled; fixed: by field, sources without fields.
struct Shared {
  const Frame& frame;
  int fields, dim, kind;
  bool turns, care;
  const std::vector<AxisLaw>& laws;       // by dimension, the last one alone in one dimension
  const OwnProgram& sources;
  const std::vector<std::vector<Velocity>>& velocities;  // as laws
  const std::vector<Faces>& faces;        // by dimension
  const std::vector<const double*>& fixed;
  const std::vector<double> *centres, *edges;  // by dimension; centres begin GHOSTS before the first cell
};

class Band {
 public:
  explicit Band(const Shared& s)
      : s_(s), frame_(s.frame), m_(s.fields), scratch_(frame_.scratch()), source_(s.sources, m_, scratch_), state_(m_) {
    for (const AxisLaw& law : s.laws) flux_.emplace_back(law, m_, scratch_);
    storage_ = zeros((2L * RING + 2 + RING + 2) * m_ * scratch_);
    double* at = storage_.get();
    const auto rows = [&](std::vector<double*>& to, long count) {
      for (long k = 0; k < count; ++k) to.push_back(at), at += scratch_;
    };
    rows(below_, RING * m_), rows(above_, RING * m_), rows(low_, m_), rows(high_, m_), rows(fluxes_, RING * m_);
    rows(previous_, m_), rows(mean_, m_);
  }

  double fastest[2], liveliest;  // largest speeds across faces by dimension; bound on the rate of sources

  // rate: (fields, cells), rows from … to are written. floors: by dimension and field.
  void operator()(const double* wide, double time, const double* const* floors, double* rate, long from, long to) {
    wide_ = wide, time_ = time, rate_ = rate;
    fastest[0] = fastest[1] = liveliest = 0;
    for (int g = 0; g < m_; ++g)
      for (long i = from; i < to; ++i) std::fill_n(out(g, i), frame_.n[1], 0.0);
    if (s_.dim == 2) across_rows(floors[0], from, to);
    if (s_.dim == 2 && s_.turns) along_rows_turned(floors[1], from, to);
    else along_rows(floors[1], from, to);
    sources(from, to);
  }

 private:
  static constexpr int RING = 5;
  const AxisLaw& law(int dim) const { return s_.laws[dim - (2 - s_.dim)]; }
  const std::vector<Velocity>& velocities(int dim) const { return s_.velocities[dim - (2 - s_.dim)]; }
  RowFlux& flux(int dim) { return flux_[dim - (2 - s_.dim)]; }
  double* out(int g, long i) const { return rate_ + g * frame_.cells() + i * frame_.n[1]; }
  const double* cells(int f, long i) const { return wide_ + f * frame_.plane() + frame_.at(i); }
  double** slot(std::vector<double*>& ring, long i) const { return ring.data() + ((i % RING + RING) % RING) * m_; }
  double centre(int dim, long i) const { return s_.dim == 1 && dim == 0 ? 0.0 : s_.centres[dim][i + GHOSTS]; }
  Place place(double beside, const double* along) const { return {along, beside, time_, s_.dim}; }

  void gather(std::vector<const double*>& to, int dim, long row) const {
    to.clear();
    for (const Velocity& v : velocities(dim)) to.push_back(v.points(row));
  }

  // flux -= D ∂u on `count` faces between `cells` and the ones `stride` further
  void diffuse(int dim, double* const* flux, long row, long first, long stride, long count) const {
    const AxisLaw& l = law(dim);
    for (size_t k = 0; k < l.spread.size(); ++k) {
      const auto [g, f] = l.spread[k];
      const double* b = cells(f, row) + first;
      const double c = l.coefficients[k] / (12 * frame_.width[dim]);
      double* __restrict__ to = flux[g];
      for (long j = 0; j < count; ++j) {
        const double* v = b + j;
        to[j] -= c * (15 * (v[stride] - v[0]) - (v[2 * stride] - v[-stride]));
      }
    }
  }

  void give_back(int dim, long row, double* const* below, double* const* above, long offset, long count, double* const* flux) const {
    const AxisLaw& l = law(dim);
    for (size_t k = 0; k < l.carried.size(); ++k) {  // the averages of velocities are exact, and balance
      const auto [g, f] = l.carried[k];
      const double *lost = velocities(dim)[k].lost(row), *b = below[f] + offset, *a = above[f] + offset;
      double* __restrict__ to = flux[g];
      for (long j = 0; j < count; ++j) to[j] += lost[j] * ((b[j] + a[j]) / 2);
    }
  }

  void clear(double* const* rows, long count) const {
    for (int g = 0; g < m_; ++g) std::fill_n(rows[g], count, 0.0);
  }

  // Dimension 0: faces between rows.
  void across_rows(const double* floors, long from, long to) {
    const long n = frame_.n[1], margin = s_.turns ? 2 * MARGIN : 0, inner = s_.turns ? MARGIN : 0;
    double **below = slot(below_, 0), **above = slot(above_, 0), **fresh = slot(fluxes_, 0), **points = slot(fluxes_, 1);
    const bool flows = law(0).flows();
    if (!flows && law(0).spread.empty()) return;
    for (long i = from; i <= to; ++i) {
      if (flows) {
        for (int f = 0; f < m_; ++f)
          traces(s_.kind, cells(f, i - 1) - margin, frame_.row(), n + 2 * margin, floors[f], below[f], above[f]);
        if (!frame_.periodic[0] && (i == 0 || i == frame_.n[0])) row_at_end(i != 0, below, above, margin);
        gather(moves_, 0, i);
        const Place at = place(s_.edges[0][i], s_.centres[1].data() + GHOSTS - inner);
        if (!s_.turns) {
          flux(0)(below, above, moves_.data(), n, at, fresh, fastest[0]);
        } else {
          for (int f = 0; f < m_; ++f) {
            TO_POINTS.along(below[f], low_[f], n + 2 * inner), TO_POINTS.along(above[f], high_[f], n + 2 * inner);
          }
          flux(0)(low_.data(), high_.data(), moves_.data(), n + 2 * inner, at, points, fastest[0]);
          for (int g = 0; g < m_; ++g) TO_AVERAGES.along(points[g], fresh[g], n);
          give_back(0, i, below, above, margin, n, fresh);
        }
      } else {
        clear(fresh, n);
      }
      diffuse(0, fresh, i - 1, 0, frame_.row(), n);
      for (int g = 0; g < m_; ++g) {
        if (i > from) subtract(out(g, i - 1), fresh[g], previous_[g], 1 / frame_.width[0], n);
        std::swap(fresh[g], previous_[g]);
      }
    }
  }

  // Dimension 1: faces within a row.
  void along_rows(const double* floors, long from, long to) {
    const long n = frame_.n[1];
    double **below = slot(below_, 0), **above = slot(above_, 0), **fresh = slot(fluxes_, 0);
    const bool flows = law(1).flows();
    if (!flows && law(1).spread.empty()) return;
    for (long i = from; i < to; ++i) {
      if (flows) {
        traced(floors, i, below, above);
        gather(moves_, 1, i);
        flux(1)(below, above, moves_.data(), n + 1, place(centre(0, i), s_.edges[1].data()), fresh, fastest[1]);
      } else {
        clear(fresh, n + 1);
      }
      divide(i, fresh);
    }
  }

  // The same where averages over faces become values at their middles and back, across rows.
  void along_rows_turned(const double* floors, long from, long to) {
    const long n = frame_.n[1];
    if (!law(1).flows()) return along_rows(floors, from, to);
    for (long r = from - 2 * MARGIN; r < to + 2 * MARGIN; ++r) {
      traced(floors, r, slot(below_, r), slot(above_, r));
      if (r < from) continue;
      const long i = r - MARGIN, o = r - 2 * MARGIN;
      for (int f = 0; f < m_; ++f) across(TO_POINTS, below_, i, f, low_[f], n + 1), across(TO_POINTS, above_, i, f, high_[f], n + 1);
      gather(moves_, 1, i);
      flux(1)(low_.data(), high_.data(), moves_.data(), n + 1, place(centre(0, i), s_.edges[1].data()), slot(fluxes_, i), fastest[1]);
      if (o < from) continue;
      for (int g = 0; g < m_; ++g) across(TO_AVERAGES, fluxes_, o, g, mean_[g], n + 1);
      give_back(1, o, slot(below_, o), slot(above_, o), 0, n + 1, mean_.data());
      divide(o, mean_.data());
    }
  }

  void traced(const double* floors, long i, double** below, double** above) const {
    const long n = frame_.n[1];
    for (int f = 0; f < m_; ++f) {
      traces(s_.kind, cells(f, i) - 1, 1, n + 1, floors[f], below[f], above[f]);
      if (frame_.periodic[1]) continue;
      const double *low = s_.faces[1].at(0, f), *high = s_.faces[1].at(1, f);
      below[f][0] = low ? low[i] : above[f][0];
      above[f][n] = high ? high[i] : below[f][n];
    }
  }

  void divide(long i, double* const* fresh) const {
    diffuse(1, fresh, i, -1, 1, frame_.n[1] + 1);
    for (int g = 0; g < m_; ++g) subtract(out(g, i), fresh[g] + 1, fresh[g], 1 / frame_.width[1], frame_.n[1]);
  }

  static void subtract(double* __restrict__ to, const double* upper, const double* lower, double factor, long count) {
    for (long j = 0; j < count; ++j) to[j] -= (upper[j] - lower[j]) * factor;
  }

  // Outside the first or last row: what is given there, or what arrives from inside.
  void row_at_end(int side, double** below, double** above, long margin) const {
    for (int f = 0; f < m_; ++f) {
      const double* given = s_.faces[0].at(side, f);
      double *outside = side ? above[f] : below[f], *inside = side ? below[f] : above[f];
      std::copy_n(given ? given - margin : inside, frame_.n[1] + 2 * margin, outside);
    }
  }

  // Five rows of a ring about row i, of one field.
  void across(const Five& sum, std::vector<double*>& ring, long i, int f, double* to, long count) const {
    sum(slot(ring, i - 2)[f], slot(ring, i - 1)[f], slot(ring, i)[f], slot(ring, i + 1)[f], slot(ring, i + 2)[f], to, count);
  }

  void sources(long from, long to) {
    for (int g = 0; g < m_; ++g)
      for (long i = from; s_.fixed[g] && i < to; ++i) {
        const double* given = s_.fixed[g] + i * frame_.n[1];
        double* __restrict__ y = out(g, i);
        for (long j = 0; j < frame_.n[1]; ++j) y[j] += given[j];
      }
    const auto& wanted = s_.sources.results;
    if (std::all_of(wanted.begin(), wanted.end(), [](int r) { return r < 0; })) return;
    s_.care ? careful(from, to) : plain(from, to);
  }

  void plain(long from, long to) {
    for (long i = from; i < to; ++i) {
      for (int f = 0; f < m_; ++f) state_[f] = const_cast<double*>(cells(f, i));  // programs do not write to states
      source_.run(state_.data(), frame_.n[1], place(centre(0, i), s_.centres[1].data() + GHOSTS));
      measure(frame_.n[1]);
      for (int g = 0; g < m_; ++g) add(g, i, source_.result(g));
    }
  }

  // Averages to values, sources there, averages of them: in both dimensions.
  void careful(long from, long to) {
    const long n = frame_.n[1], reach = s_.dim == 2 ? 2 * MARGIN : 0;
    for (long r = from - reach; r < to + reach; ++r) {
      for (int f = 0; f < m_; ++f) TO_POINTS.along(cells(f, r) - 2 * MARGIN, slot(below_, r)[f], n + 2 * MARGIN);
      if (reach && r < from) continue;
      const long i = reach ? r - MARGIN : r, o = reach ? r - 2 * MARGIN : r;
      for (int f = 0; f < m_; ++f)
        if (reach) across(TO_POINTS, below_, i, f, low_[f], n + 2 * MARGIN);
        else std::copy_n(slot(below_, r)[f], n + 2 * MARGIN, low_[f]);
      source_.run(low_.data(), n + 2 * MARGIN, place(centre(0, i), s_.centres[1].data() + GHOSTS - MARGIN));
      measure(n + 2 * MARGIN);
      for (int g = 0; g < m_; ++g)
        if (source_.result(g)) TO_AVERAGES.along(source_.result(g), slot(fluxes_, i)[g], n);
      if (reach && o < from) continue;
      for (int g = 0; g < m_; ++g) {
        if (!source_.result(g)) continue;
        if (reach) across(TO_AVERAGES, fluxes_, o, g, mean_[g], n);
        add(g, o, reach ? mean_[g] : slot(fluxes_, i)[g]);
      }
    }
  }

  void add(int g, long i, const double* row) const {
    double* __restrict__ y = out(g, i);
    for (long j = 0; row && j < frame_.n[1]; ++j) y[j] += row[j];
  }

  // Row sums of |∂source/∂field|.
  void measure(long count) {
    for (int g = 0; g < m_; ++g) {
      std::fill_n(high_[0], count, 0.0);
      for (int f = 0; f < m_; ++f)
        if (const double* slope = source_.result(m_ + g * m_ + f))
          for (long j = 0; j < count; ++j) high_[0][j] += std::fabs(slope[j]);
      for (long j = 0; j < count; ++j) RowFlux::raise(liveliest, high_[0][j]);
    }
  }

  const Shared& s_;
  const Frame& frame_;
  int m_;
  long scratch_;
  Registers source_;
  std::vector<RowFlux> flux_;
  Storage storage_;
  // states at faces, on both sides, by row of the ring and field; at points; fluxes; the face before; a row's means
  std::vector<double*> below_, above_, low_, high_, fluxes_, previous_, mean_, state_;
  std::vector<const double*> moves_;
  const double* wide_ = nullptr;
  double time_ = 0, *rate_ = nullptr;
};

}  // namespace sciml
