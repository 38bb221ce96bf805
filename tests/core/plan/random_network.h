#pragma once
// Networks that nobody has thought of: layers of every kind, drawn at random, on values drawn from those before.
//
// A network is named by its seed and its number of layers. Layer k is drawn from a stream of its own, so the network of
// the same seed with fewer layers is its beginning: the smallest one that goes wrong is found by counting up.
// float64 gives the same network in double.

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/ops.h"
#include "core/random.h"
#include "tests/gradcheck.h"

namespace weft::test {

/// How the network is used: all of it learns, only its later layers, or none.
enum class Learns { all, later, none };

class RandomNetwork {
 public:
  RandomNetwork(std::uint64_t seed, int layers, DType dtype = DType::f32) : seed_(seed), dtype_(dtype) {
    Random random(seed, {0x5e7});
    learns_ = random.chance(0.5) ? Learns::all : random.chance(0.7) ? Learns::later : Learns::none;
    trains_norms_ = random.chance(0.6);
    // Odd sizes; now and then as many rows as kernels by rows want.
    const std::int64_t n = 1 + draw(random, 3);
    const bool is_tall = random.chance(0.25);
    shapes_.push_back({n, is_tall ? 48 + draw(random, 20) : 4 + draw(random, 16),
                       is_tall ? 5 + draw(random, 6) : 4 + draw(random, 16), any(random, {1, 3, 8, 16})});
    description_ = fmt::format("input {}\n", shapes_[0]);
    for (int k = 0; k < layers; ++k) add_layer(k, k + 1 == layers);
    Random last(seed, {0x1057, static_cast<std::uint64_t>(layers)});
    outputs_.push_back(shapes_.size() - 1);
    if (last.chance(0.3)) outputs_.push_back(static_cast<std::size_t>(last.below(shapes_.size())));
    // The loss pulls each result in directions of its own.
    for (const std::size_t output : outputs_) pulls_.push_back(constant(last, shapes_[output], 1));
  }

  const Shape& input_shape() const { return shapes_[0]; }
  /// One line a layer.
  const std::string& description() const { return description_; }
  /// All that backward() gives a gradient.
  const Tensors& parameters() const { return parameters_; }
  /// What a run in training mode moves.
  const Tensors& statistics() const { return statistics_; }

  Tensors forward(const Tensors& in) const {
    Tensors values = in;
    for (const Layer& layer : layers_) values.push_back(layer.run(values));
    Tensors results;
    for (const std::size_t output : outputs_) results.push_back(values[output]);
    return results;
  }
  /// The loss, then the results.
  Tensors step(const Tensors& in) const {
    Tensors all = forward(in);
    Tensor loss;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const Tensor term = add(mean(multiply(all[i], pulls_[i])), scale(mean(multiply(all[i], all[i])), 0.1));
      loss = loss.defined() ? add(loss, term) : term;
    }
    all.insert(all.begin(), loss);
    return all;
  }

  Tensor random_input(std::uint64_t which) const {
    return random_tensor(shapes_[0], DType::f32, 1000 * seed_ + which + 1).to(dtype_);
  }
  /// Puts the moving statistics where they were at first.
  void reset() const {
    for (std::size_t i = 0; i < statistics_.size(); ++i) statistics_[i].copy_from(first_statistics_[i]);
    for (const Tensor& p : parameters_) p.zero_grad();
  }

 private:
  struct Layer {
    std::function<Tensor(const Tensors& values)> run;
  };
  using Function = std::function<Tensor(const Tensor&)>;

