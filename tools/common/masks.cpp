#include "tools/common/masks.h"

#include <algorithm>
#include <cstdio>

#include "core/formats/npy.h"
#include "data/render.h"

namespace weft::tools {

namespace fs = std::filesystem;

const std::vector<std::string>& output_kinds() {
  static const std::vector<std::string> kinds = {"mask", "overlay", "cutout", "panel", "prob", "logits"};
  return kinds;
}

std::string output_name(const std::string& stem, const std::string& kind, OutputFormat format) {
  return stem + "." + kind + "." + (kind == "logits" ? "npy" : extension_of(format));
}

bool is_output_name(const std::string& file_name) {
  return std::any_of(output_kinds().begin(), output_kinds().end(), [&](const std::string& kind) {
    return std::any_of(output_formats.begin(), output_formats.end(),
                       [&](OutputFormat format) { return file_name.ends_with(output_name("", kind, format)); });
  });
}

bool shows_photograph(const std::string& kind) { return kind == "overlay" || kind == "cutout" || kind == "panel"; }

Subject read_subject(Bytes file, const std::string& name, const std::vector<std::string>& kinds,
                     std::int64_t max_pixels, const std::function<Placement(int width, int height)>& placement) {
  PhotographOptions options{.max_pixels = max_pixels};
  // A JPEG decoded at half its size is a little sharper than the mean of four pixels. The last halving is therefore
  // left to fit_picture(), after which little of that is left, and the mask is that of the whole picture.
  if (std::none_of(kinds.begin(), kinds.end(), shows_photograph))
    options.reduction = [&](int width, int height) { return std::max(1, divisor_for(placement(width, height)) / 2); };
  Photograph photograph = decode_photograph(file, name, options);
  Subject subject{photograph.width, photograph.height, {}, std::nullopt, photograph.extras};
  const bool is_as_seen = photograph.image.channels == 3 && photograph.extras.profile.empty();
  if (!is_as_seen && std::find(kinds.begin(), kinds.end(), "cutout") != kinds.end()) subject.own = photograph.image;
  subject.seen = as_seen(std::move(photograph));
  return subject;
}

std::optional<Colour> colour_from(const std::string& text) {
  const std::pair<const char*, Colour> names[] = {{"white", {255, 255, 255}}, {"black", {0, 0, 0}},
                                                  {"grey", {128, 128, 128}},  {"red", {255, 0, 0}},
                                                  {"green", {0, 255, 0}},     {"blue", {0, 0, 255}}};
  for (const auto& [name, colour] : names) {
    if (text == name) return colour;
  }
  unsigned red = 0, green = 0, blue = 0;
  int used = 0;
  const bool is_hexadecimal = text.size() == 7 && text.find_first_not_of("0123456789abcdefABCDEF", 1) == text.npos;
  if (!is_hexadecimal || std::sscanf(text.c_str(), "#%2x%2x%2x%n", &red, &green, &blue, &used) != 3 || used != 7)
    return std::nullopt;
  return Colour{static_cast<std::uint8_t>(red), static_cast<std::uint8_t>(green), static_cast<std::uint8_t>(blue)};
}

namespace {

std::string encode_cutout(const Subject& subject, const Answer& answer, const EncodingOptions& options) {
  Image cutout = render_cutout(subject.own ? *subject.own : subject.seen, answer.alpha);
  if (options.background || options.format == OutputFormat::jpeg)
    cutout = on_colour(cutout, options.background.value_or(Colour{255, 255, 255}));
  return encode_picture(cutout, options.format, subject.extras);
}

}  // namespace

std::string encode_output(const std::string& kind, const Subject& subject, const Answer& answer,
                          const EncodingOptions& options) {
  if (kind == "cutout") return encode_cutout(subject, answer, options);
  if (kind == "prob") return encode_picture(answer.probability, options.format);
  if (kind == "mask") return encode_picture(render_mask(answer.mask), options.format);
  if (kind == "overlay") return encode_picture(render_overlay(subject.seen, answer.mask), options.format);
  WEFT_CHECK(kind == "panel", "[encode_output] '{}' is no picture", kind);
  const Image parts[] = {subject.seen, render_mask(answer.mask), render_overlay(subject.seen, answer.mask)};
  return encode_picture(side_by_side(parts), options.format);
}

void write_logits(const fs::path& path, const Placement& placement, const Tensor& canvas_logits) {
  const std::int64_t shape[] = {placement.canvas_height, placement.canvas_width};
  save_npy(path, shape, canvas_logits.values<float>());
}

}  // namespace weft::tools
