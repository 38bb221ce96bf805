#include "tools/common/data_options.h"

namespace weft::tools {

void add_data_options(CLI::App& app, DataOptions& options, const std::string& default_labels) {
  app.add_option("--data", options.data, "folder of the data set")->required()->type_name("DIR");
  app.add_option("--images", options.images, "its folder of photographs; default: JPEGImages")->type_name("SUB");
  app.add_option("--masks", options.masks,
                 "its folder of label masks; default: SegmentationClassAug or SegmentationClass")
      ->type_name("SUB");
  app.add_option("--labels", options.labels,
                 "what the masks' ids mean: atr, ccp, binary or a json file; default: " + default_labels)
      ->type_name("MAP");
}

}  // namespace weft::tools
