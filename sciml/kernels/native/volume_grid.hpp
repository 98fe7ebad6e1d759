// Cells with their ghosts in memory, and what is known of faces: boundary data and velocities, widened as needed.
#pragma once
#include "volume_ghosts.hpp"

namespace sciml {

// Cells n[0] x n[1] with GHOSTS more on every side of an axis that exists.
struct Frame {
  long n[2], beside;  // beside: ghosts of dimension 0, none in one dimension
  bool periodic[2];
  double width[2];
  explicit Frame(const Description& d)
      : n{(long)d.cells[0], (long)d.cells[1]}, beside(d.dim == 2 ? GHOSTS : 0), periodic{d.periodic[0] != 0, d.periodic[1] != 0},
        width{d.widths[0], d.widths[1]} {}
  long row() const { return padded(n[1] + 2 * GHOSTS); }
  long rows() const { return n[0] + 2 * beside; }
  long plane() const { return rows() * row() + PAD; }
  long cells() const { return n[0] * n[1]; }
  // of row i's first cell, without ghosts
  long at(long i) const { return (i + beside) * row() + GHOSTS; }
  long scratch() const { return padded(n[1] + 4 * GHOSTS); }
};

// Values given on the two faces of an axis, by field, widened by GHOSTS along the other axis.
class Faces {
 public:
  Faces(const Frame& frame, int fields, int dim) : frame_(frame), fields_(fields), dim_(dim), length_(frame.n[1 - dim] + 2 * GHOSTS) {}

  // values: (fields, cells of the other axis)
  void set(int side, const double* values, const Continuation& beyond) {
    auto& to = given_[side];
    to.assign(fields_ * length_, 0.0);
    const long n = frame_.n[1 - dim_];
    const bool line = frame_.beside == 0;
    for (int f = 0; f < fields_; ++f) {
      double* first = to.data() + f * length_ + GHOSTS;
      std::copy_n(values + f * n, n, first);
      if (!line) beyond.line(first, 1, n, frame_.periodic[1 - dim_], nullptr, nullptr);
    }
  }
  // of cell 0 of the other axis; nothing where nothing is given
  const double* at(int side, int field) const {
    return given_[side].empty() ? nullptr : given_[side].data() + field * length_ + GHOSTS;
  }

 private:
  const Frame& frame_;
  long fields_;
  int dim_;
  long length_;
  std::vector<double> given_[2];
};

// A velocity on the faces across an axis: at the middles of faces, and what its averages lose on the way back.
class Velocity {
 public:
  Velocity(const Frame& frame, int dim, bool turns) : frame_(frame), dim_(dim), turns_(turns) {
    const long margin = turns ? MARGIN : 0;
    rows_ = frame.n[0] + (dim == 0 ? 1 : 2 * margin), count_ = frame.n[1] + (dim == 1 ? 1 : 2 * margin);
    points_.resize(rows_ * count_);
    if (turns) lost_.resize((frame.n[0] + (dim == 0)) * (frame.n[1] + (dim == 1)));
  }

  // averages on the faces, with `turns` widened by 2 MARGIN along the other axis
  void set(const double* given) {
    if (!turns_) {
      std::copy_n(given, points_.size(), points_.begin());
      return;
    }
    const long lines = frame_.n[0] + (dim_ == 0), n = frame_.n[1] + (dim_ == 1);
    if (dim_ == 0) {
      for (long i = 0; i < rows_; ++i) TO_POINTS.along(given + i * (n + 4 * MARGIN), points_.data() + i * count_, count_);
      for (long i = 0; i < lines; ++i) TO_AVERAGES.along(points_.data() + i * count_, lost_.data() + i * n, n);
    } else {
      five(TO_POINTS, given, points_.data(), rows_), five(TO_AVERAGES, points_.data(), lost_.data(), lines);
    }
    for (long i = 0; i < lines; ++i) {
      const double* exact = dim_ == 0 ? given + i * (n + 4 * MARGIN) + 2 * MARGIN : given + (i + 2 * MARGIN) * n;
      for (long j = 0; j < n; ++j) lost_[i * n + j] = exact[j] - lost_[i * n + j];
    }
  }
  // row i's first face that fluxes are asked for (with `turns` it may be -MARGIN)
  const double* points(long i) const { return points_.data() + (i + (turns_ && dim_ == 1 ? MARGIN : 0)) * count_; }
  const double* lost(long i) const { return lost_.data() + i * (frame_.n[1] + (dim_ == 1)); }

 private:
  void five(const Five& sum, const double* from, double* to, long rows) const {
    for (long i = 0; i < rows; ++i) {
      const double* a = from + i * count_;
      sum(a, a + count_, a + 2 * count_, a + 3 * count_, a + 4 * count_, to + i * count_, count_);
    }
  }
  const Frame& frame_;
  int dim_;
  bool turns_;
  long rows_, count_;
  std::vector<double> points_, lost_;
};

}  // namespace sciml
