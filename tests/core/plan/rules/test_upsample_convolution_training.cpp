#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "upsample_convolution_training";
const PlanOptions alone = only({"upsample_convolution_training"});

/// A decoder's first convolution behind a convolution of each of its images, all of which learn.
struct Decoder : Learner {
  Decoder(std::int64_t up_channels, std::int64_t skip_channels, std::int64_t out)
      : of_x(weight({up_channels, 3, 1, 1})),
        of_skip(skip_channels > 0 ? weight({skip_channels, 2, 1, 1}) : Tensor()),
        w(weight({out, up_channels + skip_channels, 3, 3})) {}
  Tensor up(const Tensor& x) const { return upsample_nearest2x(tanh(conv2d(x, of_x))); }
  Tensor skip(const Tensor& s) const { return tanh(conv2d(s, of_skip)); }
  Tensor joined(const Tensors& in) const {
    return of_skip.defined() ? concat_channels({up(in[0]), skip(in[1])}) : up(in[0]);
  }
  Tensor operator()(const Tensors& in) const { return conv2d(joined(in), w, Tensor(), {.padding = 1}); }

  Tensor of_x, of_skip, w;
};

/// x of half the size, what is skipped, and the loss's directions.
Tensors inputs_of(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t out) {
  return {random_f32({n, h, w, 3}), random_f32({n, 2 * h, 2 * w, 2}), random_f32({n, 2 * h, 2 * w, out})};
}

using Make = std::function<Tensor(const Tensors&)>;
GraphFunction loss_of(Make f) {
  return [f = std::move(f)](const Tensors& in) { return Tensors{pulled(f(in), in[2])}; };
}

}  // namespace

TEST_CASE("upsample_convolution_training and all gradients", "[plan]") {
  on_each_isa([] {
    for (const auto& [up, skip, out] : {std::tuple{16, 8, 16}, {16, 0, 16}, {24, 16, 8}, {19, 1, 17}, {1, 15, 16}}) {
      const Decoder decoder(up, skip, out);
      for (const auto& [n, h, w] : {std::tuple{1, 6, 5}, {2, 9, 7}, {1, 1, 1}, {3, 2, 8}}) {
        CAPTURE(up, skip, out, n, h, w);
        const Plan plan = check_trained(
            {loss_of([&](const Tensors& in) { return decoder(in); }), inputs_of(n, h, w, out), decoder}, 5e-5, alone);
        CHECK(applied(plan, rule) == (skip > 0 ? 4 : 3));
        for (const char* name :
             {"upsample_nearest2x", "concat_channels", "split_channels", "upsample_nearest2x_gradient"})
          CHECK(count_of(plan.graph(), name) == 0);
      }
    }
  });
}

TEST_CASE("upsample_convolution_training where parts don't learn", "[plan]") {
  const Decoder decoder(16, 8, 16);
  const Tensors inputs = inputs_of(2, 5, 3, 16);
  const Tensor frozen = random_f32(decoder.w.shape());
  const auto conv = [](const Tensors& parts, const Tensor& w) {
    return conv2d(concat_channels(parts), w, Tensor(), {.padding = 1});
  };
  const auto steps = [&](const Make& f) {
    const Plan plan = check_trained({loss_of(f), inputs, decoder}, 5e-5, alone);
    Names names;
    for (const Step& step : plan.graph().steps()) {
      if (!step.rules.empty()) names.emplace_back(step.operation.name);
    }
    return names;
  };
  CHECK(steps([&](const Tensors& in) {
          return conv({decoder.up(in[0]), decoder.skip(in[1]).detach()}, decoder.w);
        }) == Names{"upsample_conv2d_storing", "upsample_conv2d_weight_gradient", "upsample_conv2d_input_gradient"});
  CHECK(steps([&](const Tensors& in) {
          return conv({decoder.up(in[0]).detach(), decoder.skip(in[1])}, decoder.w);
        }) == Names{"upsample_conv2d_storing", "upsample_conv2d_weight_gradient", "upsample_conv2d_skip_gradient"});
  CHECK(steps([&](const Tensors& in) {
          return conv({decoder.up(in[0]).detach(), decoder.skip(in[1]).detach()}, decoder.w);
        }) == Names{"upsample_conv2d_storing", "upsample_conv2d_weight_gradient"});
  // Without the filters' gradient nothing tells which input gradient is its: that one stays as it is.
  CHECK(steps([&](const Tensors& in) {
          return conv({decoder.up(in[0]), decoder.skip(in[1])}, frozen);
        }) == Names{"upsample_conv2d_storing"});
}

