// Finite volumes on uniform cells, one or two dimensions: the rate of change of cell averages, and whole steps of the
// strong-stability-preserving Runge–Kutta scheme (Shu & Osher, J. Comput. Phys. 77, 1988) with their length.
//
// A row of cells goes through ghosts, reconstruction, programs and fluxes while it is in the cache; threads share the
// rows, and their number does not change a bit of the result.
#include <mutex>

#include "volume_rate.hpp"
#include "volume_stream.hpp"

using namespace sciml;

namespace {

constexpr double STEP_SLACK = 1 - 1e-12;

// need = speeds / courant + rest + lively * (rate of the sources), and a step is what is left over a whole number
struct Limit {
  double courant, rest, lively;
  int64_t most;
};

// The k-th velocity of an axis with what streams add to it.
struct Moved {
  struct Part {
    int source;
    double coefficient;
  };
  int axis, k;
  std::vector<Part> parts;
  std::vector<double> given, sum;
};

class Volume {
 public:
  explicit Volume(const Description& d)
      : frame_(d), m_(d.fields), threads_(d.threads), weno_z_(d.kind == WENO_Z), sources_(*d.sources), fixed_(m_, nullptr),
        owned_(m_), shared_{frame_, m_, d.dim, d.kind, d.turns != 0, d.care != 0, laws_, sources_, velocities_, faces_, fixed_, centres_, edges_} {
    for (int a = 0; a < d.dim; ++a) laws_.emplace_back(d.along[a]);
    for (int a = 0; a < d.dim; ++a) {
      velocities_.emplace_back();
      for (size_t k = 0; k < laws_[a].carried.size(); ++k) velocities_[a].emplace_back(frame_, a + 2 - d.dim, shared_.turns);
    }
    for (int dim = 0; dim < 2; ++dim) {
      faces_.emplace_back(frame_, m_, dim);
      for (long i = -GHOSTS; i < frame_.n[dim] + GHOSTS; ++i) centres_[dim].push_back(d.starts[dim] + frame_.width[dim] * (i + 0.5));
      for (long i = 0; i <= frame_.n[dim]; ++i) edges_[dim].push_back(d.starts[dim] + frame_.width[dim] * i);
    }
    std::copy_n(d.continuation, 40, &beyond_.tables[0][0][0]), std::copy_n(d.to_face, 5, beyond_.to_face);
    for (int t = 0; t < threads_; ++t) bands_.push_back(std::make_unique<Band>(shared_));
    spans_ = std::vector<double>(2L * m_ * threads_);
    wide_ = zeros(m_ * frame_.plane()), slope_ = zeros(size()), stage_ = zeros(size());
  }

  std::mutex busy;
  long size() const { return m_ * frame_.cells(); }
  void give(int axis, int side, const double* values) { faces_[axis + 2 - shared_.dim].set(side, values, beyond_); }
  void carry(int axis, int k, const double* values) {
    velocities_[axis][k].set(values);
    for (Moved& v : moved_)
      if (v.axis == axis && v.k == k) v.given.assign(values, values + v.sum.size());
  }
  // terms: (source, axis, k). Whether there are transforms of this size.
  bool stream(const double* symbol, int count, const int32_t (*terms)[3], const double* coefficients) {
    if (!Stream::possible(frame_.n[0], frame_.n[1])) return false;
    stream_ = std::make_unique<Stream>(frame_, symbol, threads_);
    const long wide = 2 * margin();
    for (int i = 0; i < count; ++i) {
      const auto [source, axis, k] = terms[i];
      if (std::find(streaming_.begin(), streaming_.end(), source) == streaming_.end()) streaming_.push_back(source);
      auto same = std::find_if(moved_.begin(), moved_.end(), [&](const Moved& v) { return v.axis == axis && v.k == k; });
      if (same == moved_.end()) {
        const long size = axis == 0 ? (frame_.n[0] + 1) * (frame_.n[1] + wide) : (frame_.n[0] + wide) * (frame_.n[1] + 1);
        same = moved_.insert(same, {axis, k, {}, {}, std::vector<double>(size)});
      }
      same->parts.push_back({source, coefficients[i]});
    }
    return true;
  }
  void feed(int field, const double* values) {
    owned_[field].assign(values, values + frame_.cells());
    fixed_[field] = owned_[field].data();
  }

