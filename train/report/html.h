#pragma once
// The frame of a page: one file that needs nothing beside it, light or dark as the reader's system asks.

#include <string>
#include <string_view>

namespace weft {

/// Text as HTML shows it: & < > " ' become entities, so that no file name or setting can write markup.
std::string escape_html(std::string_view text);

/// A whole document. `title` is plain text, `body` is HTML.
std::string html_page(std::string_view title, std::string_view body);

}  // namespace weft