TEST_CASE("upsample_convolution_training leaves alone what it must", "[plan]") {
  const Decoder decoder(16, 8, 16);
  const Tensors inputs = inputs_of(1, 6, 5, 16);
  const auto refuses = [&](const std::string& reason, const Make& f, const Learner& learner, Tensors in) {
    in[2] = random_f32(f(in).shape());
    return check_step_refused(rule, reason, {loss_of(f), in, learner}, alone);
  };

  const std::string kind = "it is no 3x3 convolution with stride 1 and padding 1";
  for (const Conv2dOptions& options : no_decoders_options) {
    Learner learner = decoder;
    const Tensor w = learner.weight({16, 24 / options.groups, 3, 3});
    refuses(
        kind, [&](const Tensors& in) { return conv2d(decoder.joined(in), w, Tensor(), options); }, learner, inputs);
  }
  for (const Shape& filters : {Shape{16, 24, 1, 1}, {16, 24, 3, 5}, {16, 24, 5, 3}}) {
    Learner learner = decoder;
    const Tensor w = learner.weight(filters);
    refuses(
        kind, [&](const Tensors& in) { return conv2d(decoder.joined(in), w, Tensor(), {.padding = 1}); }, learner,
        inputs);
  }

  Learner with_bias = decoder;
  const Tensor bias = with_bias.weight({16});
  refuses(
      "it has a bias", [&](const Tensors& in) { return conv2d(decoder.joined(in), decoder.w, bias, {.padding = 1}); },
      with_bias, inputs);

  const std::string read = "the image that it reads is used elsewhere";
  const auto joined_twice = [&](const Tensors& in) {
    const Tensor joined = decoder.joined(in), y = conv2d(joined, decoder.w, Tensor(), {.padding = 1});
    return concat_channels({y, joined});
  };
  refuses(read, joined_twice, decoder, inputs);
  const auto joined_result = [&](const Tensors& in) {
    const Tensor joined = decoder.joined(in);
    return Tensors{pulled(conv2d(joined, decoder.w, Tensor(), {.padding = 1}), in[2]), joined};
  };
  check_step_refused(rule, read, {joined_result, inputs, decoder}, alone);
  Learner two = decoder;
  const Tensor other = two.weight(decoder.w.shape());
  refuses(
      read,
      [&](const Tensors& in) {
        const Tensor joined = decoder.joined(in);
        return multiply(conv2d(joined, decoder.w, Tensor(), {.padding = 1}),
                        conv2d(joined, other, Tensor(), {.padding = 1}));
      },
      two, inputs);

  const std::string used = "the upsampled image is used elsewhere";
  refuses(
      used,
      [&](const Tensors& in) {
        const Tensor up = decoder.up(in[0]);
        const Tensor y = conv2d(concat_channels({up, decoder.skip(in[1])}), decoder.w, Tensor(), {.padding = 1});
        return multiply(y, tanh(up));
      },
      decoder, inputs);
  Learner doubled = decoder;
  const Tensor of_two = doubled.weight({16, 32, 3, 3});
  refuses(
      used,
      [&](const Tensors& in) {
        const Tensor up = decoder.up(in[0]);
        return conv2d(concat_channels({up, up}), of_two, Tensor(), {.padding = 1});
      },
      doubled, inputs);

  const Decoder thin(16, 8, 1);  // a head
  refuses(
      "another algorithm than Winograd's is faster for it", [&](const Tensors& in) { return thin(in); }, thin, inputs);
}

