// Stockham's self-sorting fast Fourier transform, mixed radix, on split complex data, vectorised over whatever is
// contiguous: a batch of interleaved transforms, the columns of a plane, or the inner index of a single transform.
//
// Van Loan, Computational Frameworks for the Fast Fourier Transform (SIAM 1992), §1.7. All sums are forward,
// exp(-2πi jk/n), without a factor; the backward ones follow by exchanging real and imaginary parts.
#pragma once
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

namespace sciml {

#if defined(__AVX512F__)
constexpr int LANES = 8;
#elif defined(__AVX__)
constexpr int LANES = 4;
#else
constexpr int LANES = 2;
#endif

typedef double Wide __attribute__((vector_size(8 * LANES)));
typedef double Half __attribute__((vector_size(4 * LANES)));

template <class V> constexpr int lanes() { return sizeof(V) / sizeof(double); }
template <class V> inline V load(const double* p) {  // of any alignment
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class V> inline void store(double* p, V v) { std::memcpy(p, &v, sizeof v); }

inline Wide reversed(Wide v) {
  Wide r = v;
  for (int l = 0; l < LANES; ++l) r[l] = v[LANES - 1 - l];
  return r;
}

template <class V> struct Complex {
  V re, im;
  Complex operator+(Complex o) const { return {re + o.re, im + o.im}; }
  Complex operator-(Complex o) const { return {re - o.re, im - o.im}; }
  Complex operator*(double c) const { return {re * c, im * c}; }
  Complex times_minus_i() const { return {im, -re}; }
  template <class S> Complex times(S c, S s) const { return {re * c - im * s, re * s + im * c}; }
};

template <int R, class V> inline void butterfly(Complex<V>* a);

template <class V> inline void butterfly4(Complex<V>& a0, Complex<V>& a1, Complex<V>& a2, Complex<V>& a3) {
  const auto s0 = a0 + a2, d0 = a0 - a2, s1 = a1 + a3, d1 = (a1 - a3).times_minus_i();
  a0 = s0 + s1, a1 = d0 + d1, a2 = s0 - s1, a3 = d0 - d1;
}

template <int R, class V> inline void butterfly(Complex<V>* a) {
  static_assert(R == 2 || R == 3 || R == 4 || R == 5 || R == 8);
  if constexpr (R == 2) {
    const auto s = a[0] + a[1];
    a[1] = a[0] - a[1], a[0] = s;
  } else if constexpr (R == 3) {
    const auto s = a[1] + a[2], d = ((a[1] - a[2]) * 0.86602540378443864676).times_minus_i(), m = a[0] - s * 0.5;
    a[0] = a[0] + s, a[1] = m + d, a[2] = m - d;
  } else if constexpr (R == 4) {
    butterfly4(a[0], a[1], a[2], a[3]);
  } else if constexpr (R == 5) {
    const double c1 = 0.30901699437494742410, c2 = -0.80901699437494742410;
    const double s1 = 0.95105651629515357212, s2 = 0.58778525229247312917;
    const auto p = a[1] + a[4], q = a[2] + a[3], r = (a[1] - a[4]).times_minus_i(), t = (a[2] - a[3]).times_minus_i();
    const auto m1 = a[0] + p * c1 + q * c2, m2 = a[0] + p * c2 + q * c1, d1 = r * s1 + t * s2, d2 = r * s2 - t * s1;
    a[0] = a[0] + p + q, a[1] = m1 + d1, a[4] = m1 - d1, a[2] = m2 + d2, a[3] = m2 - d2;
  } else {
    const double h = 0.70710678118654752440;
    butterfly4(a[0], a[2], a[4], a[6]);
    butterfly4(a[1], a[3], a[5], a[7]);
    const auto o1 = Complex<V>{a[3].re + a[3].im, a[3].im - a[3].re} * h;
    const auto o2 = a[5].times_minus_i();
    const auto o3 = Complex<V>{a[7].im - a[7].re, -a[7].re - a[7].im} * h;
    const auto e0 = a[0], e1 = a[2], e2 = a[4], e3 = a[6], o0 = a[1];
    a[0] = e0 + o0, a[4] = e0 - o0, a[1] = e1 + o1, a[5] = e1 - o1;
    a[2] = e2 + o2, a[6] = e2 - o2, a[3] = e3 + o3, a[7] = e3 - o3;
  }
}

// One transform of length n, or `stride` interleaved ones: element j of transform q lies at q + stride*j.
class Fft {
 public:
  explicit Fft(int n) : n_(n) {
    int rest = n;
    for (int r : {8, 4, 2, 3, 5})
      while (rest % r == 0 && !(r == 8 && rest == 16)) radices_.push_back(r), rest /= r;
    ok_ = rest == 1;
    int length = n;
    for (int r : radices_) {
      const int m = length / r;
      std::vector<double> c((r - 1) * m), s((r - 1) * m);
      for (int j = 1; j < r; ++j)
        for (int p = 0; p < m; ++p) {
          const long double angle = -8 * std::atan(1.0L) * ((long)j * p % length) / length;
          c[(j - 1) * m + p] = std::cos(angle), s[(j - 1) * m + p] = std::sin(angle);
        }
      cosines_.push_back(std::move(c)), sines_.push_back(std::move(s));
      length = m;
    }
  }
  bool ok() const { return ok_; }
  int size() const { return n_; }

  // In place on (re, im); (wr, wi) is work space of the same size, n*stride each.
  void forward(double* re, double* im, double* wr, double* wi, long stride) const {
    double *xr = re, *xi = im, *yr = wr, *yi = wi;
    int length = n_;
    long s = stride;
    for (size_t i = 0; i < radices_.size(); ++i) {
      const int m = length / radices_[i];
      const double *c = cosines_[i].data(), *t = sines_[i].data();
      switch (radices_[i]) {
        case 2: pass<2>(xr, xi, yr, yi, m, s, c, t); break;
        case 3: pass<3>(xr, xi, yr, yi, m, s, c, t); break;
        case 4: pass<4>(xr, xi, yr, yi, m, s, c, t); break;
        case 5: pass<5>(xr, xi, yr, yi, m, s, c, t); break;
        default: pass<8>(xr, xi, yr, yi, m, s, c, t);
      }
      std::swap(xr, yr), std::swap(xi, yi);
      length = m, s *= radices_[i];
    }
    if (xr != re)
      for (long j = 0; j < (long)n_ * stride; ++j) re[j] = xr[j], im[j] = xi[j];
  }
  void backward(double* re, double* im, double* wr, double* wi, long stride) const { forward(im, re, wi, wr, stride); }

 private:
  template <int R>
  static void pass(const double* xr, const double* xi, double* yr, double* yi, int m, long s, const double* c,
                   const double* t) {
    if (s % lanes<Wide>() == 0)
      across<R, Wide>(xr, xi, yr, yi, m, s, c, t);
    else if (s == 1 && m % lanes<Wide>() == 0)
      along<R, Wide>(xr, xi, yr, yi, m, c, t);
    else if (s % lanes<Half>() == 0)
      across<R, Half>(xr, xi, yr, yi, m, s, c, t);
    else if (s == 1 && m % lanes<Half>() == 0)
      along<R, Half>(xr, xi, yr, yi, m, c, t);
    else
      across<R, double>(xr, xi, yr, yi, m, s, c, t);
  }

  // Vectors over the interleaved transforms.
  template <int R, class V>
  static void across(const double* xr, const double* xi, double* yr, double* yi, int m, long s, const double* c,
                     const double* t) {
    if (m == 1) return last<R, V>(xr, xi, yr, yi, s);
    for (int p = 0; p < m; ++p) {
      const double *ar = xr + s * p, *ai = xi + s * p;
      double *br = yr + s * R * p, *bi = yi + s * R * p;
      for (long q = 0; q < s; q += lanes<V>()) {
        Complex<V> a[R];
#pragma GCC unroll 8
        for (int j = 0; j < R; ++j) a[j] = {load<V>(ar + q + s * m * j), load<V>(ai + q + s * m * j)};
        butterfly<R>(a);
        store(br + q, a[0].re), store(bi + q, a[0].im);
#pragma GCC unroll 8
        for (int j = 1; j < R; ++j) {
          const auto b = a[j].times(c[(j - 1) * m + p], t[(j - 1) * m + p]);
          store(br + q + s * j, b.re), store(bi + q + s * j, b.im);
        }
      }
    }
  }

  template <int R, class V>
  static void last(const double* xr, const double* xi, double* yr, double* yi, long s) {
    for (long q = 0; q < s; q += lanes<V>()) {
      Complex<V> a[R];
#pragma GCC unroll 8
      for (int j = 0; j < R; ++j) a[j] = {load<V>(xr + q + s * j), load<V>(xi + q + s * j)};
      butterfly<R>(a);
#pragma GCC unroll 8
      for (int j = 0; j < R; ++j) store(yr + q + s * j, a[j].re), store(yi + q + s * j, a[j].im);
    }
  }

  // The first pass of a single transform: vectors over p, stored transposed.
  template <int R, class V>
  static void along(const double* xr, const double* xi, double* yr, double* yi, int m, const double* c,
                    const double* t) {
    constexpr int W = lanes<V>();
    for (int p = 0; p < m; p += W) {
      Complex<V> a[R];
      for (int j = 0; j < R; ++j) a[j] = {load<V>(xr + p + m * j), load<V>(xi + p + m * j)};
      butterfly<R>(a);
      for (int j = 1; j < R; ++j) a[j] = a[j].times(load<V>(c + (j - 1) * m + p), load<V>(t + (j - 1) * m + p));
      for (int l = 0; l < W; ++l)
        for (int j = 0; j < R; ++j) yr[R * (p + l) + j] = a[j].re[l], yi[R * (p + l) + j] = a[j].im[l];
    }
  }

  int n_;
  bool ok_;
  std::vector<int> radices_;
  std::vector<std::vector<double>> cosines_, sines_;
};

// Real transforms of even length n as complex ones of n/2: even points are the real parts, odd ones the imaginary.
// Spectra hold modes 0..n/2-1 (none at n/2); coefficients are those of the series, so `analyse` divides by n.
class RealFft {
 public:
  explicit RealFft(int n) : half_(n / 2), fft_(n / 2), c_(n / 2), s_(n / 2) {
    for (int k = 0; k < half_; ++k) {
      const long double angle = 8 * std::atan(1.0L) * k / n;
      c_[k] = std::cos(angle), s_[k] = std::sin(angle);
    }
  }
  bool ok() const { return fft_.ok(); }
  int half() const { return half_; }

  // Modes 0..half-1 in (re, im), overwritten by values at even points (re) and odd points (im).
  void synthesise(double* re, double* im, double* wr, double* wi) const {
    im[0] = re[0];  // E = O = Re X_0: the mean is real, and mode M zero
    pairs(re, im, [](auto a, auto b, auto c, auto t) {
      const auto e = a + b, o = (a - b).times(c, t);
      return Pair<decltype(a)>{{e.re - o.im, e.im + o.re}, {e.re + o.im, o.re - e.im}};
    });
    fft_.backward(re, im, wr, wi, 1);
  }

  // The inverse: values at even and odd points, overwritten by modes 0..half-1.
  void analyse(double* re, double* im, double* wr, double* wi) const {
    fft_.forward(re, im, wr, wi, 1);
    const double scale = 0.5 / half_, quarter = 0.5 * scale;
    re[0] = (re[0] + im[0]) * scale, im[0] = 0;
    pairs(re, im, [quarter](auto a, auto b, auto c, auto t) {
      const auto e = (a + b) * quarter, o = ((a - b) * quarter).times_minus_i().times(c, -t);
      return Pair<decltype(a)>{{e.re + o.re, e.im + o.im}, {e.re - o.re, o.im - e.im}};
    });
  }

 private:
  template <class C> struct Pair {
    C low, high;
  };

  // Entries k and M-k become f(X_k, conj X_{M-k}, cos, sin of 2πk/n), for k = 1..M/2: vectors over k, whose partners
  // lie in reverse.
  template <class F> void pairs(double* re, double* im, F f) const {
    const long M = half_;
    long k = 1;
    for (; 2 * k < M - 2 * LANES + 2; k += LANES) {
      double *ar = re + k, *ai = im + k, *br = re + M - k - LANES + 1, *bi = im + M - k - LANES + 1;
      const auto r = f(Complex<Wide>{load<Wide>(ar), load<Wide>(ai)},
                       Complex<Wide>{reversed(load<Wide>(br)), -reversed(load<Wide>(bi))},
                       load<Wide>(c_.data() + k), load<Wide>(s_.data() + k));
      store(ar, r.low.re), store(ai, r.low.im);
      store(br, reversed(r.high.re)), store(bi, reversed(r.high.im));
    }
    for (; 2 * k <= M; ++k) {
      const auto r = f(Complex<double>{re[k], im[k]}, Complex<double>{re[M - k], -im[M - k]}, c_[k], s_[k]);
      re[k] = r.low.re, im[k] = r.low.im, re[M - k] = r.high.re, im[M - k] = r.high.im;
    }
  }

  int half_;
  Fft fft_;
  std::vector<double> c_, s_;
};

}  // namespace sciml
