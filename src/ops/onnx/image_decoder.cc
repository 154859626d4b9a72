#include "base/log.h"
#include "codec/image.h"
#include "opdef/eval.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", DType::kUInt8}, {"T2", DType::kUInt8}};
constexpr Param kInputs[] = {{"encoded_stream", "T1", kRequiredParam, "the bytes of an image file"}};
constexpr Param kOutputs[] = {{"image", "T2", kRequiredParam, "[height, width, channels]"}};
constexpr AttrDef kAttrs[] = {string_attr("pixel_format", "RGB").with_doc("RGB, BGR or Grayscale")};

Expected<PixelFormat> read_format(const AttrReader& a) {
  const std::string& s = a.s("pixel_format");
  if (s == "RGB") return PixelFormat::kRgb;
  if (s == "BGR") return PixelFormat::kBgr;
  if (s == "Grayscale") return PixelFormat::kGrayscale;
  return invalid_model("pixel_format is '{}', expected RGB, BGR or Grayscale", s);
}

Status infer(InferContext& c) {
  if (const auto rank = c.input_rank(0); rank && *rank != 1)
    return invalid_model("encoded_stream has rank {}, expected 1", *rank);
  ANYRT_ASSIGN(const PixelFormat format, read_format(c));
  const Dim channels(format == PixelFormat::kGrayscale ? 1 : 3);
  c.set_output(0, DType::kUInt8, SymShape{c.fresh_dim("height"), c.fresh_dim("width"), channels});
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& file = c.input(0);
  if (file.rank() != 1) return invalid_argument("encoded_stream has rank {}, expected 1", file.rank());
  ImageOptions options;
  ANYRT_ASSIGN(options.format, read_format(c));
  Expected<Tensor> image = decode_image({file.raw(), file.bytes()}, options);
  if (!image.ok()) {
    // What cannot be decoded gives an empty matrix, says the specification; a build without the codec is another
    // matter.
    if (image.status().code() != Code::kInvalidArgument) return image.status();
    log_warning("ImageDecoder: {}", image.status().message());
    return c.output(0, DType::kUInt8, {0, 0, options.format == PixelFormat::kGrayscale ? 1 : 3}).status();
  }
  c.set_output(0, std::move(*image));
  return {};
}

}  // namespace

extern const OpDef op_onnx_image_decoder = {
    .name = "ImageDecoder",
    .since = 20,
    .first = 20,
    .doc = "Decodes the bytes of an image file.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : u8[17]{80 54 32 50 32 49 32 50 53 53 10 1 2 3 4 5 6} -> u8[1,2,3]{1 2 3 4 5 6}
      pixel_format="BGR" : u8[17]{80 54 32 50 32 49 32 50 53 53 10 1 2 3 4 5 6} -> u8[1,2,3]{3 2 1 6 5 4}
      pixel_format="Grayscale" : u8[13]{80 53 32 50 32 49 32 50 53 53 10 7 9} -> u8[1,2,1]{7 9}
      : u8[2]{1 2} -> u8[0,0,3]{}
      pixel_format="Grayscale" : u8[14]{80 53 32 50 32 50 32 50 53 53 10 7 9 1} -> u8[0,0,1]{}
      pixel_format="HSV" : u8[2]{1 2} -> !pixel_format
    )"),
};

}  // namespace anyrt
