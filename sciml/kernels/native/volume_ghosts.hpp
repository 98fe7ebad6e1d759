// Cells beyond the ends of an axis: wrapped, or continued from inside and from what is given on the face.
#pragma once
#include <cmath>

#include "volume_faces.hpp"

namespace sciml {

struct Continuation {
  double tables[2][4][5], to_face[5];

  // The GHOSTS cells beyond one end. from: the cell at the end, the next ones `inwards` apart; the ghosts follow the
  // other way. face: the value on the end, or nothing. A quartic where the data are smooth, the nearest datum else.
  void operator()(double* from, long inwards, const double* face) const {
    double inside[5], data[5], first[4], steep = 0, bent = 0, largest = 0;
    for (int k = 0; k < 5; ++k) inside[k] = from[k * inwards];
    for (int k = 0; k < 4; ++k) first[k] = inside[k + 1] - inside[k], steep += first[k] * first[k];
    for (int k = 0; k < 2; ++k) {
      const double third = first[k + 2] - 2 * first[k + 1] + first[k];
      bent += third * third;
    }
    for (int k = 0; k < 5; ++k) data[k] = !face ? inside[k] : k ? inside[k - 1] : *face;
    if (face) {
      double expected = 0;
      for (int k = 0; k < 5; ++k) expected += to_face[k] * inside[k];
      bent += (*face - expected) * (*face - expected);
    }
    for (int k = 0; k < 5; ++k) largest = std::fmax(largest, std::fabs(data[k]));
    const double small = largest * 1e-8, rough = 10 * bent / (steep + (small * small + 1e-200));
    const double smooth = 1 / (1 + (rough * rough) * (rough * rough));
    for (long g = 0; g < GHOSTS; ++g) {
      double quartic = 0;
      for (int k = 0; k < 5; ++k) quartic += tables[face != nullptr][g][k] * data[k];
      from[-(g + 1) * inwards] = data[0] + smooth * (quartic - data[0]);
    }
  }

  // Both ends of a line of `count` cells, `stride` apart, the first at `line`.
  void line(double* line, long stride, long count, bool periodic, const double* low, const double* high) const {
    if (periodic) {
      for (long g = 0; g < GHOSTS; ++g) {
        line[-(g + 1) * stride] = line[(count - 1 - g) * stride];
        line[(count + g) * stride] = line[g * stride];
      }
      return;
    }
    (*this)(line, stride, low);
    (*this)(line + (count - 1) * stride, -stride, high);
  }
};

}  // namespace sciml
