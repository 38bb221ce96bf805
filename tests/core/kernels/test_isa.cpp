#include "core/kernels/isa.h"

#include "tests/catch.h"

using namespace weft;
using namespace weft::kernels;

TEST_CASE("an instruction set can be chosen by name", "[isa]") {
  const std::string before = isa_name();
  REQUIRE(available_isas().front() == "portable");
  select_isa("portable");
  CHECK(std::string(isa_name()) == "portable");
  CHECK_THROWS_WITH(select_isa("sse9"),
                    Contains("WEFT_ISA=sse9 is not an instruction set of this processor; there are: portable"));
  CHECK(std::string(isa_name()) == "portable");
  select_isa(before);
}
