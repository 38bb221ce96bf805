#include "core/check.h"
#include "core/formats/pickle.h"
#include "tests/catch.h"
#include "tests/core/formats/pickle_bytes.h"

using namespace weft;
using namespace weft::test;
using namespace weft::test::pickle;

namespace {

const std::string file = "m.pth", part = "data.pkl";

Pickle load(const std::string& bytes) {
  return Pickle(std::as_bytes(std::span(bytes.data(), bytes.size())), file, part);
}

std::string verdict(const std::string& body) {
  try {
    load(proto + body + stop);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("the values of a state dict are unpickled", "[formats]") {
  // pickle.dumps([None, True, False, -2, 7, 300, 2**40, -1, 2**70, 0.5, "x", (), (1,), {"k": []}], 2), shortened
  const std::string bytes =
      proto + "](N\x88\x89" + "J\xfe\xff\xff\xff" + "K\x07" + "M\x2c\x01" + std::string("\x8a\x06\0\0\0\0\0\x01", 8) +
      "\x8a\x01\xff" + std::string("\x8a\x09\0\0\0\0\0\0\0\0\x40", 11) + std::string("G\x3f\xe0\0\0\0\0\0\0", 9) +
      text("x") + "U\x01y" + ")" + "K\x01\x85" + "}" + text("k") + "]s" + std::string("\x8a\0", 2) + "e.trailing";
  const Pickle pickled = load(bytes);
  CHECK(pickled.length() == bytes.size() - 8);
  const auto* list = pickled.root().as<PickleList>();
  REQUIRE(list);
  std::vector<std::string_view> kinds;
  for (const PickleValue* item : list->items) kinds.push_back(item->kind());
  CHECK(kinds == std::vector<std::string_view>{"None", "a bool", "a bool", "an integer", "an integer", "an integer",
                                               "an integer", "an integer", "a large integer", "a number", "a string",
                                               "a string", "a tuple", "a tuple", "a dict", "an integer"});
  const auto integer_at = [&](std::size_t i) { return *list->items[i]->as<std::int64_t>(); };
  CHECK(*list->items[1]->as<bool>());
  CHECK(integer_at(3) == -2);
  CHECK(integer_at(4) == 7);
  CHECK(integer_at(5) == 300);
  CHECK(integer_at(6) == std::int64_t{1} << 40);
  CHECK(integer_at(7) == -1);
  CHECK(*list->items[9]->as<double>() == 0.5);
  CHECK(*list->items[10]->as<std::string_view>() == "x");
  CHECK(list->items[13]->as<PickleTuple>()->items.size() == 1);
  CHECK(*list->items[14]->as<PickleDict>()->items.at(0).first->as<std::string_view>() == "k");
  CHECK(integer_at(15) == 0);
}

TEST_CASE("a tensor is a view of a storage", "[formats]") {
  const std::string bytes = proto + tensor(storage("HalfStorage", "k", 12), 1, {2, 3}, {6, 2}) + stop;
  const Pickle pickled = load(bytes);
  const auto* value = pickled.root().as<PickleTensor>();
  REQUIRE(value);
  CHECK(value->storage.type == ElementType::F16);
  CHECK(value->storage.key == "k");
  CHECK(value->offset == 1);
  CHECK(value->shape == std::vector<std::int64_t>{2, 3});
  CHECK(value->strides == std::vector<std::int64_t>{6, 2});
  CHECK(pickled.storages().at("k").count == 12);

  // A legacy view of a storage: its offset is added to the tensor's.
  const std::string view = mark + text("view") + integer(4) + integer(3) + tuple;
  const std::string with_view = proto + tensor(storage("FloatStorage", "k", 8, view), 1, {2}, {1}) + stop;
  CHECK(load(with_view).root().as<PickleTensor>()->offset == 5);
  CHECK_THAT(verdict(tensor(storage("FloatStorage", "k", 8, view), 2, {2}, {1})), Contains("leaves storage 'k'"));
  CHECK_THAT(verdict(storage("FloatStorage", "k", 6, view)),
             Contains("a view of 3 numbers from 4 leaves storage 'k' of 6"));
}

TEST_CASE("old ways of pickling a state dict are understood", "[formats]") {
  // Python 2: OrderedDict([[key, value], ...]).
  const std::string python2 = proto + global("collections", "OrderedDict") + mark + empty_list + empty_list + mark +
                              text("k") + "K\x01" + appends + append + tuple + reduce + stop;
  CHECK(load(python2).root().as<PickleDict>()->items.size() == 1);
  // Before 0.4: Parameter() made by NEWOBJ, then its state.
  const std::string one = tensor(storage("FloatStorage", "0", 1), 0, {1}, {1});
  const std::string parameter = global("torch.nn.parameter", "Parameter");
  const std::string newobj_parameter =
      proto + parameter + empty_tuple + newobj + mark + one + "\x88\x89NN" + tuple + build + stop;
  CHECK(load(newobj_parameter).root().as<PickleTensor>());
  const std::string reduced_parameter = proto + parameter + mark + one + "\x88" + tuple + reduce + stop;
  CHECK(load(reduced_parameter).root().as<PickleTensor>());
  // A state dict's _metadata are attributes of the OrderedDict.
  CHECK(verdict(global("collections", "OrderedDict") + ")R}" + text("_metadata") + "}sb") == "accepted");
}

TEST_CASE("hostile pickles are refused by name", "[formats]") {
  CHECK_THAT(verdict(global("os", "system") + text("echo hacked") + "\x85R"),
             Contains("m.pth: refused: data.pkl imports os.system;"));
  CHECK_THAT(verdict(global("posix", "system")), Contains("imports posix.system"));
  CHECK_THAT(verdict(global("builtins", "eval")), Contains("imports builtins.eval"));
  CHECK_THAT(verdict(global("torch._utils", "_rebuild_tensor_v2.__globals__")),
             Contains("imports torch._utils._rebuild_tensor_v2.__globals__"));
  CHECK_THAT(verdict(global("torch", "load")), Contains("imports torch.load"));
  CHECK_THAT(verdict(global("collections", "OrderedDict ")), Contains("imports collections.OrderedDict "));
  CHECK_THAT(verdict(global("os\x1b[2J", "system")), Contains("imports os\\x1b[2J.system"));
  CHECK_THAT(verdict("c" + std::string(1000, 'a')), Contains("the name of an import does not end"));
  CHECK_THAT(verdict("ios\nsystem\n"), Contains("uses opcode 0x69 (INST) at byte 2 and imports os.system"));
  CHECK_THAT(verdict("\x8c\x02os\x8c\x06system\x93"), Contains("uses opcode 0x8c at byte 2 and imports os.system"));
  CHECK_THAT(verdict(text("os") + text("system") + "\x93"),
             Contains("uses opcode 0x93 (STACK_GLOBAL)") && Contains(" and imports os.system"));
  CHECK_THAT(verdict(text("o\ns") + text("system") + "\x93"), Contains(" and imports o\\x0as.system"));
  CHECK_THAT(verdict("\x82\x01"), Contains("(EXT1)"));
  CHECK_THAT(verdict("Pos.system\n"), Contains("(PERSID)"));
  CHECK_THAT(verdict("\x80\x04"), Contains("a pickle of protocol 4; weft reads 2"));
  // As Python's pickle.dumps(..., 4) writes it: a frame, memoised texts, a list before the call.
  CHECK_THAT(verdict(std::string("\x80\x04\x95\x20\0\0\0\0\0\0\0]\x94\x8c\x05posix\x94\x8c\x06system\x94\x93", 34)),
             Contains("a pickle of protocol 4 and imports posix.system; weft reads 2"));
  CHECK_THAT(verdict(std::string("\x80\x04\x8c\x06system\x94\x8c\x02os\x94h\0\x93", 20)),
             Contains("imports os.system"));
  CHECK_THAT(verdict("\x80\x04\x8c\xF0os"), Contains("a pickle of protocol 4; weft reads 2"));
  CHECK_THAT(verdict(text("x") + ")R"), Contains("refused: data.pkl calls a string"));
  CHECK_THAT(verdict(global("torch", "FloatStorage") + ")R"), Contains("calls a storage type"));
  CHECK_THAT(verdict(global("collections", "OrderedDict") + "NR"), Contains("the arguments of a call are None"));
  CHECK_THAT(verdict("](K\x01K\x02u"), Contains("refused: data.pkl sets items of a list"));
  CHECK_THAT(verdict(global("torch", "FloatStorage") + "K\x01K\x02s"), Contains("sets items of an import"));
  CHECK_THAT(verdict("}K\x01"
                     "a"),
             Contains("refused: data.pkl appends to a dict"));
  CHECK_THAT(verdict("]}b"), Contains("refused: data.pkl builds a list from a dict"));
  CHECK_THAT(verdict("}Nb"), Contains("builds a dict from None"));
  CHECK_THAT(verdict("}(K\x01u"), Contains("a key without a value"));
  CHECK_THAT(verdict(text("x") + "Q"), Contains("a persistent id is a string"));
  CHECK_THAT(verdict(text("module") + "\x85Q"), Contains("a persistent id of kind 'module'"));
}

TEST_CASE("damaged pickles are refused", "[formats]") {
  CHECK_THAT(verdict(""), Contains("m.pth: data.pkl: the stack is empty at byte 3"));
  CHECK_THAT(verdict("NN"), Contains("it stops with 1 values left"));
  CHECK_THAT(verdict("(N"), Contains("it stops with"));
  CHECK_THAT(verdict("t"), Contains("a mark is missing"));
  CHECK_THAT(verdict("N(\x85t"), Contains("the stack is empty"));  // a mark is a floor
  CHECK_THAT(verdict("h\x01"), Contains("memo 1 is read before it is written"));
  CHECK_THAT(verdict("q\x01"), Contains("the stack is empty"));
  CHECK_THAT(verdict("X\xff\xff\xff\xff"), Contains("it is cut short: 4294967295 bytes are wanted"));
  CHECK_THROWS_WITH(load(proto + "N"), Contains("it is cut short"));
  CHECK_THROWS_WITH(load(""), Contains("it is cut short"));
}

TEST_CASE("the stride of an axis of one number does not matter", "[formats]") {
  // Added to an index on the way to the next row, it would leave int64.
  const std::string bytes = proto + tensor(storage("FloatStorage", "0", 6), 1, {1, 2}, {INT64_MAX, 2}) + stop;
  const Pickle pickled = load(bytes);
  const auto* value = pickled.root().as<PickleTensor>();
  REQUIRE(value);
  CHECK(value->strides == std::vector<std::int64_t>{0, 2});
}

TEST_CASE("tensors that leave their storage are refused", "[formats]") {
  const auto view = [](std::int64_t offset, const std::vector<std::int64_t>& size,
                       const std::vector<std::int64_t>& stride) {
    return verdict(tensor(storage("FloatStorage", "0", 6), offset, size, stride));
  };
  const std::int64_t huge = INT64_MAX;
  CHECK(view(0, {2, 3}, {3, 1}) == "accepted");
  CHECK(view(5, {}, {}) == "accepted");
  CHECK(view(100, {0}, {1}) == "accepted");
  CHECK_THAT(view(6, {}, {}), Contains("leaves storage '0' of 6 numbers"));
  CHECK_THAT(view(1, {2, 3}, {3, 1}),
             Contains("a tensor of shape [2, 3], stride [3, 1] and offset 1 leaves storage '0'"));
  CHECK_THAT(view(-1, {1}, {1}), Contains("a tensor has offset -1"));
  CHECK_THAT(view(5, {3}, {-1}), Contains("a tensor's stride holds -1; negative ones are refused"));
  CHECK_THAT(view(0, {-1}, {1}), Contains("a tensor's size holds -1"));
  CHECK_THAT(view(0, {2}, {3, 1}), Contains("a tensor has size [2] and stride [3, 1]"));
  CHECK_THAT(view(0, {3}, {huge}), Contains("leaves storage"));
  CHECK_THAT(view(huge, {2}, {1}), Contains("leaves storage"));
  CHECK_THAT(view(0, {huge, huge}, {1, 1}), Contains("refused: a tensor of shape"));
  CHECK(view(0, {1, 6}, {0, 1}) == "accepted");  // stride 0 where nothing is repeated
  CHECK_THAT(view(0, {1000000000}, {0}),
             Contains("in storage '0', which has 6 numbers"));  // an expanded tensor: a memory bomb
  CHECK_THAT(verdict(tensor(storage("FloatStorage", "0", 6), 0, std::vector<std::int64_t>(17, 1),
                            std::vector<std::int64_t>(17, 1))),
             Contains("has 17 numbers, the limit is 16"));
  CHECK_THAT(verdict(storage("FloatStorage", "0", -6)), Contains("storage '0' has -6 numbers"));
  CHECK_THAT(verdict(mark + storage("FloatStorage", "0", 6) + storage("HalfStorage", "0", 6) + tuple),
             Contains("describes storage '0' in two ways"));
  CHECK_THAT(verdict(global("torch._utils", "_rebuild_tensor_v2") + ")R"), Contains("a tensor's storage is missing"));
  CHECK_THAT(verdict(global("torch._utils", "_rebuild_tensor_v2") + "K\x01\x85R"),
             Contains("a tensor's storage is an integer"));
}

TEST_CASE("memo bombs cost no more than their bytes", "[formats]") {
  // Each list holds the one before ten times: 10^40 leaves if anyone walked it.
  std::string bomb = "]q" + std::string(1, '\0');
  for (char i = 1; i < 40; ++i) {
    bomb += "](";
    for (int k = 0; k < 10; ++k) bomb += std::string("h") + static_cast<char>(i - 1);
    bomb += std::string("eq") + i;
  }
  for (int i = 1; i < 40; ++i) bomb += "\x86";  // all to one tuple
  CHECK(verdict(bomb) == "accepted");
  CHECK(verdict("]q\x01h\x01"
                "a") == "accepted");  // a list that holds itself

  CHECK_THAT(verdict(std::string(1'000'001, '}')), Contains("refused: data.pkl makes more than 1000000 values"));
  std::string gets = "]q\x01";
  for (int i = 0; i < 1'000'001; ++i) gets += "h\x01";
  CHECK_THAT(verdict(gets), Contains("makes more than 1000000 values"));

  // OrderedDict(list) of a long list, again and again.
  std::string copies = "](";
  for (int i = 0; i < 10'000; ++i) copies += "NN\x86";
  copies += "e\x85q\x01" + global("collections", "OrderedDict") + "q\x02";
  for (int i = 0; i < 1'000; ++i) copies += "h\x02h\x01R";
  CHECK_THAT(verdict(copies), Contains("makes more than 1000000 values"));
}
