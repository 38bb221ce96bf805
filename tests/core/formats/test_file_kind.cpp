#include "core/formats/file_kind.h"

#include "tests/catch.h"
#include "tests/core/formats/bytes.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("files that people take for models are told apart", "[formats]") {
  const std::string rest(64, 'x');
  CHECK_THAT(what_it_is("\x08\x07\x12\x04weft" + rest, "m.onnx"), Contains("is an ONNX model, which weft writes"));
  CHECK_THAT(what_it_is("\x08\x09:" + rest, "m.onnx"), Contains("is an ONNX model"));
  CHECK_THAT(what_it_is("PK\x03\x04" + rest, "a/m.pth"),
             Contains("is a PyTorch file; convert it with convert_weights a/m.pth MODEL.safetensors"));
  CHECK_THAT(what_it_is("{\"weight_map\": {}}", "m.json"), Contains("is the index of a file in shards"));
  CHECK_THAT(what_it_is("\x89HDF\r\n" + rest, "m.h5"), Contains("Keras"));
  CHECK_THAT(what_it_is(std::string("\x1c\0\0\0TFL3", 8) + rest, "m.tflite"), Contains("TensorFlow Lite"));
  CHECK_THAT(what_it_is("\xFF\xD8\xFF\xE0" + rest, "m.jpg"), Contains("is a picture"));
  CHECK(what_it_is("", "m").empty());
  CHECK(what_it_is("p0\np1\n", "m").empty());
  // A safetensors file whose header's length begins like an ONNX file.
  CHECK(what_it_is(raw(std::uint64_t{0x120708}) + "{" + rest, "m").empty());
}
