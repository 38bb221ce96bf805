#include "train/report/report.h"

#include <algorithm>
#include <array>

#include "core/check.h"
#include "train/report/charts.h"
#include "train/report/curves.h"
#include "train/report/html.h"
#include "train/report/pictures.h"

namespace weft {
namespace {

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

double share_of(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string image_html(const std::string& jpeg, const std::string& description) {
  if (jpeg.empty()) return "";
  return fmt::format("<img src=\"{}\" alt=\"{}\">", data_uri(jpeg), escape_html(description));
}

std::string tiles_html(const Facts& figures) {
  std::string html = "<div class=\"tiles\">\n";
  for (const auto& [value, what] : figures) {
    html += fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", escape_html(value), escape_html(what));
  }
  return html + "</div>\n";
}

std::string samples_html(const Report& report) {
  const Review& last = report.reviews.back();
  if (last.samples.empty()) return "";
  const bool is_training = last.epoch > 0;
  std::string html = is_training ? "<h2>The same photographs, epoch by epoch</h2>\n" : "<h2>Photographs</h2>\n";
  html +=
      "<p class=\"soft\">In colour: what was taken for clothing. Under each picture stands its IoU with the "
      "truth.</p>\n"
      "<div class=\"card scroll\"><table class=\"samples\"><thead><tr><th scope=\"col\">photograph</th>";
  for (const Review& review : report.reviews) {
    const bool is_best = is_training && review.epoch == report.best_epoch;
    html += fmt::format("<th scope=\"col\"{}>{}{}</th>", is_best ? " class=\"best\"" : "",
                        is_training ? fmt::format("epoch {}", review.epoch) : "model", is_best ? ", best" : "");
  }
  html += "<th scope=\"col\">truth</th></tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < last.samples.size(); ++i) {
    const SampleView& sample = last.samples[i];
    html += "<tr><td>" + image_html(sample.photograph, "photograph " + sample.stem) + "<span>" +
            escape_html(sample.stem) + "</span></td>";
    for (const Review& review : report.reviews) {
      if (i >= review.samples.size()) {
        html += "<td></td>";
        continue;
      }
      const SampleView& view = review.samples[i];
      html += fmt::format("<td>{}<span>{:.3f}</span></td>",
                          image_html(view.prediction, "clothing found in " + view.stem), view.iou);
    }
    html += "<td>" + image_html(sample.truth, "true clothing of " + sample.stem) + "</td></tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::array<std::int64_t, DetailMetrics::bins> histogram_of(const std::vector<ScoredPicture>& pictures) {
  std::array<std::int64_t, DetailMetrics::bins> counts{};
  for (const ScoredPicture& p : pictures) {
    const auto bin = static_cast<std::size_t>(std::max(0.0, p.iou) * DetailMetrics::bins);
    ++counts[std::min(bin, DetailMetrics::bins - 1)];
  }
  return counts;
}

std::string histogram_html(const Review& review) {
  std::vector<double> values;
  for (const ScoredPicture& p : review.pictures) values.push_back(p.iou);
  if (values.empty()) return "";
  std::sort(values.begin(), values.end());
  const auto quantile = [&](double q) {
    return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
  };
  const auto counts = histogram_of(review.pictures);
  return fmt::format(
      "<h2>How the pictures are spread</h2>\n<p class=\"soft\">{} pictures. Half of them score {:.3f} or more, nine "
      "in ten {:.3f} or more; the best {:.3f}, the worst {:.3f}.</p>\n<figure class=\"card "
      "narrow\"><h3>IoU by picture</h3>{}</figure>\n",
      values.size(), quantile(0.5), quantile(0.1), values.back(), values.front(),
      histogram_chart(counts, "IoU of a picture"));
}

/// The colours of mistakes.
std::string mistakes_key() {
  const auto key = [](const char* colour, const char* text) {
    return fmt::format("<li><i style=\"background:{}\"></i>{}</li>", colour, text);
  };
  return "<ul class=\"key\">" + key(MistakeColours::found, "clothing that was found") +
         key(MistakeColours::missed, "clothing that was missed") +
         key(MistakeColours::wrong, "taken for clothing, but is none") + "</ul>\n";
}

std::string worst_html(const Review& review) {
  if (review.worst.empty()) return "";
  std::string html =
      fmt::format("<h2>The {} worst</h2>\n", review.worst.size()) + mistakes_key() + "<div class=\"worst\">\n";
  for (const WorstPicture& w : review.worst) {
    html += fmt::format("<figure class=\"card\">{}<figcaption><span>{}</span><b>IoU {:.3f}</b></figcaption></figure>\n",
                        image_html(w.mistakes, "photograph and mistakes of " + w.score.stem), escape_html(w.score.stem),
                        w.score.iou);
  }
  return html + "</div>\n";
}

/// A table of bars: the rate of each label, and its share in all mistakes of the kind.
std::string label_bars(const std::vector<LabelScore>& labels, bool clothing) {
  const auto mistakes = [&](const LabelScore& l) {
    return clothing ? l.counts.pixels - l.counts.predicted : l.counts.predicted;
  };
  std::vector<LabelScore> rows;
  std::int64_t all = 0;
  for (const LabelScore& l : labels) {
    if (l.is_clothing != clothing) continue;
    rows.push_back(l);
    all += mistakes(l);
  }
  if (rows.empty()) return "";
  std::stable_sort(rows.begin(), rows.end(), [&](const LabelScore& a, const LabelScore& b) {
    return share_of(mistakes(a), a.counts.pixels) > share_of(mistakes(b), b.counts.pixels);
  });
  std::string html = fmt::format(
      "<div class=\"card\"><h3>{}</h3><table class=\"bars\"><thead><tr><th>label</th><th></th>"
      "<th class=\"n\">{}</th><th class=\"n\">of all<br>{}</th></tr></thead><tbody>\n",
      clothing ? "Clothing: how much of it is found" : "Not clothing: how much is taken for it",
      clothing ? "found" : "mistaken", clothing ? "missed" : "mistaken");
  for (const LabelScore& l : rows) {
    const double rate = share_of(l.counts.predicted, l.counts.pixels);
    html += fmt::format(
        "<tr><td>{}</td><td><span class=\"track{}\"><i style=\"width:{:.1f}%\"></i></span></td>"
        "<td class=\"n\">{}</td><td class=\"n soft\">{}</td></tr>\n",
        escape_html(l.name), clothing ? "" : " wrong", 100 * rate, percent(rate), percent(share_of(mistakes(l), all)));
  }
  return html + "</tbody></table></div>\n";
}

std::string labels_html(const Review& review) {
  if (review.labels.empty()) return "";
  return "<h2>What is missed, and what is mistaken</h2>\n<p class=\"soft\">By pixels of the source's own labels, the "
         "weakest "
         "first. The last column says how much of all missed, or of all mistaken, pixels the label accounts for.</p>\n"
         "<div class=\"two\">\n" +
         label_bars(review.labels, true) + label_bars(review.labels, false) + "</div>\n";
}

std::string stress_html(const Report& report) {
  if (report.stresses.empty() || report.stresses.front().mean_iou.empty()) return "";
  LineChart chart{"Kept under stress", "strength", "share of the clean mIoU", {}, {}};
  std::string rows, head;
  for (std::size_t i = 0; i < report.stresses.front().mean_iou.size(); ++i)
    head += fmt::format("<th scope=\"col\">{}</th>", i + 1);
  for (const StressScore& stress : report.stresses) {
    Series line{stress.name, {}};
    rows += "<tr><td>" + escape_html(stress.name) + "</td>";
    for (std::size_t i = 0; i < stress.mean_iou.size(); ++i) {
      const double kept = report.clean_mean_iou > 0 ? stress.mean_iou[i] / report.clean_mean_iou : 0;
      line.points.push_back({static_cast<double>(i + 1), kept});
      rows += fmt::format("<td>{:.3f}<br><span class=\"soft\">{:.0f} %</span></td>", stress.mean_iou[i], 100 * kept);
    }
    rows += "</tr>\n";
    chart.series.push_back(line);
  }
  return "<h2>Under stress</h2>\n<p class=\"soft\">The same photographs made darker, hazier, covered, blurred, "
         "noisier, or "
         "compressed: mIoU, and the share of the clean mIoU that is kept.</p>\n<div class=\"two\">\n"
         "<figure class=\"card\">" +
         line_chart(chart) +
         "</figure>\n<div class=\"card scroll\"><table class=\"figures\"><thead>"
         "<tr><th scope=\"col\">stress, strength</th>" +
         head + "</tr></thead><tbody>\n" + rows + "</tbody></table></div>\n</div>\n";
}

std::string comparison_html(const Comparison& comparison) {
  if (comparison.models.empty()) return "";
  std::string html =
      "<h2>Side by side</h2>\n<p class=\"soft\">The last columns say how much better the mean IoU of the pictures is "
      "than "
      "the first model's, and between which differences 95 of 100 draws of as many of these pictures lie (paired "
      "bootstrap). "
      "Where they enclose 0 the pictures do not decide.</p>\n<div class=\"card scroll\"><table "
      "class=\"figures\"><thead>"
      "<tr><th scope=\"col\">model</th><th scope=\"col\">mIoU</th><th scope=\"col\">IoU</th><th scope=\"col\">Dice</th>"
      "<th scope=\"col\">loss</th><th scope=\"col\">boundary F</th><th scope=\"col\">threshold</th>"
      "<th scope=\"col\">better by</th><th scope=\"col\">draws</th></tr></thead><tbody>\n";
  for (const ComparedModel& m : comparison.models) {
    html += fmt::format(
        "<tr><td>{}</td><td>{:.4f}</td><td>{:.4f}</td><td>{:.4f}</td><td>{:.4f}</td><td>{:.4f}</td><td>{}</td>",
        escape_html(m.name), m.mean_iou, m.iou, m.dice, m.loss, m.boundary_f, m.threshold);
    const auto& d = m.against_first;
    html += d ? fmt::format("<td>{:+.4f}</td><td>{:+.4f} to {:+.4f}</td></tr>\n", d->mean, d->low, d->high)
              : "<td></td><td></td></tr>\n";
  }
  html += "</tbody></table></div>\n";
  if (comparison.pictures.empty()) return html;
  html += "<h2>Where they differ most</h2>\n" + mistakes_key();
  for (const DifferingPicture& picture : comparison.pictures) {
    html += "<h3>" + escape_html(picture.stem) + "</h3>\n<div class=\"worst\">\n";
    for (std::size_t k = 0; k < picture.mistakes.size(); ++k) {
      const std::string& name = comparison.models.at(k).name;
      html +=
          fmt::format("<figure class=\"card\">{}<figcaption><span>{}</span><b>IoU {:.3f}</b></figcaption></figure>\n",
                      image_html(picture.mistakes[k], "mistakes of " + name + " on " + picture.stem), escape_html(name),
                      picture.iou.at(k));
    }
    html += "</div>\n";
  }
  return html;
}

std::string settings_html(const Report& report) {
  std::string html;
  if (!report.command.empty()) html += "<h2>Do it again</h2>\n<pre>" + escape_html(report.command) + "</pre>\n";
  if (!report.machine.empty()) html += "<p class=\"soft\">" + escape_html(report.machine) + "</p>\n";
  if (report.settings.empty()) return html;
  html += "<h2>Settings</h2>\n<div class=\"card\"><dl>\n";
  for (const auto& [name, value] : report.settings)
    html += "<div><dt>" + escape_html(name) + "</dt><dd>" + escape_html(value) + "</dd></div>\n";
  return html + "</dl></div>\n";
}

}  // namespace

std::string report_page(const Report& report) {
  std::string body = "<h1>" + escape_html(report.title) + "</h1>\n<p class=\"soft\">" + escape_html(report.subtitle) +
                     "</p>\n" + tiles_html(report.figures) + curves_html(report.history);
  if (!report.reviews.empty()) {
    const Review& last = report.reviews.back();
    body += samples_html(report) + histogram_html(last) + worst_html(last) + labels_html(last);
  }
  return html_page(report.title,
                   body + comparison_html(report.comparison) + stress_html(report) + settings_html(report));
}

}  // namespace weft
