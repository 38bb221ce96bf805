// bench_unet as a script uses it.

#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "tests/catch.h"
#include "tests/tools/run_program.h"

using namespace weft;
using namespace weft::test;
using nlohmann::json;

namespace {

const std::vector<std::string> small = {"--size", "64", "--iters", "2", "--threads", "1"};

ProgramResult bench(std::vector<std::string> arguments, const std::string& prepare = "") {
  arguments.insert(arguments.end(), small.begin(), small.end());
  return run_program("bench_unet", arguments, prepare);
}

}  // namespace

TEST_CASE("bench_unet --json says how long a run takes", "[tools]") {
  const ProgramResult run = bench({"--json", "--batch", "2"});
  REQUIRE(run.status == 0);
  const json line = json::parse(run.out);
  CHECK(line["batch"] == 2);
  CHECK(line["min_ms"] > 0.0);
  CHECK(line["median_ms"] >= line["min_ms"]);
  CHECK(line["peak_rss_mb"] > 10.0);
}

TEST_CASE("bench_unet --layers holds every layer against the machine", "[tools]") {
  const ProgramResult run = bench({"--layers", "--json", "--mode", "train", "--arch", "resnet18"});
  REQUIRE(run.status == 0);
  const json roofline = json::parse(run.out)["roofline"];
  CHECK(roofline["peak_gflops"] > 1.0);
  CHECK(roofline["memory_gb_s"] > 0.1);
  std::map<std::string, int> calls;  // of plain convolutions
  std::int64_t stem_macs = 0;
  for (const json& row : roofline["layers"]) {
    if (row["layer"].get<std::string>().starts_with("conv2d ")) calls[row["pass"]] += row["calls"].get<int>();
    CHECK(row["ms"] > 0.0);
    CHECK(row["bound_ms"] > 0.0);
    const double peak_ms = 2e-6 * row["macs"].get<double>() / roofline["peak_gflops"].get<double>();
    CHECK(row["bound_ms"].get<double>() >= Approx(peak_ms));
    if (row["layer"].get<std::string>().find("7x7") != std::string::npos) stem_macs = row["macs"];
  }
  CHECK(stem_macs == 32 * 32 * 64 * 3 * 49);
  CHECK(calls["weight gradient"] >= 20);
  CHECK(calls["forward"] >= calls["input gradient"]);  // the first layer's input needs no gradient

  const ProgramResult text = bench({"--layers"});
  CHECK(text.status == 0);
  CHECK_THAT(text.out, Contains("GFLOP/s in registers") && Contains("where most time is lost"));
}

TEST_CASE("bench_unet --serve runs on request, on the numbers that it is given", "[tools]") {
  const TemporaryFolder folder;
  const std::string input = (folder / "x.f32").string(), first = (folder / "a.f32").string(),
                    second = (folder / "b.f32").string();
  std::vector<float> values(64 * 64 * 3, 0.25f);
  const auto write = [&] {
    write_file(input, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  };
  const auto serve = [&](const std::string& output) {
    return bench({"--serve", "--input", input}, "printf 'run\\nsave " + output + "\\n' |");
  };
  write();
  const ProgramResult run = serve(first);
  REQUIRE(run.status == 0);
  CHECK_THAT(run.out, Contains("\"ready\":\"weft") && Contains("\"ms\":") && Contains("\"saved\":"));
  CHECK(read_text(first).size() == 64 * 64 * sizeof(float));
  values[100] = -3;
  write();
  REQUIRE(serve(second).status == 0);
  CHECK(read_text(first) != read_text(second));

  write_file(input, "short");
  CHECK_THAT(serve(first).err, Contains("expected 49152 bytes of float32 [1, 64, 64, 3], got 5"));
  CHECK(bench({"--serve"}, "echo walk |").status == 1);
}