TEST_CASE("upsample_convolution_training tells convolutions by the same filters apart", "[plan]") {
  // Added up they have one gradient, and their filters are the same.
  const auto check = [](const Learner& learner, const Make& f) {
    check_trained({loss_of(f), inputs_of(1, 6, 5, 16), learner}, 5e-5, alone);
  };
  const Decoder a(16, 8, 16);
  const auto conv = [&](const Tensor& joined, const Conv2dOptions& options = {.padding = 1}) {
    return conv2d(joined, a.w, Tensor(), options);
  };
  Learner both = a;
  const Tensor narrow = both.weight({8, 3, 1, 1}), wide = both.weight({16, 2, 1, 1}), all = both.weight({24, 2, 1, 1}),
               few = both.weight({4, 2, 1, 1});
  const auto up = [&](const Tensors& in) { return upsample_nearest2x(tanh(conv2d(in[0], narrow))); };
  const auto skip = [&](const Tensors& in) { return tanh(conv2d(in[1], wide)); };
  for (const bool first : {false, true}) {
    const auto sum = [&](const Tensor& u, const Tensor& v) { return first ? add(u, v) : add(v, u); };
    check(both, [&](const Tensors& in) { return sum(a(in), conv(concat_channels({up(in), skip(in)}))); });
    check(both, [&](const Tensors& in) {  // three parts
      const Tensor s = tanh(conv2d(in[1], few));
      return sum(a(in), conv(concat_channels({a.up(in[0]), s, s})));
    });
    check(both, [&](const Tensors& in) { return sum(a(in), a({tanh(in[0]), tanh(in[1])})); });  // the same parts
    check(both, [&](const Tensors& in) {                                                        // another dilation
      const Tensor other = conv(tanh(conv2d(in[1], all)), {.padding = 2, .dilation = 2});
      return sum(a(in), other);
    });
  }
}

TEST_CASE("upsample_convolution_training sees no pattern where there is none", "[plan]") {
  const Decoder decoder(16, 8, 16);
  const Tensors inputs = inputs_of(1, 6, 5, 16);
  const auto none = [&](const Learner& learner, const Make& f) {
    check_step_refused(rule, "", {loss_of(f), inputs, learner}, alone);
  };
  const auto conv = [&](const Tensors& parts, const Tensor& w) {
    return conv2d(concat_channels(parts), w, Tensor(), {.padding = 1});
  };
  none(decoder, [&](const Tensors& in) { return conv({decoder.skip(in[1]), decoder.up(in[0])}, decoder.w); });
  none(decoder, [&](const Tensors& in) { return conv({relu(decoder.up(in[0])), decoder.skip(in[1])}, decoder.w); });
  none(decoder, [&](const Tensors& in) {
    return conv({upsample_bilinear2x(conv2d(in[0], decoder.of_x)), decoder.skip(in[1])}, decoder.w);
  });
  Learner three = decoder;
  const Tensor w = three.weight({16, 32, 3, 3});
  none(three, [&](const Tensors& in) {
    const Tensor skip = decoder.skip(in[1]);
    return conv({decoder.up(in[0]), skip, skip}, w);
  });

  Learner in_double;
  const Tensor w64 = scale(random_f64({16, 5, 3, 3}), 0.2).set_requires_grad(true);
  in_double.parameters.push_back(w64);
  const auto f64 = [&](const Tensors& in) {
    return Tensors{pulled(conv({upsample_nearest2x(in[0]), in[1]}, w64), in[2])};
  };
  Tensors inputs64;
  for (const Tensor& t : inputs) inputs64.push_back(t.to(DType::f64));
  check_step_refused(rule, "", {f64, inputs64, in_double}, alone);
}
