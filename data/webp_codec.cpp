#include "data/webp_codec.h"

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <algorithm>
#include <memory>
#include <new>

#include "core/check.h"
#include "data/exif.h"
#include "data/software_note.h"

namespace weft {

namespace {

struct FreeDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
struct FreeMux {
  void operator()(WebPMux* mux) const { WebPMuxDelete(mux); }
};

Bytes as_bytes(const WebPData& data) { return {data.bytes, data.size}; }

/// The content of a chunk; empty where there is none.
std::string chunk(const WebPDemuxer* demuxer, const char* name) {
  std::string content;
  WebPChunkIterator found;
  if (WebPDemuxGetChunk(demuxer, name, 1, &found) != 0)
    content.assign(reinterpret_cast<const char*>(found.chunk.bytes), found.chunk.size);
  WebPDemuxReleaseChunkIterator(&found);
  return content;
}

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

}  // namespace

DecodedPicture decode_webp(Bytes file, std::string_view name, const DecodeOptions& options) {
  const WebPData data{file.data(), file.size()};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  const std::unique_ptr<WebPDemuxer, FreeDemuxer> demuxer(WebPDemuxPartial(&data, &state));
  WEFT_CHECK(demuxer && state != WEBP_DEMUX_PARSE_ERROR, "{}: corrupt WebP: its chunks don't fit together", name);
  WEFT_CHECK(state != WEBP_DEMUX_PARSING_HEADER, "{}: truncated WebP: it ends in its header", name);
  DecodedPicture picture;
  const std::int64_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const std::int64_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  check_size(width, height, file.size(), options.max_pixels, name);
  picture.width = static_cast<int>(width);
  picture.height = static_cast<int>(height);

  WebPIterator frame = {};
  const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> release(&frame, WebPDemuxReleaseIterator);
  WEFT_CHECK(WebPDemuxGetFrame(demuxer.get(), 1, &frame) != 0, "{}: truncated WebP: it has no whole picture", name);
  WebPDecoderConfig config;
  WEFT_CHECK(WebPInitDecoderConfig(&config) != 0, "{}: libwebp is of another version than weft was built for", name);
  const Bytes coded = as_bytes(frame.fragment);
  WEFT_CHECK(WebPGetFeatures(coded.data(), coded.size(), &config.input) == VP8_STATUS_OK &&
                 config.input.width == frame.width && config.input.height == frame.height,
             "{}: corrupt WebP: the sizes in it differ", name);
  const bool is_part = frame.width != picture.width || frame.height != picture.height;  // of the canvas of an animation
  const int channels = config.input.has_alpha != 0 || is_part ? 4 : 3;
  picture.samples = channels == 4 ? Samples::rgba : Samples::rgb;
  picture.image = Image(picture.width, picture.height, channels);
  WEFT_CHECK(frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width <= picture.width - frame.x_offset &&
                 frame.height <= picture.height - frame.y_offset,
             "{}: corrupt WebP: its first frame leaves the picture", name);
  std::uint8_t* first = picture.image.at(frame.y_offset, frame.x_offset);
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = first;
  config.output.u.RGBA.stride = picture.width * channels;
  config.output.u.RGBA.size =
      static_cast<std::size_t>(picture.image.pixels.data() + picture.image.pixels.size() - first);
  const VP8StatusCode status = WebPDecode(coded.data(), coded.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
  WEFT_CHECK(status != VP8_STATUS_NOT_ENOUGH_DATA && status != VP8_STATUS_SUSPENDED,
             "{}: truncated WebP: its data end too early", name);
  WEFT_CHECK(status == VP8_STATUS_OK, "{}: corrupt WebP: libwebp's status is {}", name, static_cast<int>(status));

  picture.profile = chunk(demuxer.get(), "ICCP");
  const std::string exif_chunk = chunk(demuxer.get(), "EXIF");
  const Exif exif = read_exif(bytes_of(exif_chunk));
  picture.orientation = exif.orientation;
  picture.density = exif.density;
  return picture;
}

std::string encode_webp(const Image& image, int quality, const PictureExtras& extras) {
  WEFT_CHECK(image.channels == 1 || image.channels == 3 || image.channels == 4,
             "[encode_webp] expected 1, 3 or 4 channels, got {}", image.channels);
  WEFT_CHECK(quality >= 0 && quality <= webp_lossless, "[encode_webp] expected a quality of 0 to 100, got {}", quality);
  WEFT_CHECK(
      image.width > 0 && image.height > 0 && image.width <= WEBP_MAX_DIMENSION && image.height <= WEBP_MAX_DIMENSION,
      "[encode_webp] WebP holds pictures of 1 to {} pixels a side, got {} x {}", WEBP_MAX_DIMENSION, image.width,
      image.height);
  WebPConfig config;
  WebPPicture picture;
  WEFT_CHECK(WebPConfigInit(&config) != 0 && WebPPictureInit(&picture) != 0,
             "[encode_webp] libwebp is of another version than weft was built for");
  const std::unique_ptr<WebPPicture, void (*)(WebPPicture*)> free_picture(&picture, WebPPictureFree);
  WebPMemoryWriter coded;
  WebPMemoryWriterInit(&coded);
  const std::unique_ptr<WebPMemoryWriter, void (*)(WebPMemoryWriter*)> free_coded(&coded, WebPMemoryWriterClear);
  if (quality == webp_lossless) {
    WebPConfigLosslessPreset(&config, 2);  // of 0, fast, to 9, small
  } else {
    config.quality = static_cast<float>(quality);
    config.method = 3;
  }
  picture.use_argb = quality == webp_lossless ? 1 : 0;
  picture.width = image.width;
  picture.height = image.height;
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &coded;
  std::vector<std::uint8_t> rgb;
  if (image.channels == 1) {
    for (const std::uint8_t value : image.pixels) rgb.insert(rgb.end(), 3, value);
  }
  const std::uint8_t* pixels = rgb.empty() ? image.pixels.data() : rgb.data();
  const int channels = image.channels == 4 ? 4 : 3;
  const bool is_imported = channels == 4 ? WebPPictureImportRGBA(&picture, pixels, image.width * 4) != 0
                                         : WebPPictureImportRGB(&picture, pixels, image.width * 3) != 0;
  WEFT_CHECK(is_imported && WebPEncode(&config, &picture) != 0, "[encode_webp] libwebp's error is {}",
             static_cast<int>(picture.error_code));

  const std::unique_ptr<WebPMux, FreeMux> mux(WebPMuxNew());
  const WebPData picture_data{coded.mem, coded.size};
  const std::string exif = write_exif({.density = extras.density, .software = software_note});
  const WebPData exif_data{reinterpret_cast<const std::uint8_t*>(exif.data()), exif.size()};
  const WebPData profile{reinterpret_cast<const std::uint8_t*>(extras.profile.data()), extras.profile.size()};
  WebPData whole = {};
  const bool is_whole = mux && WebPMuxSetImage(mux.get(), &picture_data, 0) == WEBP_MUX_OK &&
                        WebPMuxSetChunk(mux.get(), "EXIF", &exif_data, 0) == WEBP_MUX_OK &&
                        (profile.size == 0 || WebPMuxSetChunk(mux.get(), "ICCP", &profile, 0) == WEBP_MUX_OK) &&
                        WebPMuxAssemble(mux.get(), &whole) == WEBP_MUX_OK;
  const std::unique_ptr<WebPData, void (*)(WebPData*)> free_whole(&whole, WebPDataClear);
  WEFT_CHECK(is_whole, "[encode_webp] libwebpmux cannot put the file together");
  return std::string(reinterpret_cast<const char*>(whole.bytes), whole.size);
}

}  // namespace weft
