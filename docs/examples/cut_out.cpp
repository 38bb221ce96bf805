// weft's own model in a program of one's own:   cut_out PHOTOGRAPH CUTOUT.png
// Without arguments it tries itself on a picture that it makes.

#include <weft/weft.h>

#include <thread>

#include "example.h"

namespace {

using namespace weft;
using namespace weft::example;

void cut_out(const char* photograph, const char* file) {
  const Cutter cutter = Cutter::open();
  save_png(file, cutter.cutout(load_image(photograph)));
}

void try_it() {
  const Cutter cutter = Cutter::open();
  Image picture(90, 120, 3);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = static_cast<std::uint8_t>(i * i / 7);
  const Cut cut = cutter.cut(picture);
  check(cut.mask.width == 90 && cut.mask.height == 120 && cut.mask.channels == 1, "a mask has the picture's size");
  check(cut.cutout.channels == 4 && cut.probabilities.size() == 90 * 120, "a cut-out has an alpha");
  check(cutter.mask(picture) == cut.mask && cutter.cutout(picture) == cut.cutout, "one by one, they are the same");

  Image masks[3];
  std::vector<std::thread> threads;
  for (Image& mask : masks) threads.emplace_back([&] { mask = cutter.mask(picture); });
  for (std::thread& thread : threads) thread.join();
  for (const Image& mask : masks) check(mask == cut.mask, "threads may share one Cutter");
  try {
    cutter.mask(Image(4, 4, 1));
    check(false, "a grey picture is refused");
  } catch (const Error& error) {
    std::printf("  a grey picture is refused: %s\n", error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run([&] { argc == 3 ? cut_out(argv[1], argv[2]) : try_it(); });
}
