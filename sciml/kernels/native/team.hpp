// Threads that work on one state together and wait for each other between phases.
#pragma once
#include <atomic>
#include <thread>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace sciml {

// A barrier that spins: phases take tens of microseconds, less than waking a sleeping thread does. After a while it
// yields, so that more threads than cores still get on.
class Barrier {
 public:
  void wait(int threads) {
    if (threads == 1) return;
    const int phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    for (long spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins)
      if (spins > 300) std::this_thread::yield();
  }

 private:
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