  static std::int64_t draw(Random& random, std::int64_t below) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(below)));
  }
  static std::int64_t any(Random& random, const std::vector<std::int64_t>& of) {
    return of[static_cast<std::size_t>(random.below(of.size()))];
  }

  /// The same numbers in both types: drawn in double, rounded to float.
  Tensor constant(Random& random, const Shape& shape, double deviation, double centre = 0) const {
    Tensor t = Tensor::empty(shape, DType::f64);
    double* values = t.mutable_data<double>();
    for (std::int64_t i = 0; i < t.count(); ++i) values[i] = centre + deviation * random.normal();
    return t.to(DType::f32).to(dtype_);
  }
  Tensor parameter(Random& random, const Shape& shape, double deviation, double centre, bool is_frozen) {
    const Tensor t = constant(random, shape, deviation, centre);
    if (!is_frozen) parameters_.push_back(t.set_requires_grad(true));
    return t;
  }

  std::size_t add_value(const Shape& shape, const std::string& text, std::function<Tensor(const Tensors&)> run) {
    layers_.push_back({std::move(run)});
    shapes_.push_back(shape);
    description_ += fmt::format("  v{} {} = {}\n", shapes_.size() - 1, shape, text);
    return shapes_.size() - 1;
  }
  std::size_t add_unary(std::size_t from, const Shape& shape, const std::string& name, Function f) {
    return add_value(shape, fmt::format("{}(v{})", name, from),
                     [from, f = std::move(f)](const Tensors& v) { return f(v[from]); });
  }

  // ---- pieces of layers ----

  std::size_t convolution(Random& random, std::size_t from, std::int64_t out, std::int64_t kernel,
                          const Conv2dOptions& options, bool is_frozen, bool has_bias) {
    const Shape& x = shapes_[from];
    const Shape w_shape{out, x[3] / options.groups, kernel, kernel};
    const double fan_in = static_cast<double>(w_shape.count() / out);
    const Tensor w = parameter(random, w_shape, std::sqrt(1.5 / fan_in), 0, is_frozen);
    const Tensor b = has_bias ? parameter(random, {out}, 0.3, 0, is_frozen) : Tensor();
    const auto extent = [&](std::int64_t size) {
      return (size + 2 * options.padding - options.dilation * (kernel - 1) - 1) / options.stride + 1;
    };
    return add_unary(from, {x[0], extent(x[1]), extent(x[2]), out},
                     fmt::format("conv2d {}x{} /{} padding {} dilation {} groups {}{}{}", kernel, kernel,
                                 options.stride, options.padding, options.dilation, options.groups,
                                 has_bias ? " bias" : "", is_frozen ? " frozen" : ""),
                     [=](const Tensor& t) { return conv2d(t, w, b, options); });
  }

  std::size_t batch_normalisation(Random& random, std::size_t from, bool is_frozen) {
    const Shape& x = shapes_[from];
    // Statistics of a few values magnify rounding: such a norm does not train.
    const bool trains = trains_norms_ && !is_frozen && x[0] * x[1] * x[2] >= 12;
    const Tensor gamma = parameter(random, {x[3]}, 0.3, 1, is_frozen),
                 beta = parameter(random, {x[3]}, 0.3, 0, is_frozen);
    const Tensor mean = constant(random, {x[3]}, 0.2), var = add_scalar(abs(constant(random, {x[3]}, 0.5)), 0.5);
    for (const Tensor& t : {mean, var}) {
      statistics_.push_back(t);
      first_statistics_.push_back(t.clone());
    }
    return add_unary(from, x, fmt::format("batch_norm{}{}", trains ? " trains" : "", is_frozen ? " frozen" : ""),
                     [=](const Tensor& t) { return batch_norm(t, gamma, beta, mean, var, {.training = trains}); });
  }

  std::size_t activation(Random& random, std::size_t from) {
    const double a = random.uniform(0.05, 0.4);
    const std::vector<std::pair<std::string, Function>> kinds = {
        {"relu", [](const Tensor& t) { return relu(t); }},
        {"relu", [](const Tensor& t) { return relu(t); }},
        {"relu6", [](const Tensor& t) { return relu6(t); }},
        {"relu6", [](const Tensor& t) { return relu6(t); }},
        {fmt::format("clamp {} 1.5", -a), [a](const Tensor& t) { return clamp(t, -a, 1.5); }},
        {fmt::format("leaky_relu {}", a), [a](const Tensor& t) { return leaky_relu(t, a); }},
        {"silu", [](const Tensor& t) { return silu(t); }},
        {"gelu", [](const Tensor& t) { return gelu(t); }},
        {"tanh", [](const Tensor& t) { return tanh(t); }},
        {"sigmoid", [](const Tensor& t) { return sigmoid(t); }},
    };
    const auto& [name, f] = kinds[random.below(kinds.size())];
    return add_unary(from, shapes_[from], name, f);
  }

  std::size_t conv_norm_activation(Random& random, std::size_t from, std::int64_t out, std::int64_t kernel,
                                   const Conv2dOptions& options, bool is_frozen, bool is_activated) {
    const std::size_t conv = convolution(random, from, out, kernel, options, is_frozen, random.chance(0.2));
    const std::size_t norm = random.chance(0.85) ? batch_normalisation(random, conv, is_frozen) : conv;
    return is_activated ? activation(random, norm) : norm;
  }

  std::size_t binary(std::size_t a, std::size_t b, const char* name, Tensor (*f)(const Tensor&, const Tensor&),
                     double factor = 1) {
    return add_value(shapes_[a], fmt::format("{}(v{}, v{}) * {}", name, a, b, factor), [=](const Tensors& v) {
      const Tensor y = f(v[a], v[b]);
      return factor == 1 ? y : scale(y, factor);
    });
  }

  std::size_t joined(const std::vector<std::size_t>& parts) {
    Shape s = shapes_[parts[0]];
    std::int64_t channels = 0;
    std::string text = "concat";
    for (const std::size_t part : parts) {
      channels += shapes_[part][3];
      text += fmt::format(" v{}", part);
    }
    return add_value({s[0], s[1], s[2], channels}, text, [parts](const Tensors& v) {
      Tensors chosen;
      for (const std::size_t part : parts) chosen.push_back(v[part]);
      return concat_channels(chosen);
    });
  }

  /// An earlier value of that height and width, any number of channels or `channels`; `not_found` where there is none.
  std::size_t like(Random& random, std::size_t value, bool same_channels) const {
    std::vector<std::size_t> found;
    for (std::size_t v = 0; v < shapes_.size(); ++v) {
      const Shape &s = shapes_[v], &wanted = shapes_[value];
      if (s[1] == wanted[1] && s[2] == wanted[2] && (!same_channels || s[3] == wanted[3])) found.push_back(v);
    }
    return found[random.below(found.size())];  // `value` itself is one
  }

  // ---- layers ----

  void add_layer(int number, bool is_last) {
    Random random(seed_, {0x1a, static_cast<std::uint64_t>(number)});
    // Mostly the last value; now and then one that others read as well.
    const std::size_t latest = shapes_.size() - 1;
    const std::size_t from = random.chance(0.8) ? latest : static_cast<std::size_t>(random.below(shapes_.size()));
    const Shape x = shapes_[from];
    const bool is_frozen = learns_ == Learns::none || (learns_ == Learns::later && number < 4) || random.chance(0.1);
    const bool is_large = x[1] * x[2] > 1500, fits_3x3 = x[1] >= 3 && x[2] >= 3, halves = x[1] >= 2 && x[2] >= 2;
    const std::int64_t out = any(random, {1, 3, 5, 8, 8, 16, 16, 24});

    switch (draw(random, is_last ? 12 : 18)) {
      case 0:
      case 1: {  // any convolution
        const std::int64_t kernel = any(random, {1, 1, 2, 3, 3, 3, 5}),
                           dilation = kernel == 3 && random.chance(0.15) ? 2 : 1;
        Conv2dOptions options{.stride = random.chance(0.3) ? 2 : 1, .dilation = dilation};
        options.padding = random.chance(0.85) ? dilation * (kernel - 1) / 2 : draw(random, 3);
        if (x[1] + 2 * options.padding < dilation * (kernel - 1) + 1 ||
            x[2] + 2 * options.padding < dilation * (kernel - 1) + 1)
          options.padding = dilation * (kernel - 1);
        std::int64_t channels = out;
        if (random.chance(0.25)) {
          options.groups = random.chance(0.5) ? x[3] : x[3] % 4 == 0 ? 4 : 1;
          channels = options.groups * (1 + draw(random, 2));
        }
        convolution(random, from, channels, kernel, options, is_frozen, random.chance(0.5));
        return;
      }
      case 2:
      case 3:
      case 4:  // a ResNet's or a decoder's convolution
        conv_norm_activation(random, from, any(random, {8, 16, 16, 24}), 3, {.padding = 1}, is_frozen, true);
        return;
      case 5: {  // a residual block
        const std::size_t first = conv_norm_activation(random, from, out, 3, {.padding = 1}, is_frozen, true);
        const std::size_t second = conv_norm_activation(random, first, x[3], 3, {.padding = 1}, is_frozen, false);
        const std::size_t total =
            random.chance(0.5) ? binary(second, from, "add", add) : binary(from, second, "add", add);
        if (random.chance(0.8)) activation(random, total);
        return;
      }
      case 6:
      case 7: {  // an inverted residual
        const std::int64_t mid = random.chance(0.25) ? x[3] : x[3] * any(random, {2, 3, 6});
        const std::int64_t stride = random.chance(0.3) ? 2 : 1, channels = random.chance(0.5) ? x[3] : out;
        std::size_t y =
            mid == x[3] && random.chance(0.7) ? from : conv_norm_activation(random, from, mid, 1, {}, is_frozen, true);
        y = conv_norm_activation(random, y, mid, 3, {.stride = stride, .padding = 1, .groups = mid}, is_frozen, true);
        y = conv_norm_activation(random, y, channels, 1, {}, is_frozen, random.chance(0.1));
        if (stride == 1 && channels == x[3] && random.chance(0.8)) binary(from, y, "add", add);
        return;
      }
      case 8:  // a head
        convolution(random, conv_norm_activation(random, from, 16, 3, {.padding = 1}, is_frozen, true),
                    any(random, {1, 2, 3}), 3, {.padding = 1}, is_frozen && learns_ == Learns::none, true);
        return;
      case 9:
      case 10: {  // a decoder's block: upsampling, a skip where one fits, convolutions
        if (is_large) break;
        const std::size_t up = add_unary(from, {x[0], 2 * x[1], 2 * x[2], x[3]}, "upsample_nearest2x",
                                         [](const Tensor& t) { return upsample_nearest2x(t); });
        const std::size_t skip = like(random, up, false);
        const std::size_t all = skip != up || random.chance(0.2) ? joined({up, skip}) : up;
        const std::size_t y =
            conv_norm_activation(random, all, any(random, {8, 16, 24}), 3, {.padding = 1}, is_frozen, true);
        if (random.chance(0.5))
          conv_norm_activation(random, y, any(random, {8, 16}), 3, {.padding = 1}, is_frozen, true);
        return;
      }
      case 11:
        activation(random, from);
        return;
      case 12: {
        const std::size_t other = like(random, from, true);
        const double kind = random.uniform();
        if (kind < 0.5)
          binary(from, other, "add", add, 0.7);
        else if (kind < 0.7)
          binary(from, other, "subtract", subtract, 0.7);
        else if (kind < 0.85)
          binary(activation(random, from), other, "multiply", multiply, 0.5);
        else
          binary(from, other, "maximum", maximum);
        return;
      }
      case 13:
        if (x[3] <= 40)
          joined(random.chance(0.7) ? std::vector{from, like(random, from, false)}
                                    : std::vector{from, latest_like(from), from});
        return;
      case 14:
        batch_normalisation(random, from, is_frozen);
        return;
      case 15: {  // pooling
        if (!fits_3x3) break;
        const Pool2dOptions options =
            random.chance(0.5) ? Pool2dOptions{} : Pool2dOptions{.kernel = 3, .stride = 2, .padding = 1};
        const auto extent = [&](std::int64_t size) {
          return (size + 2 * options.padding - options.kernel) / options.stride + 1;
        };
        const Shape pooled{x[0], extent(x[1]), extent(x[2]), x[3]};
        if (random.chance(0.5)) {
          add_unary(from, pooled, fmt::format("max_pool2d {}", options.kernel),
                    [=](const Tensor& t) { return max_pool2d(t, options); });
        } else {
          add_unary(from, pooled, fmt::format("avg_pool2d {}", options.kernel),
                    [=](const Tensor& t) { return avg_pool2d(t, options); });
        }
        return;
      }
      case 16: {  // other ways up
        if (is_large) break;
        const Shape doubled{x[0], 2 * x[1], 2 * x[2], x[3]};
        const double kind = random.uniform();
        if (kind < 0.4) {
          add_unary(from, doubled, "upsample_bilinear2x", [](const Tensor& t) { return upsample_bilinear2x(t); });
        } else if (kind < 0.5) {
          add_unary(from, doubled, "upsample_nearest2x", [](const Tensor& t) { return upsample_nearest2x(t); });
        } else {
          const Tensor w =
              parameter(random, {x[3], out, 2, 2}, std::sqrt(1.0 / static_cast<double>(x[3])), 0, is_frozen);
          const Tensor b = parameter(random, {out}, 0.3, 0, is_frozen);
          add_unary(from, {x[0], 2 * x[1], 2 * x[2], out}, "conv_transpose2d",
                    [=](const Tensor& t) { return conv_transpose2d(t, w, b, {.stride = 2}); });
        }
        return;
      }
      case 17: {  // the rest
        const double kind = random.uniform();
        const std::int64_t channels = x[3];
        if (kind < 0.2) {
          const Tensor stream = Tensor::from<std::int64_t>({2}, {1, 0});
          add_unary(from, x, "dropout off", [stream](const Tensor& t) { return dropout(t, 0.5, false, stream); });
        } else if (kind < 0.4 && halves) {
          add_unary(from, {x[0], x[1] + 1, x[2] + 2, channels}, "pad2d",
                    [](const Tensor& t) { return pad2d(t, 1, 0, 1, 1); });
        } else if (kind < 0.6 && fits_3x3) {
          add_unary(from, {x[0], x[1] - 1, x[2] - 2, channels}, "crop2d",
                    [h = x[1] - 1, w = x[2] - 2](const Tensor& t) { return crop2d(t, 1, 1, h, w); });
        } else if (kind < 0.8) {  // squeeze and excitation: every pixel times its channel's gate
          const Shape gate{x[0], 1, 1, channels};
          add_unary(from, x, "gated",
                    [gate](const Tensor& t) { return multiply(t, sigmoid(reshape(global_avg_pool(t), gate))); });
        } else {  // a norm of one's own
          const Tensor gain = parameter(random, {channels}, 0.3, 1, is_frozen);
          add_unary(from, x, "layer_norm", [gain](const Tensor& t) {
            const Tensor centred = subtract(t, mean(t, {3}, true));
            return multiply(divide(centred, sqrt(add_scalar(mean(multiply(centred, centred), {3}, true), 0.1))), gain);
          });
        }
        return;
      }
    }
    activation(random, from);  // what was drawn does not fit
  }

  std::size_t latest_like(std::size_t value) const {
    for (std::size_t v = shapes_.size(); v-- > 0;) {
      if (shapes_[v][1] == shapes_[value][1] && shapes_[v][2] == shapes_[value][2]) return v;
    }
    return value;
  }

  std::uint64_t seed_;
  DType dtype_;
  Learns learns_ = Learns::all;
  bool trains_norms_ = true;
  std::vector<Shape> shapes_;  // of each value; the input is the first
  std::vector<Layer> layers_;
  std::vector<std::size_t> outputs_;
  Tensors pulls_, parameters_, statistics_, first_statistics_;
  std::string description_;
};

}  // namespace weft::test
