// Threads that work on one state together and wait for each other between phases.
#pragma once
#include <atomic>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace sciml {

// A barrier that spins first: phases take tens of microseconds, about what waking a sleeping thread does. Then it
// sleeps, so that where there are more threads than free cores the waiting ones do not keep the working ones off.
class Barrier {
 public:
  void wait(int threads) {
    if (threads == 1) return;
    const int phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
      return;
    }
    for (int spins = 0; spins < SPINS; ++spins) {
      if (phase_.load(std::memory_order_acquire) != phase) return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    phase_.wait(phase, std::memory_order_acquire);
  }

 private:
  static constexpr int SPINS = 1000;
  std::atomic<int> arrived_{0}, phase_{0};
};

struct Member {
  int rank, threads;
  Barrier* barrier;
  void wait() const { barrier->wait(threads); }
  // this member's share of `count` things
  template <class F> void share(long count, F f) const {
    const long from = count * rank / threads, to = count * (rank + 1) / threads;
    for (long i = from; i < to; ++i) f(i);
  }
};

// Runs f(member) on every thread of a team.
template <class F> void together(int threads, F f) {
  Barrier barrier;
#ifdef _OPENMP
  if (threads > 1) {
#pragma omp parallel num_threads(threads)
    f(Member{omp_get_thread_num(), omp_get_num_threads(), &barrier});
    return;
  }
#endif
  f(Member{0, 1, &barrier});
}

}  // namespace sciml
