// Velocities of stream functions on two periodic axes: Φ at the lower corners of cells from averages of ΔΦ, by
// transforms; on faces its differences, whose sum out of a cell vanishes to rounding.
#pragma once
#include "team.hpp"
#include "volume_grid.hpp"

namespace sciml {

class Stream {
 public:
  // symbol: (2, n0, n1/2), real parts, then imaginary ones: from the source's modes to Φ's
  Stream(const Frame& frame, const double* symbol, int threads)
      : frame_(frame), rows_(frame.n[1]), columns_(frame.n[0]), half_(frame.n[1] / 2), stride_(padded(half_)),
        symbol_(padded_rows(symbol, 2 * frame.n[0], half_)), corners_(frame.cells()) {
    const long sheet = frame.n[0] * stride_ + PAD;
    storage_ = zeros(2 * sheet);
    modes_ = {storage_.get(), storage_.get() + sheet};
    for (int t = 0; t < threads; ++t) work_.push_back(zeros(4 * block() + 2 * (stride_ + PAD)));
  }
  static bool possible(long n0, long n1) { return n1 % 2 == 0 && Fft(n1 / 2).ok() && Fft(n0).ok(); }

  // Φ at corners, (cells), from averages of its Laplacian. All threads leave together.
  void find(const Member& me, const double* source) {
    double* work = work_[me.rank].get();
    double *wr = work + 4 * block(), *wi = wr + stride_ + PAD;
    me.share(frame_.n[0], [&](long i) {
      const Row r = modes_.from(i * stride_);
      r.read(source + i * frame_.n[1], half_);
      rows_.analyse(r.re, r.im, wr, wi);
    });
    me.wait();
    me.share(stride_ / LANES, [&](long b) { block_of_columns(work, b * LANES); });
    me.wait();
    me.share(frame_.n[0], [&](long i) {
      const Row r = modes_.from(i * stride_);
      rows_.synthesise(r.re, r.im, wr, wi);
      r.write(corners_.data() + i * frame_.n[1], half_);
    });
    me.wait();
  }

  // to += factor · (∂_y Φ on faces across x, or -∂_x Φ on faces across y), with `margin` more along the other axis.
  void add(int axis, double factor, long margin, double* to) const {
    const long n0 = frame_.n[0], n1 = frame_.n[1];
    const double scale = axis == 0 ? factor / frame_.width[1] : -factor / frame_.width[0];
    const long rows = axis == 0 ? n0 + 1 : n0 + 2 * margin, first = axis == 0 ? 0 : -margin, left = axis == 0 ? margin : 0;
    const long count = axis == 0 ? n1 + 2 * margin : n1 + 1;
    for (long i = 0; i < rows; ++i) {
      const double *here = corners_.data() + wrapped(first + i, n0) * n1, *beyond = corners_.data() + wrapped(first + i + 1, n0) * n1;
      double* __restrict__ y = to + i * count + left;
      const auto difference = [&](long j) {  // of any column
        const long k = wrapped(j, n1);
        return scale * (axis == 0 ? here[wrapped(j + 1, n1)] - here[k] : beyond[k] - here[k]);
      };
      for (long j = -left; j < 0; ++j) y[j] += difference(j);
      if (axis == 0)
        for (long j = 0; j < n1 - 1; ++j) y[j] += scale * (here[j + 1] - here[j]);
      else
        for (long j = 0; j < n1 - 1; ++j) y[j] += scale * (beyond[j] - here[j]);
      for (long j = n1 - 1; j < count - left; ++j) y[j] += difference(j);
    }
  }

 private:
  static long wrapped(long i, long n) { return i < 0 ? i + n : i < n ? i : i - n; }
  long block() const { return frame_.n[0] * LANES + PAD; }

  void block_of_columns(double* work, long from) const {
    const Row x{work, work + block()}, y{work + 2 * block(), work + 3 * block()};
    const long n0 = frame_.n[0];
    for (long i = 0; i < n0; ++i) x.put(i * LANES, modes_.from(i * stride_).at(from));
    columns_.forward(x.re, x.im, y.re, y.im, LANES);
    const Symbol symbol{symbol_.data(), n0 * stride_};
    for (long i = 0; i < n0; ++i) x.put(i * LANES, symbol.times(i * stride_ + from, x.at(i * LANES)) * (1.0 / n0));
    columns_.backward(x.re, x.im, y.re, y.im, LANES);
    for (long i = 0; i < n0; ++i) modes_.from(i * stride_).put(from, x.at(i * LANES));
  }

  const Frame& frame_;
  RealFft rows_;
  Fft columns_;
  long half_, stride_;
  std::vector<double> symbol_, corners_;
  Storage storage_;
  Row modes_;
  std::vector<Storage> work_;
};

}  // namespace sciml
