// y[i] = m[i] x[i] / (1 - p)          dL/dx[i] = m[i] dL/dy[i] / (1 - p)
//
// where m[i] is 1 with probability 1 - p, else 0.
//
// Srivastava et al. 2014, in the "inverted" form: the expectation of y is x, so evaluation does nothing at all.
//
// The mask is never stored. One number names it, and each run of elements draws its part of the mask from a stream of
// its own; the backward pass draws the same mask again. So it depends on no thread, and the gradient is the very
// function of the forward pass. The number is drawn from `stream`, which moves on: an operation that changes its
// input, so that a plan that is run twice drops other elements each time.

#include "core/autograd.h"
#include "core/ops.h"
#include "core/operation.h"
#include "core/parallel.h"
#include "core/random.h"
namespace weft {

namespace {

/// The next number of the stream [2] = (seed, numbers drawn so far).
Tensor draw(const Tensor& stream) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    std::int64_t* state = in[0].mutable_data<std::int64_t>();
    Random random(static_cast<std::uint64_t>(state[0]), {static_cast<std::uint64_t>(state[1]++)});
    out[0].mutable_data<std::int64_t>()[0] = static_cast<std::int64_t>(random.next());
  };
  return apply({.name = "draw", .run = run, .changes = {0}}, {stream}, TensorType{{}, DType::i64});
}

Tensor masked(const Tensor& x, double p, const Tensor& mask) {
  const auto run = [p](const Tensors& in, const Tensors& out) {
    const auto name = static_cast<std::uint64_t>(in[1].data<std::int64_t>()[0]);
    dispatch_float(in[0].dtype(), "dropout", [&](auto zero) {
      using T = decltype(zero);
      const T* px = in[0].data<T>();
      T* py = out[0].mutable_data<T>();
      const T factor = static_cast<T>(1 / (1 - p));
      parallel_chunks(in[0].count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
        Random random(name, {static_cast<std::uint64_t>(begin)});
        for (std::int64_t i = begin; i < end; ++i) py[i] = random.chance(p) ? T(0) : factor * px[i];
      });
    });
  };
  return apply({.name = "dropout", .run = run, .attributes = {{"p", p}}}, {x, mask}, type_of(x));
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training, const Tensor& stream) {
  WEFT_CHECK(p >= 0 && p < 1, "[dropout] expected a probability in [0, 1), got {}", p);
  if (!training) return x;
  WEFT_CHECK(stream.dtype() == DType::i64 && stream.shape() == Shape{2},
             "[dropout] expected a stream int64 [2], its seed and how often it was drawn from, got {} {}",
             dtype_name(stream.dtype()), stream.shape());
  const Tensor mask = draw(stream);
  return record(masked(x, p, mask), "dropout", {x},
                [p, mask = Saved(mask)](const Tensor& dy) { return Gradients{masked(dy, p, mask.get())}; });
}

}  // namespace weft
