#pragma once
// Items made ahead of their use on background threads, and handed out in order.

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/check.h"

namespace weft {

/// make(0), make(1), ..., make(count - 1), computed by `workers` threads at most `depth` items ahead of next().
/// What comes out depends on `make` alone, not on the number of workers: items come in order, and an exception in
/// make(i) is thrown by the next() that would have returned item i. The destructor waits for items under way.
template <class T>
class OrderedPrefetcher {
 public:
  using Make = std::function<T(std::size_t)>;

  OrderedPrefetcher(std::size_t count, std::size_t depth, Make make, std::size_t workers = 1)
      : count_(count), depth_(depth > 0 ? depth : 1), make_(std::move(make)), places_(depth_) {
    try {
      for (std::size_t i = 0; i < (workers > 0 ? workers : 1); ++i) threads_.emplace_back([this] { work(); });
    } catch (const std::exception& error) {  // one thread fewer will do; none will not
      if (threads_.empty()) fail("[prefetch] cannot start a thread: {}", error.what());
    }
  }

  ~OrderedPrefetcher() {
    {
      const std::lock_guard lock(guard_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  OrderedPrefetcher(const OrderedPrefetcher&) = delete;
  OrderedPrefetcher& operator=(const OrderedPrefetcher&) = delete;

  /// Items that next() has not handed out yet.
  std::size_t remaining() const { return count_ - taken_; }

  /// The next item; waits for it. Throws what make() threw, or Error after the last item.
  T next() {
    WEFT_CHECK(taken_ < count_, "[prefetch] all {} items were taken", count_);
    std::unique_lock lock(guard_);
    Result& place = places_[taken_ % depth_];
    ready_.wait(lock, [&] { return place.item || place.error; });
    const Result result = std::exchange(place, {});
    ++taken_;
    lock.unlock();
    room_.notify_all();
    if (result.error) std::rethrow_exception(result.error);
    return std::move(*result.item);
  }

 private:
  struct Result {
    std::unique_ptr<T> item;
    std::exception_ptr error;
  };

  void work() {
    std::unique_lock lock(guard_);
    while (true) {
      room_.wait(lock, [&] { return stopping_ || started_ == count_ || started_ < taken_ + depth_; });
      if (stopping_ || started_ == count_) return;
      const std::size_t index = started_++;
      lock.unlock();
      Result result;
      try {
        result.item = std::make_unique<T>(make_(index));
      } catch (...) {
        result.error = std::current_exception();
      }
      lock.lock();
      places_[index % depth_] = std::move(result);
      ready_.notify_all();
    }
  }

  const std::size_t count_, depth_;
  const Make make_;
  std::mutex guard_;
  std::condition_variable ready_, room_;
  std::vector<Result> places_;          // item i, made and not yet taken, lies in place i % depth: a worker allocates
                                        // nothing outside of make(), and so can't fail where nobody would hear of it
  std::size_t started_ = 0, taken_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;    // last, so that they start when the rest exists
};

}  // namespace weft