  // limits: Σ speed/width, and what bounds the rate of the sources
  void rate(const double* u, double time, double* out, double* limits) {
    together(threads_, [&](Member member) {
      rate(member, u, time, out);
      if (member.rank == 0) measured(member.threads, limits);
    });
  }

  // One step from u, in place. Returns 0, or 1 if u is not finite, 2 if the step is too small; length: of the step.
  int step(double* u, double time, double left, const Limit& limit, double* length) {
    double limits[2];
    int problem = 0;
    together(threads_, [&](Member member) {
      rate(member, u, time, slope_.get());
      if (member.rank == 0) {
        measured(member.threads, limits);
        const double need = limits[0] / limit.courant + limit.rest + limit.lively * limits[1];
        const double count = std::fmax(1.0, std::ceil(left * need * STEP_SLACK));
        problem = !std::isfinite(need) ? 1 : count > limit.most ? 2 : 0;
        *length = left / count;
      }
      member.wait();
      if (problem) return;
      const double h = *length;
      double *one = stage_.get(), *k = slope_.get();
      const auto each = [&](auto f) {
        for (long i = size() * member.rank / member.threads; i < size() * (member.rank + 1) / member.threads; ++i) f(i);
        member.wait();
      };
      each([=](long i) { one[i] = u[i] + h * k[i]; });
      rate(member, one, time + h, k);
      each([=](long i) { one[i] = 0.75 * u[i] + 0.25 * (one[i] + h * k[i]); });
      rate(member, one, time + 0.5 * h, k);
      each([=](long i) { u[i] = u[i] / 3 + (2. / 3) * (one[i] + h * k[i]); });
    });
    return problem;
  }

 private:
  // Ends with all threads past their writing.
  void rate(Member member, const double* u, double time, double* out) {
    const long from = frame_.n[0] * member.rank / member.threads, to = frame_.n[0] * (member.rank + 1) / member.threads;
    streamed(member, u);
    fill(member, u, from, to);
    member.wait();
    std::vector<double> floors(2 * m_);
    for (int f = 0; f < m_; ++f) {
      double low = spans_[2 * f], high = spans_[2 * f + 1];
      for (int t = 1; t < member.threads; ++t) {
        low = std::fmin(low, spans_[2 * (t * m_ + f)]), high = std::fmax(high, spans_[2 * (t * m_ + f) + 1]);
      }
      for (int dim = 0; dim < 2; ++dim) {
        const double n = frame_.n[dim], part = (high - low) / (weno_z_ ? n * n : n);
        floors[dim * m_ + f] = std::fmax(part * part, 1e-60);
      }
    }
    const double* by_dimension[2] = {floors.data(), floors.data() + m_};
    (*bands_[member.rank])(wide_.get(), time, by_dimension, out, from, to);
    member.wait();
  }

  long margin() const { return shared_.turns ? 2 * MARGIN : 0; }

  // Velocities of the state's stream functions.
  void streamed(Member member, const double* u) {
    if (!stream_) return;
    const auto each = [&](auto f) { member.share(moved_.size(), [&](long i) { f(moved_[i]); }); };
    each([](Moved& v) {
      if (v.given.empty()) std::fill(v.sum.begin(), v.sum.end(), 0.0);
      else v.sum = v.given;
    });
    for (const int source : streaming_) {
      stream_->find(member, u + source * frame_.cells());
      each([&](Moved& v) {
        for (const auto [from, coefficient] : v.parts)
          if (from == source) stream_->add(v.axis, coefficient, margin(), v.sum.data());
      });
      member.wait();
    }
    each([&](Moved& v) { velocities_[v.axis][v.k].set(v.sum.data()); });
  }

