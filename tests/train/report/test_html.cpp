#include "train/report/html.h"

#include "tests/catch.h"

using namespace weft;

TEST_CASE("text can't become markup", "[report]") {
  CHECK(escape_html("<script>alert('1' & \"2\")</script>") ==
        "&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)&lt;/script&gt;");
  CHECK(escape_html("Kleid, weiß") == "Kleid, weiß");
  const std::string page = html_page("</title><script>", "<p>body</p>");
  CHECK_THAT(page, !Contains("<script") && Contains("<p>body</p>") && Contains("prefers-color-scheme: dark"));
}
