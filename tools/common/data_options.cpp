#include "tools/common/data_options.h"

namespace weft::tools {

void add_data_options(CLI::App& app, DataOptions& options, const std::string& default_labels) {
  app.add_option("--data", options.data, "folder of the data set")->required()->type_name("DIR");
  app.add_option("--images", options.images, "its folder of photographs; default: JPEGImages")->type_name("SUB");
  app.add_option("--masks", options.masks,
                 "its folder of label masks; default: SegmentationClassAug or SegmentationClass")
      ->type_name("SUB");
  app.add_option("--mask-suffix", options.mask_rules.suffix,
                 "what a mask's name has behind the photograph's, such as _mask; default: nothing")
      ->type_name("TEXT");
  app.add_option("--mask-ext", options.mask_rules.extension,
                 "ending of the masks' names; default: png, or what picture there is")
      ->transform([](const std::string& text) { return text.substr(text.starts_with('.') ? 1 : 0); })
      ->type_name("EXT");
  app.add_option(
         "--mask-threshold", options.mask_rules.threshold,
         "masks are black and white, in any format: grey from this value on is clothing; default: ids or colours")
      ->check(CLI::Range(1, 255))
      ->type_name("GREY");
  app.add_option("--labels", options.labels,
                 "what the masks' ids or colours mean: " + LabelMap::built_in_names() +
                     " or a json file; default: " + default_labels)
      ->type_name("MAP");
}

}  // namespace weft::tools
