// Who watches an output is told of all that is stored, once; and statistics taken on the way have the bits of a pass.

#include <atomic>
#include <memory>

#include <algorithm>
#include <limits>

#include "core/allocator.h"
#include "core/kernels/batch_norm.h"
#include "core/kernels/conv.h"
#include "core/kernels/conv_upsample.h"
#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

namespace {

/// Counts the channels that it is told of for each row, and the rows among them that are not there yet.
struct CountingWatch : RowWatch {
  CountingWatch(const float* image, std::int64_t image_rows, std::int64_t image_channels)
      : RowWatch{[](RowWatch& self, std::int64_t first, std::int64_t count, std::int64_t stored_channels) {
          static_cast<CountingWatch&>(self).count(first, count, stored_channels);
        }},
        y(image),
        rows(image_rows),
        channels(image_channels),
        told(new std::atomic<std::int64_t>[static_cast<std::size_t>(image_rows)]()) {}

  void count(std::int64_t first, std::int64_t count, std::int64_t stored_channels) {
    for (std::int64_t row = std::max<std::int64_t>(0, first); row < std::min(rows, first + count); ++row) {
      const std::int64_t before = told[static_cast<std::size_t>(row)].fetch_add(stored_channels);
      if (before + stored_channels != channels) continue;
      for (std::int64_t c = 0; c < channels; ++c) missing += y[row * channels + c] != y[row * channels + c];  // NaN
    }
    strays += first < 0 || first + count > rows;
  }

  bool is_told_of_all_once() const {
    for (std::int64_t row = 0; row < rows; ++row) {
      if (told[static_cast<std::size_t>(row)] != channels) return false;
    }
    return missing == 0 && strays == 0;
  }

  const float* y;
  const std::int64_t rows, channels;
  std::unique_ptr<std::atomic<std::int64_t>[]> told;
  std::atomic<std::int64_t> missing{0}, strays{0};
};

/// `store(watch, y)` fills y, which holds NaN before.
template <class Store>
void check_watched(std::int64_t rows, std::int64_t channels, Store&& store) {
  const int before = num_threads();
  for (int threads : {1, 3}) {
    set_num_threads(threads);
    GuardedBuffer y(rows * channels), plain(rows * channels);
    CountingWatch watch(y.data(), rows, channels);
    store(&watch, y.data());
    CHECK(watch.is_told_of_all_once());
    store(nullptr, plain.data());
    CHECK(y.content() == plain.content());
  }
  set_num_threads(before);
}

ConvProblem problem(std::int64_t size, std::int64_t c_in, std::int64_t c_out, std::int64_t kernel, std::int64_t stride,
                    std::int64_t groups = 1) {
  ConvProblem p;
  p.n = 2, p.h = size, p.w = size + 3, p.c_in = c_in, p.c_out = c_out, p.groups = groups;
  p.kernel_h = p.kernel_w = kernel;
  p.stride_h = p.stride_w = stride;
  p.padding_h = p.padding_w = kernel / 2;
  return p;
}

}  // namespace

TEST_CASE("every fast convolution tells who watches its output of each number once, after it is stored",
          "[conv][batch_norm][threads]") {
  const ConvProblem problems[] = {
      problem(37, 3, 40, 7, 2),  problem(9, 16, 20, 3, 1),      problem(41, 16, 130, 3, 1),
      problem(22, 24, 16, 3, 2), problem(35, 8, 150, 1, 1),     problem(13, 300, 70, 1, 1),
      problem(20, 3, 32, 3, 2),  problem(17, 40, 40, 3, 1, 40), problem(18, 33, 33, 3, 2, 33)};
  for (const ConvProblem& p : problems) {
    GuardedBuffer x = small_integers(p.input_count(), 1), w = small_integers(p.weight_count(), 2);
    for (const ConvAlgorithm& a : conv_algorithms()) {
      if (!a.supports(p) || std::string(a.name) == "reference") continue;
      for_each_isa([&] {
        INFO("algorithm " << a.name << ", " << p.c_in << " to " << p.c_out);
        check_watched(p.n * p.out_h() * p.out_w(), p.c_out, [&](RowWatch* watch, float* y) {
          ConvEpilogue<float> epilogue;
          epilogue.watch = watch;
          conv_forward(a, p, x.data(), w.data(), epilogue, y);
        });
      });
    }
  }
}

TEST_CASE("so does the convolution of upsampled and joined channels", "[conv][batch_norm][threads]") {
  for (std::int64_t c_skip : {0, 24}) {
    const UpsampleConvProblem p{.n = 2, .h = 9, .w = 14, .c_up = 16, .c_skip = c_skip, .c_out = 80};
    GuardedBuffer x = small_integers(p.n * p.h * p.w * p.c_up, 1);
    GuardedBuffer skip = small_integers(4 * p.n * p.h * p.w * p.c_skip, 2);
    GuardedBuffer w = small_integers(9 * (p.c_up + p.c_skip) * p.c_out, 3);
    for_each_isa([&] {
      ScratchBuffer packed(static_cast<std::size_t>(upsample_conv_packed_floats(p)) * sizeof(float));
      upsample_conv_pack(p, w.data(), packed.as<float>());
      check_watched(4 * p.n * p.h * p.w, p.c_out, [&](RowWatch* watch, float* y) {
        ConvEpilogue<float> epilogue;
        epilogue.watch = watch;
        upsample_conv_forward(p, x.data(), c_skip > 0 ? skip.data() : nullptr, packed.as<float>(), epilogue, y);
      });
    });
  }
}

TEST_CASE("statistics have the same bits, whoever tells what of the rows in which order", "[batch_norm]") {
  for (std::int64_t channels : {1, 5, 16, 24, 40, 96, 208}) {
    const std::int64_t rows = 9000;
    INFO(channels << " channels");
    GuardedBuffer x = fractions(rows * channels, 1);
    for_each_isa([&] {
      const auto count = static_cast<std::size_t>(channels);
      std::vector<float> mean(count), var(count), expected_mean(count), expected_var(count);
      batch_norm_statistics(x.data(), rows, channels, expected_mean.data(), expected_var.data());
      // What is read before it was told of is not a number.
      std::vector<float> y(static_cast<std::size_t>(rows * channels), std::numeric_limits<float>::quiet_NaN());
      const auto store = [&](std::int64_t first, std::int64_t end, std::int64_t channel, std::int64_t portion) {
        for (std::int64_t row = first; row < end; ++row)
          std::copy_n(x.data() + row * channels + channel, portion, y.data() + row * channels + channel);
      };
      BatchStatistics statistics(y.data(), rows, channels);
      // From the end, in runs of 700 rows, whose channels are told of in two portions; the first rows by nobody.
      std::int64_t first = rows - 700;
      for (; first > 1000; first -= 700) {
        const std::int64_t half = channels / 2;
        store(first, first + 700, 0, half);
        if (half > 0) statistics.stored(statistics, first, 700, half);
        store(first, first + 700, half, channels - half);
        statistics.stored(statistics, first, 700, channels - half);
      }
      store(0, first + 700, 0, channels);
      statistics.result(mean.data(), var.data());
      CHECK(mean == expected_mean);
      CHECK(var == expected_var);
    });
  }
}
