#include "train/report/html.h"

#include "train/report/style.h"

namespace weft {

std::string escape_html(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += c;
    }
  }
  return result;
}

std::string html_page(std::string_view title, std::string_view body) {
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n<title>";
  page += escape_html(title);
  page += "</title>\n<style>";
  page += page_style;
  page += "</style>\n</head>\n<body>\n<main>\n";
  page += body;
  return page += "</main>\n</body>\n</html>\n";
}

}  // namespace weft
