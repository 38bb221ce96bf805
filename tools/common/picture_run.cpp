#include "tools/common/picture_run.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "core/allocator.h"
#include "core/parallel.h"
#include "data/image_io.h"
#include "data/read_file.h"
#include "tools/common/interrupt.h"
#include "tools/common/masks.h"
#include "tools/common/output_guard.h"
#include "tools/common/run_tool.h"

namespace weft::tools {

namespace fs = std::filesystem;

namespace {

void error_line(const std::string& text) { std::fputs(("error: " + text + "\n").c_str(), stderr); }

/// A step of an item's way, which ends where a step fails.
template <class Item, class Step>
void attempt(Item& item, Step&& step) {
  if (item.error) return;
  try {
    step();
  } catch (...) {
    item.error = std::current_exception();
  }
}

}  // namespace

PictureRun::PictureRun(const PictureRunOptions& options, const ModelInfo& info, const Predictor& predictor)
    : options_(options),
      info_(info),
      predictor_(predictor),
      pictures_(list_pictures(options.paths)),
      progress_("infer", std::ssize(pictures_), "pictures") {
  if (options.output_file.empty()) {
    std::error_code error;
    fs::create_directories(options.out, error);
    WEFT_CHECK(!error && fs::is_directory(options.out), "{}: cannot make this folder", options.out);
  } else if (pictures_.size() != 1 || options.kinds.size() != 1) {
    throw UsageError("-o names one file: it goes with one picture and one kind of output; use --out DIR");
  }
  plan_outputs();
}

/// Says of every file that is to be written whether it may be, before the first is.
void PictureRun::plan_outputs() {
  std::vector<fs::path> inputs = pictures_;
  inputs.emplace_back(options_.model);
  const OutputGuard guard(inputs, options_.may_overwrite);
  for (const fs::path& picture : pictures_) {
    std::vector<fs::path>& outputs = outputs_.emplace_back();
    std::string& refusal = refusals_.emplace_back();
    for (const std::string& kind : options_.kinds) {
      outputs.push_back(options_.output_file.empty()
                            ? fs::path(options_.out) / output_name(picture.stem().string(), kind)
                            : fs::path(options_.output_file));
      if (refusal.empty()) refusal = guard.refusal(outputs.back());
    }
  }
}

int PictureRun::all() {
  catch_interrupts("\nfinishing the pictures in hand; Ctrl-C again stops at once\n");
  side_by_side(side_by_side_count());
  available_cores() > num_threads() ? overlapped() : in_turn();
  if (done_ < pictures_.size()) {
    error_line(fmt::format("interrupted after {} of {} pictures", done_, pictures_.size()));
    return 130;
  }
  if (failures_ > 0) error_line(fmt::format("{} of {} pictures failed", failures_, pictures_.size()));
  return failures_ > 0 ? 1 : 0;
}

/// How many pictures go side by side: as many as give each thread the same number, where the networks fit into 1 GB.
std::size_t PictureRun::side_by_side_count() const {
  constexpr std::int64_t most_pixels = 16 * 512 * 512;  // of canvases in hand: 111 bytes each, ResNet34 174
  const std::int64_t threads = num_threads(), pictures = std::ssize(pictures_);
  if (threads < 2 || options_.is_profiled || options_.predict.is_native) return 0;
  const auto& size = options_.predict.size;
  const std::int64_t canvas_pixels =
      size ? std::int64_t{(*size)[0]} * (*size)[1] : info_.height * info_.width;
  return threads * canvas_pixels <= most_pixels ? static_cast<std::size_t>(pictures - pictures % threads) : 0;
}

void PictureRun::side_by_side(std::size_t count) {
  const auto threads = static_cast<std::size_t>(num_threads());
  std::atomic<std::size_t> next{0};
  std::mutex guard;
  std::map<std::size_t, Item> ready;  // for its turn to be reported
  parallel_for(static_cast<std::int64_t>(std::min(count, threads)), [&](std::int64_t) {
    const OwnPages pages;
    while (!interrupted()) {
      Item item;
      item.index = next++;
      if (item.index >= count) return;
      read(item);
      // The disk may bring the picture that this thread is likely to take next.
      if (const std::size_t after = item.index + threads; after < count) announce_read(pictures_[after]);
      run_network(item);
      write(item);
      const std::lock_guard lock(guard);
      ready.emplace(item.index, std::move(item));
      for (auto first = ready.begin(); first != ready.end() && first->first == done_; first = ready.erase(first)) {
        report(first->second);
        progress_.update(static_cast<std::int64_t>(++done_));
      }
    }
  });
}

/// The network and the files take turns.
void PictureRun::in_turn() {
  std::vector<Item> before, group = next_group(done_);
  work_on_files(before, group);
  while (!group.empty()) {
    run_group(group);
    before = std::move(group);
    group = next_group(done_);
    work_on_files(before, group);
    for (const Item& item : before) report(item);
  }
}

/// The same, with one group in the network while another thread writes the one before and reads the next.
void PictureRun::overlapped() {
  std::vector<Item> before, group = next_group(done_), next;
  work_on_files(before, group);
  while (!group.empty()) {
    next = next_group(group.back().index + 1);
    run_beside([&] { work_on_files(before, next); }, [&] { run_group(group); });
    for (const Item& item : before) report(item);
    before = std::move(group);
    group = interrupted() ? std::vector<Item>{} : std::move(next);
  }
  work_on_files(before, group);
  for (const Item& item : before) report(item);
}

/// The items of the pictures from `first`: one for each thread, but few, as a photograph takes 11 bytes a pixel while
/// its masks are made. None after Ctrl-C.
std::vector<PictureRun::Item> PictureRun::next_group(std::size_t first) const {
  if (interrupted()) return {};
  const std::size_t end = std::min(pictures_.size(), first + static_cast<std::size_t>(std::min(num_threads(), 4)));
  std::vector<Item> group;
  for (std::size_t i = first; i < end; ++i) group.emplace_back().index = i;
  // The disk may bring the pictures after these while the network runs.
  for (std::size_t i = end; i < std::min(pictures_.size(), end + group.size()); ++i) announce_read(pictures_[i]);
  return group;
}

/// Runs the network on a group, or on its first pictures where Ctrl-C comes, and leaves those in it.
void PictureRun::run_group(std::vector<Item>& group) {
  std::size_t done = 0;
  while (done < group.size() && !interrupted()) {
    run_network(group[done++]);
    progress_.update(static_cast<std::int64_t>(++done_));
  }
  group.resize(done);
}

/// Writes what came out of one group and reads the next. A task is a picture of each, so that threads have equal
/// shares.
void PictureRun::work_on_files(std::vector<Item>& done, std::vector<Item>& next) const {
  parallel_for(static_cast<std::int64_t>(std::max(done.size(), next.size())), [&](std::int64_t task) {
    const auto i = static_cast<std::size_t>(task);
    if (i < done.size()) write(done[i]);
    if (i < next.size()) read(next[i]);
  });
}

void PictureRun::read(Item& item) const {
  attempt(item, [&] {
    if (const std::string& refusal = refusals_[item.index]; !refusal.empty()) throw Error(refusal);
    item.image = load_image(pictures_[item.index]);
    item.input = prepare_input(info_, item.image, options_.predict);
  });
}

void PictureRun::run_network(Item& item) const {
  attempt(item, [&] {
    item.logits = canvas_logits(predictor_, item.input, options_.predict.mirror);
    item.input.values = Tensor();
  });
}

/// Leaves of the item what report() says.
void PictureRun::write(Item& item) const {
  attempt(item, [&] {
    const Prediction prediction = to_prediction(item.input.placement, std::exchange(item.logits, Tensor()));
    const Image picture = std::exchange(item.image, Image());
    const std::vector<float> probabilities = prediction.probabilities();
    const Image mask = threshold_mask(probabilities, picture.width, picture.height, options_.threshold);
    item.files = outputs_[item.index];
    for (std::size_t k = 0; k < options_.kinds.size(); ++k) {
      write_output(options_.kinds[k], item.files[k], picture, prediction, probabilities, mask, options_.threshold);
    }
    const auto clothing = std::count(mask.pixels.begin(), mask.pixels.end(), 1);
    item.clothing = static_cast<double>(clothing) / static_cast<double>(mask.pixels.size());
  });
}

void PictureRun::report(const Item& item) {
  try {
    if (item.error) std::rethrow_exception(item.error);
    std::string files;
    for (const fs::path& file : item.files) files += (files.empty() ? "" : ", ") + file.string();
    const std::string picture = pictures_[item.index].string();
    // Unlike fmt::print it does not throw: masks are written to the last, though nobody reads what is said of them.
    std::fputs(fmt::format("{} -> {} ({:.1f}% clothing)\n", picture, files, 100 * item.clothing).c_str(), stdout);
    std::fflush(stdout);
  } catch (const std::exception& error) {
    failed(item.index, error);
  }
}

void PictureRun::failed(std::size_t i, const std::exception& error) {
  ++failures_;
  const bool is_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  const std::string name = pictures_[i].string(), message = is_memory ? "out of memory" : error.what();
  error_line(message.starts_with(name) ? message : name + ": " + message);
}

}  // namespace weft::tools