  // The state with its ghosts, and the extremes of each field.
  void fill(Member member, const double* u, long from, long to) {
    const long n = frame_.n[1];
    for (int f = 0; f < m_; ++f) {
      double low = INFINITY, high = -INFINITY;
      for (long i = from; i < to; ++i) {
        const double* row = u + f * frame_.cells() + i * n;
        double* __restrict__ y = wide_.get() + f * frame_.plane() + frame_.at(i);
        for (long j = 0; j < n; ++j) y[j] = row[j], low = row[j] < low ? row[j] : low, high = row[j] > high ? row[j] : high;
      }
      spans_[2 * (member.rank * m_ + f)] = low, spans_[2 * (member.rank * m_ + f) + 1] = high;
    }
    member.wait();
    if (shared_.dim == 2) {
      if (member.rank == 0) rows_beyond();
      member.wait();
    }
    const long first = member.rank == 0 ? -frame_.beside : from, last = member.rank + 1 == member.threads ? frame_.n[0] + frame_.beside : to;
    for (int f = 0; f < m_; ++f) {
      const double *low = faces_[1].at(0, f), *high = faces_[1].at(1, f);
      for (long i = first; i < last; ++i)
        beyond_.line(wide_.get() + f * frame_.plane() + frame_.at(i), 1, n, frame_.periodic[1], low ? low + i : nullptr, high ? high + i : nullptr);
    }
  }

  void rows_beyond() {
    for (int f = 0; f < m_; ++f) {
      double* first = wide_.get() + f * frame_.plane() + frame_.at(0);
      const double *low = faces_[0].at(0, f), *high = faces_[0].at(1, f);
      for (long j = 0; j < frame_.n[1]; ++j)
        beyond_.line(first + j, frame_.row(), frame_.n[0], frame_.periodic[0], low ? low + j : nullptr, high ? high + j : nullptr);
    }
  }

  void measured(int threads, double* limits) const {
    double fastest[2] = {0, 0}, liveliest = 0;
    for (int t = 0; t < threads; ++t) {
      for (int dim = 0; dim < 2; ++dim) RowFlux::raise(fastest[dim], bands_[t]->fastest[dim]);
      RowFlux::raise(liveliest, bands_[t]->liveliest);
    }
    limits[0] = shared_.dim == 2 ? fastest[0] / frame_.width[0] + fastest[1] / frame_.width[1] : fastest[1] / frame_.width[1];
    limits[1] = liveliest;
  }

  const Frame frame_;
  const int m_, threads_;
  const bool weno_z_;
  std::vector<AxisLaw> laws_;
  const OwnProgram sources_;
  std::vector<std::vector<Velocity>> velocities_;
  std::vector<Faces> faces_;
  std::vector<const double*> fixed_;
  std::vector<std::vector<double>> owned_;
  std::vector<double> centres_[2], edges_[2];
  std::unique_ptr<Stream> stream_;
  std::vector<int> streaming_;  // fields with a stream function
  std::vector<Moved> moved_;
  const Shared shared_;
  Continuation beyond_;
  std::vector<std::unique_ptr<Band>> bands_;
  std::vector<double> spans_;
  Storage wide_, slope_, stage_;
};

Volume& at(void* handle) { return *static_cast<Volume*>(handle); }

}  // namespace

extern "C" {

// All arrays are copied, here and below.
void* create(const Description* description) { return new Volume(*description); }
void destroy(void* handle) { delete static_cast<Volume*>(handle); }

// Values on the lower (0) or upper (1) face of an axis, (fields, cells of the other axis).
void give(void* handle, int axis, int side, const double* values) { at(handle).give(axis, side, values); }

// The k-th velocity of an axis on its faces; where averages become values and back, widened by 4 along the other axis.
void carry(void* handle, int axis, int k, const double* values) { at(handle).carry(axis, k, values); }

// Stream functions of fields: `count` terms (source, axis, k) add coefficient · (∂_y Φ, -∂_x Φ) to velocities, with
// symbol: (2, n0, n1/2), from averages of ΔΦ to Φ at lower corners. Returns 0 where there are no such transforms.
int stream(void* handle, const double* symbol, int count, const int32_t (*terms)[3], const double* coefficients) {
  return at(handle).stream(symbol, count, terms, coefficients);
}

// Averages of a source that does not depend on fields, (cells).
void feed(void* handle, int field, const double* values) { at(handle).feed(field, values); }

// u, out: (fields, cells)
void rate(void* handle, const double* u, double time, double* out, double* limits) {
  const std::lock_guard<std::mutex> guard(at(handle).busy);
  at(handle).rate(u, time, out, limits);
}

int step(void* handle, double* u, double time, double left, const double* limit, int64_t most, double* length) {
  const std::lock_guard<std::mutex> guard(at(handle).busy);
  return at(handle).step(u, time, left, {limit[0], limit[1], limit[2], most}, length);
}

}  // extern "C"
