#include <nlohmann/json.hpp>

#include "core/formats/json.h"
#include "core/formats/printable.h"
#include "tests/catch.h"

using namespace weft;

TEST_CASE("whole numbers are those that fit 64 bits with a sign", "[formats]") {
  CHECK(whole_number(parse_json("9223372036854775807", "f")) == INT64_MAX);
  CHECK(whole_number(parse_json("-9223372036854775808", "f")) == INT64_MIN);
  for (const char* other : {"9223372036854775808", "18446744073709551615", "1.0", "2e56", "\"1\"", "true"}) {
    CHECK_THROWS_AS(whole_number(parse_json(other, "f")), nlohmann::json::type_error);
  }
}

TEST_CASE("json is parsed strictly", "[formats]") {
  CHECK(parse_json(R"({"a": [1, {"b": 2}], "c": {"b": 3}})", "f")["a"][1]["b"] ==
        2);  // equal keys in different objects

  CHECK_THROWS_WITH(parse_json("{\"a\": 1,\n\"b\": }", "dir/f.json"),
                    Contains("dir/f.json: json: line 2, column 6: syntax error"));
  CHECK_THROWS_WITH(parse_json("", "f"), Contains("f: json: line 1, column 1"));
  CHECK_THROWS_WITH(parse_json("{} {}", "f"), Contains("f: json: line 1, column 4"));
  CHECK_THROWS_WITH(parse_json("[1e999]", "f"), Contains("f: json: number overflow"));
  CHECK_THROWS_WITH(parse_json("[\"\xC3\x28\"]", "f"), Contains("ill-formed UTF-8"));
  CHECK_THROWS_WITH(parse_json(R"({"a": 1, "b": {}, "a": 2})", "f"),
                    Contains("f: json key 'a' appears twice in one object"));
  CHECK_THROWS_WITH(parse_json(R"({"x": [{"a": 1, "\u0061": 2}]})", "f"), Contains("'a' appears twice"));

  CHECK_NOTHROW(parse_json("[[[]]]", "f", 3));
  CHECK_THROWS_WITH(parse_json("[[[[]]]]", "f", 3), Contains("f: json is nested more than 3 deep"));
  CHECK_THROWS_WITH(parse_json("{\"a\":{\"a\":{\"a\":{}}}}", "f", 3), Contains("nested more than 3 deep"));
  CHECK_THROWS_WITH(parse_json(std::string(1 << 20, '['), "f"), Contains("nested more than 8 deep"));
}

TEST_CASE("text from files is printable in messages", "[formats]") {
  CHECK(printable("encoder.conv1 \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x91\x95") ==
        "encoder.conv1 \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x91\x95");
  CHECK(printable("a\nb\x1b[31m\x7f") == "a\\x0ab\\x1b[31m\\x7f");
  CHECK(printable(std::string("\0", 1)) == "\\x00");
  CHECK(printable("\xC2\x9B") == "\\xc2\\x9b");  // a terminal's control sequence, as one character
  CHECK(printable(std::string(200, 'x'), 10) == "xxxxxxxxxx...");

  for (const char* bad : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                          "\xF5\x80\x80\x80", "\xE2\x82"}) {
    CHECK_FALSE(is_utf8(bad));
    CHECK(printable(bad).substr(0, 2) == "\\x");
  }
  for (const char* good :
       {"", "a", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CHECK(is_utf8(good));
  }
}

TEST_CASE("a message is one line of at most 1,000 bytes, with its begin and its end", "[formats]") {
  CHECK(message_line("a.jpg: what\nis\x1b[2J wrong") == "a.jpg: what\\x0ais\\x1b[2J wrong");
  for (const char* filler : {"x", "\xC3\xA4", "\xF0\x9F\x91\x95", "\n"}) {
    std::string text = "a.jpg: ";
    while (text.size() < 4000) text += filler;
    for (const char* tail : {": cannot open", ": cannot open it", ": cannot open it."}) {
      const std::string line = message_line(text + tail);
      CHECK(line.size() <= 993);  // "error: " comes before it
      CHECK(is_utf8(line));
      CHECK_THAT(line, Contains("a.jpg: ") && Contains(" ... ") && Contains(tail));
    }
  }
  CHECK(message_line(std::string(980, 'a')) == std::string(980, 'a'));
}

TEST_CASE("a zero byte does not end json", "[formats]") {
  CHECK_THROWS_WITH(parse_json(std::string("{}\0\0", 4), "m.json"), Contains("m.json: json: byte 2 is a zero"));
}
