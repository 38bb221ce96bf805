#include "tools/common/picture_run.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "core/allocator.h"
#include "core/atomic_file.h"
#include "core/formats/printable.h"
#include "core/parallel.h"
#include "data/read_file.h"
#include "tools/common/interrupt.h"
#include "tools/common/message.h"

namespace weft::tools {

namespace fs = std::filesystem;

namespace {

void make_folder(const fs::path& folder) {
  std::error_code ignored;  // what is in the way is met by the writer
  if (!folder.empty()) fs::create_directories(folder, ignored);
}

void write_to_stdout(const std::string& content) {
  WEFT_CHECK(std::fwrite(content.data(), 1, content.size(), stdout) == content.size() && std::fflush(stdout) == 0,
             "cannot write to stdout: {}", std::strerror(errno));
}

std::vector<std::string> kinds_of(const PlannedPicture& picture) {
  std::vector<std::string> kinds;
  for (const PlannedOutput& output : picture.outputs) kinds.push_back(output.kind);
  return kinds;
}

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
      list_(list_pictures(options.paths, {.is_recursive = options.is_recursive, .out = options.output.out})),
      plan_(plan_outputs(list_, options.output)),
      progress_("infer", std::ssize(plan_.pictures), "pictures") {
  if (options.output.out.empty()) return;
  std::error_code error;
  fs::create_directories(options.output.out, error);
  WEFT_CHECK(!error && fs::is_directory(options.output.out), "{}: cannot make this folder", options.output.out);
}

int PictureRun::all() {
  for (const std::string& note : plan_.notes) say(note);
  catch_interrupts("\nfinishing the pictures in hand; Ctrl-C again stops at once\n");
  side_by_side(side_by_side_count());
  available_cores() > num_threads() ? overlapped() : in_turn();
  progress_.end();
  say_what_was_left();
  if (done_ < plan_.pictures.size()) {
    say_error(fmt::format("interrupted after {} of {} pictures", done_, plan_.pictures.size()));
    return 130;
  }
  if (failures_ > 0 && plan_.pictures.size() > 1)
    say_error(fmt::format("{} of {} pictures failed", failures_, plan_.pictures.size()));
  return failures_ > 0 || !list_.problems.empty() ? 1 : 0;
}

void PictureRun::say_what_was_left() {
  if (plan_.skipped > 0)
    say(fmt::format("{} skipped: {}", plan_.skipped,
                    plan_.skipped == 1 ? "its output is there" : "their outputs are there"));
  if (const std::string text = passed_over_text(list_); !text.empty()) say(text);
  for (const std::string& problem : list_.problems) say_error(problem);
}

/// How many pictures go side by side: as many as give each thread the same number, where the networks fit into 1 GB.
std::size_t PictureRun::side_by_side_count() const {
  constexpr std::int64_t most_pixels = 16 * 512 * 512;  // of canvases in hand: 111 bytes each, ResNet34 174
  const std::int64_t threads = num_threads(), pictures = std::ssize(plan_.pictures);
  if (threads < 2 || options_.is_profiled || options_.predict.is_native) return 0;
  const auto& size = options_.predict.size;
  const std::int64_t canvas_pixels = size ? std::int64_t{(*size)[0]} * (*size)[1] : info_.height * info_.width;
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
      if (const std::size_t after = item.index + threads; after < count) announce(after);
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
  const std::size_t end = std::min(plan_.pictures.size(), first + static_cast<std::size_t>(std::min(num_threads(), 4)));
  std::vector<Item> group;
  for (std::size_t i = first; i < end; ++i) group.emplace_back().index = i;
  // The disk may bring the pictures after these while the network runs.
  for (std::size_t i = end; i < std::min(plan_.pictures.size(), end + group.size()); ++i) announce(i);
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

/// For messages and reports.
std::string PictureRun::name_of(std::size_t i) const {
  const ListedPicture& picture = planned(i).picture;
  return picture.is_stream() ? "stdin" : picture.file.string();
}

void PictureRun::announce(std::size_t i) const {
  if (!planned(i).picture.is_stream()) announce_read(planned(i).picture.file);
}

void PictureRun::read(Item& item) const {
  attempt(item, [&] {
    const PlannedPicture& plan = planned(item.index);
    if (!plan.refusal.empty()) throw Error(plan.refusal);
    const auto placement = [&](int width, int height) { return placement_for(info_, width, height, options_.predict); };
    const std::string name = name_of(item.index);
    const std::vector<std::uint8_t> file =
        plan.picture.is_stream() ? read_stream(STDIN_FILENO, name) : read_file(plan.picture.file);
    const std::vector<std::string> kinds = kinds_of(plan);
    item.subject = read_subject(file, name, kinds, options_.max_pixels, placement);
    item.input = prepare_input(info_, item.subject.seen, placement(item.subject.width, item.subject.height));
    if (std::none_of(kinds.begin(), kinds.end(), shows_photograph)) item.subject.seen = Image();
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
    const Subject subject = std::exchange(item.subject, Subject());
    const Tensor logits = std::exchange(item.logits, Tensor());
    const PlannedPicture& plan = planned(item.index);
    const std::vector<std::string> kinds = kinds_of(plan);
    const auto asks_for = [&](const char* kind) { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); };
    const Answer answer = answer_for(item.input.placement, logits, options_.threshold,
                                     {.probability = asks_for("prob"), .alpha = asks_for("cutout")});
    item.clothing = answer.clothing;
    for (const auto& [kind, file] : plan.outputs) {
      const bool is_stream = file == standard_stream;
      if (!is_stream) make_folder(file.parent_path());
      if (kind == "logits") {
        write_logits(file, item.input.placement, logits);
        continue;
      }
      const std::string content = encode_output(kind, subject, answer, {plan_.format, options_.background});
      is_stream ? write_to_stdout(content) : write_file(file, content, Durability::kill);
    }
  });
}

void PictureRun::report(const Item& item) {
  progress_.clear();  // both may be one terminal
  try {
    if (item.error) std::rethrow_exception(item.error);
    constexpr std::size_t longest = 4096;  // of a path
    std::string files;
    for (const PlannedOutput& output : planned(item.index).outputs) {
      if (output.file == standard_stream) return;  // whose reader wants the picture alone
      files += (files.empty() ? "" : ", ") + printable(output.file.string(), longest);
    }
    const std::string picture = printable(name_of(item.index), longest);
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
  const std::string name = name_of(i), message = is_memory ? "out of memory" : error.what();
  say_error(message.starts_with(name) ? message : name + ": " + message);
}

}  // namespace weft::tools
