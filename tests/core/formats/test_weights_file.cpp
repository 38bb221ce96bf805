#include <cmath>

#include "core/check.h"
#include "core/formats/safetensors.h"
#include "core/formats/weights_file.h"
#include "tests/catch.h"
#include "tests/core/formats/pickle_bytes.h"

using namespace weft;
using namespace weft::test;
using namespace weft::test::pickle;

namespace {

const std::string fixtures = WEFT_SOURCE_DIR "/tests/core/formats/fixtures/";

/// Opens the file and reads every tensor: "accepted", or the message of the error.
std::string verdict(const std::string& bytes) {
  try {
    const WeightsFile file = open_weights(FileBytes::hold("m.pth", bytes));
    for (const WeightsEntry& entry : file.tensors()) file.read_f32(entry);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::vector<std::string> names(const WeightsFile& file) {
  std::vector<std::string> all;
  for (const WeightsEntry& entry : file.tensors()) all.push_back(entry.name);
  return all;
}

/// make_fixtures.py's state dict.
void check_state_dict(const WeightsFile& file) {
  CHECK(names(file) == std::vector<std::string>{"matrix", "transposed", "view", "parameter", "half", "bfloat16",
                                                "double", "num_batches_tracked", "int32", "uint8", "bool", "empty"});
  CHECK(file.at("matrix").shape == std::vector<std::int64_t>{2, 3});
  CHECK(file.read_f32("matrix") == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(file.at("transposed").shape == std::vector<std::int64_t>{6, 4});
  std::vector<float> transposed;
  for (int column = 0; column < 6; ++column) {
    for (int row = 0; row < 4; ++row) transposed.push_back(static_cast<float>(6 * row + column));
  }
  CHECK(file.read_f32("transposed") == transposed);
  CHECK(file.at("view").shape == std::vector<std::int64_t>{2, 3});
  CHECK(file.read_f32("view") == std::vector<float>{7, 9, 11, 13, 15, 17});
  CHECK(file.at("view").storage == file.at("matrix").storage);
  CHECK(file.read_f32("parameter") == std::vector<float>{0.5f, -0.25f});
  CHECK(file.at("half").type == ElementType::F16);
  CHECK(file.read_f32("half") == std::vector<float>{1.5f, -65504, 0x1p-24f});
  CHECK(file.read_f32("bfloat16") == std::vector<float>{1.5f, 3 * 0x1p100f});
  CHECK(file.at("double").type == ElementType::F64);
  CHECK(file.read_f32("double") == std::vector<float>{0.1f});
  CHECK(file.at("num_batches_tracked").shape.empty());
  CHECK(file.read_i64("num_batches_tracked") == std::vector<std::int64_t>{1234567890123});
  CHECK(file.read_i64("int32") == std::vector<std::int64_t>{-7});
  CHECK(file.read_f32("uint8") == std::vector<float>{255, 0});
  CHECK(file.read_i64("bool") == std::vector<std::int64_t>{1, 0});
  CHECK(file.at("empty").shape == std::vector<std::int64_t>{0, 3});
  CHECK(file.read_f32("empty").empty());
  CHECK(file.read_bytes(file.at("half")).size() == 6);
  CHECK_THROWS_WITH(file.read_i64("matrix"), Contains("tensor 'matrix': expected integers, got numbers of type F32"));
  CHECK_THROWS_WITH(file.read_f32("none"), Contains("holds no tensor 'none'"));
}

}  // namespace

TEST_CASE("what torch.save wrote is read, in both containers", "[formats]") {
  const WeightsFile zip_file = open_weights(fixtures + "new.pth");
  CHECK(zip_file.format() == "PyTorch zip");
  CHECK(zip_file.notes().empty());
  check_state_dict(zip_file);
  const WeightsFile legacy = open_weights(fixtures + "legacy.pth");
  CHECK(legacy.format() == "PyTorch legacy stream");
  check_state_dict(legacy);
  check_state_dict(open_weights(fixtures + "deflated.pth"));
}

TEST_CASE("a state dict inside a training checkpoint is found, its prefix removed", "[formats]") {
  const WeightsFile zip_file = open_weights(fixtures + "new_nested.pth");
  CHECK(zip_file.notes() ==
        std::vector<std::string>{"took the state dict under 'model'", "removed the prefix 'module.'"});
  check_state_dict(zip_file);
  const WeightsFile legacy = open_weights(fixtures + "legacy_nested.pth");
  CHECK(legacy.notes() ==
        std::vector<std::string>{"took the state dict under 'state_dict'", "removed the prefix 'module.'"});
  check_state_dict(legacy);

  // A prefix that not all tensors have is part of the names; what is no tensor is left out with a note.
  const std::string one = tensor(storage("FloatStorage", "0", 1), 0, {1}, {1});
  const WeightsFile mixed = open_weights(
      FileBytes::hold("m.pth", torch_zip(dict({{"module.a", one}, {"b", one}, {"epoch", "K\x03"}}), {floats({4})})));
  CHECK(names(mixed) == std::vector<std::string>{"module.a", "b"});
  CHECK(mixed.notes() == std::vector<std::string>{"left out 'epoch', which is an integer"});
}

TEST_CASE("a state dict is found under the keys of other training programs", "[formats]") {
  const std::string one = tensor(storage("FloatStorage", "0", 2), 0, {2}, {1});
  const std::string inner = empty_dict + mark + text("a") + one + setitems;
  for (const char* key : {"state_dict", "model_state_dict", "model", "net", "params", "ema"}) {
    const WeightsFile file =
        open_weights(FileBytes::hold("m.pth", torch_zip(dict({{"epoch", "K\x03"}, {key, inner}}), {floats({1, 2})})));
    CHECK(file.find("a") != nullptr);
    CHECK(file.notes() == std::vector<std::string>{fmt::format("took the state dict under '{}'", key)});
  }
  const WeightsFile both =
      open_weights(FileBytes::hold("m.pth", torch_zip(dict({{"ema", inner}, {"model", inner}}), {floats({1, 2})})));
  CHECK(both.notes() ==
        std::vector<std::string>{"took the state dict under 'model'", "left out the other one under 'ema'"});
}

TEST_CASE("numbers of numpy and a Namespace beside the tensors are skipped", "[formats]") {
  const std::string one = tensor(storage("FloatStorage", "0", 2), 0, {2}, {1});
  // numpy.float64(0.9) and argparse.Namespace(lr=1, names=["a"]) as Python 3 and numpy write them in protocol 2
  // (pickletools.dis), but for the memo.
  const std::string dtype = global("numpy", "dtype") + text("f8") + "\x89\x88\x87R" + mark + "K\x03" + text("<") +
                            none + none + none + "J\xff\xff\xff\xffJ\xff\xff\xff\xffK" + std::string(1, '\0') + tuple +
                            build;
  const std::string bytes = global("_codecs", "encode") + text("\xc3\x8d\xc3\x8c") + text("latin1") + "\x86R";
  const std::string space = global("argparse", "Namespace") + empty_tuple + newobj + empty_dict + mark + text("lr") +
                            "K\x01" + text("names") + empty_list + text("a") + append + setitems + build;
  for (const char* module : {"numpy.core.multiarray", "numpy._core.multiarray"}) {
    const std::string scalar = global(module, "scalar") + dtype + bytes + "\x86R";
    const WeightsFile file = open_weights(FileBytes::hold(
        "m.pth", torch_zip(dict({{"best", scalar},
                                 {"args", space},
                                 {"model", empty_dict + mark + text("a") + one + text("score") + scalar + setitems}}),
                           {floats({1, 2})})));
    CHECK(file.read_f32("a") == std::vector<float>{1, 2});
    CHECK(file.notes() == std::vector<std::string>{"took the state dict under 'model'",
                                                   "left out 'score', which is an object that weft does not read"});
  }
  // Skipping is no way to anything else: a call needs an import of the list, and other modules of numpy are refused.
  const auto value_verdict = [&](const std::string& value) {
    try {
      open_weights(FileBytes::hold("m.pth", torch_zip(dict({{"x", value}, {"a", one}}), {floats({1, 2})})));
      return std::string("accepted");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  CHECK(value_verdict(space) == "accepted");
  CHECK_THAT(value_verdict(space + empty_tuple + reduce),
             Contains("refused: data.pkl calls an object that weft does not read"));
  CHECK_THAT(value_verdict(global("numpy", "load") + text("x") + "\x85R"), Contains("imports numpy.load"));
  CHECK_THAT(value_verdict(global("argparse", "FileType") + empty_tuple + reduce),
             Contains("imports argparse.FileType"));
  CHECK_THAT(value_verdict(tensor(space, 0, {2}, {1})),
             Contains("a tensor's storage is an object that weft does not read"));
}

TEST_CASE("a pickled module is refused by its import", "[formats]") {
  CHECK_THROWS_WITH(
      open_weights(fixtures + "module.pth"),
      Contains("module.pth: refused: data.pkl imports torch.nn.modules.linear.Linear; weft reads state dicts"));
}

TEST_CASE("hostile .pth files are refused", "[formats]") {
  const std::string one = tensor(storage("FloatStorage", "0", 2), 0, {2}, {1});
  const std::string good = dict({{"a", one}});
  CHECK(verdict(torch_zip(good, {floats({1, 2})})) == "accepted");
  CHECK_THAT(verdict(torch_zip(dict({{"a", global("os", "system") + text("true") + "\x85R"}}))),
             Contains("m.pth: refused: data.pkl imports os.system"));
  CHECK_THAT(verdict(torch_zip(good, {floats({1})})), Contains("refused: storage '0' takes 8 bytes, its entry has 4"));
  CHECK_THAT(verdict(torch_zip(good)), Contains("it has no entry for storage '0'"));
  CHECK_THAT(verdict(torch_zip(dict({{"a", tensor(storage("FloatStorage", "../data.pkl", 2), 0, {2}, {1})}}),
                               {floats({1, 2})})),
             Contains("no entry for storage"));
  CHECK_THAT(
      verdict(torch_zip(dict({{"a", tensor(storage("FloatStorage", "0", INT64_MAX), 0, {2}, {1})}}), {floats({1, 2})})),
      Contains("refused: storage '0'"));
  CHECK_THAT(verdict(torch_zip(dict({{"a", one}, {"a", one}}), {floats({1, 2})})),
             Contains("refused: two tensors are called 'a'"));
  CHECK_THAT(verdict(torch_zip(dict({{"\xFF", one}}), {floats({1, 2})})), Contains("not UTF-8"));
  CHECK_THAT(verdict(torch_zip(dict({{"epoch", "K\x01"}}))), Contains("holds no state dict"));
  CHECK_THAT(verdict(torch_zip(proto + "]" + stop)), Contains("holds a list, not a state dict"));
  CHECK_THAT(verdict(zip({{"data.pkl", good}})), Contains("without NAME/data.pkl"));
  CHECK_THAT(verdict(zip({{"a/data.pkl", good}, {"b/data.pkl", good}})), Contains("two entries are called data.pkl"));
  CHECK_THAT(verdict(zip({{"a/data.pkl", good}, {"a/byteorder", "big"}, {"a/data/0", floats({1, 2})}})),
             Contains("its numbers are 'big'-endian"));
  CHECK(verdict(zip({{"a/data.pkl", good}, {"a/byteorder", "little"}, {"a/data/0", floats({1, 2})}})) == "accepted");

  std::vector<std::pair<std::string, std::string>> shared;
  for (int i = 0; i < 20; ++i) shared.emplace_back(std::to_string(i), one);
  CHECK_THAT(verdict(torch_zip(dict(shared), {floats({1, 2})})),
             Contains("share storages so often that 8 bytes become 160"));
}

TEST_CASE("hostile legacy streams are refused", "[formats]") {
  const std::string good = dict({{"a", tensor(storage("FloatStorage", "7", 2), 0, {2}, {1})}});
  const std::string count = raw(std::int64_t{2}), data = floats({1, 2});
  CHECK(verdict(torch_legacy(good, {"7"}, count + data)) == "accepted");
  CHECK_THAT(verdict(torch_legacy(good, {"7"}, raw(INT64_MAX) + data)),
             Contains("refused: storage '7' has 2 numbers, its data 9223372036854775807"));
  CHECK_THAT(verdict(torch_legacy(good, {"7"}, count + floats({1}))),
             Contains("storage '7' has 8 bytes, the file only 4 more"));
  const std::int64_t gigabyte = 1 << 30;
  const std::string large = dict({{"a", tensor(storage("FloatStorage", "7", gigabyte), 0, {gigabyte}, {1})}});
  CHECK_THAT(verdict(torch_legacy(large, {"7"}, raw(gigabyte))),
             Contains("has 4294967296 bytes, the file only 0 more"));
  CHECK_THAT(verdict(torch_legacy(good, {"7"}, count + data + "x")), Contains("1 bytes follow its last storage"));
  CHECK_THAT(verdict(torch_legacy(good, {"7", "7"}, count + data + count + data)),
             Contains("storage '7' appears twice"));
  CHECK_THAT(verdict(torch_legacy(good, {"8"}, count + data)), Contains("storage '8' has no type"));
  CHECK_THAT(verdict(torch_legacy(good, {}, "")), Contains("it has no data for storage '7'"));
  CHECK_THAT(verdict(torch_legacy(proto + global("os", "system") + stop, {}, "")), Contains("imports os.system"));
  const std::string intact = read_file(fixtures + "legacy.pth");
  for (std::size_t length = 0; length < intact.size(); length += 5)
    CHECK(verdict(intact.substr(0, length)) != "accepted");
}

TEST_CASE("a file is recognised by its content", "[formats]") {
  const TemporaryFolder folder;
  const float one = 1;
  save_safetensors(folder / "weights.pth", {{"arch", "x"}},
                   {{"a", ElementType::F32, {1, 1}, &one}});  // not what its name says
  const WeightsFile file = open_weights(folder / "weights.pth");
  CHECK(file.format() == "safetensors");
  CHECK(file.metadata().at("arch") == "x");
  CHECK(file.read_f32("a") == std::vector<float>{1});

  CHECK_THAT(verdict(""), Contains("not a file of weights that weft knows"));
  CHECK_THAT(verdict("\x89PNG\r\n"), Contains("m.pth: is a picture, not a model"));
  std::string tar(512, '\0');
  CHECK_THAT(verdict(tar.replace(257, 5, "ustar")), Contains("a tar file, PyTorch's container of 2016"));
  CHECK_THAT(verdict(proto + "}."), Contains("a pickle, but not one that torch.save wrote"));
  CHECK_THROWS_WITH(open_weights(folder / "none"), Contains("cannot open"));
}

TEST_CASE("sharded safetensors are read through their index", "[formats]") {
  const TemporaryFolder folder;
  const float one = 1, two = 2;
  save_safetensors(folder / "m-1.safetensors", {}, {{"a", ElementType::F32, {}, &one}});
  save_safetensors(folder / "m-2.safetensors", {},
                   {{"b", ElementType::F32, {}, &two}, {"c", ElementType::F32, {}, &one}});
  const auto verdict_of_index = [&](const std::string& json) -> std::string {
    try {
      const WeightsFile file = open_weights(FileBytes::hold(folder / "m.index.json", json));
      CHECK(file.format() == "safetensors in 2 shards");
      CHECK(file.read_f32("a") == std::vector<float>{1});
      CHECK(file.read_f32("b") == std::vector<float>{2});
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  const auto index = [](const std::string& a, const std::string& rest) {
    return "{\"metadata\": {\"total_size\": 12}, \"weight_map\": {\"a\": \"" + a + "\", \"b\": \"m-2.safetensors\"" +
           rest + "}}";
  };
  const std::string c = ", \"c\": \"m-2.safetensors\"";
  CHECK(verdict_of_index(index("m-1.safetensors", c)) == "accepted");
  CHECK_THAT(verdict_of_index(index("m-2.safetensors", c)),
             Contains("says that 'a' is in m-2.safetensors, which does not hold it"));
  CHECK_THAT(verdict_of_index(index("m-1.safetensors", "")),
             Contains("lists 1 tensors of m-2.safetensors, which holds 2"));
  CHECK_THAT(verdict_of_index(index("m-3.safetensors", c)), Contains("m-3.safetensors: cannot open"));
  for (const char* name : {"../m-1.safetensors", "/etc/passwd", "x/y", "..", "", "a\\\\b", "a\\u0000b"}) {
    CHECK_THAT(verdict_of_index(index(name, c)), Contains("is not the name of a file beside it"));
  }
  CHECK_THAT(verdict_of_index("{\"a\": 1}"), Contains("it has no weight_map"));
  CHECK_THAT(verdict_of_index("{\"weight_map\": {\"a\": 1}}"), Contains("the shard of 'a' is not a string"));
  CHECK_THAT(verdict_of_index("{"), Contains("json"));
}
