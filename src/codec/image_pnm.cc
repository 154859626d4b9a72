#include <optional>

#include "codec/image_formats.h"

namespace anyrt {

namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Numbers in text, with comments from '#' to the end of the line.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<uint32_t> number() {
    skip_blanks();
    uint32_t value = 0;
    const size_t begin = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (value > 100'000'000) return std::nullopt;
      value = value * 10 + static_cast<uint32_t>(text_[at_] - '0');
    }
    return at_ == begin ? std::nullopt : std::optional(value);
  }
  // P1 has one digit for each pixel, blanks between them are optional.
  std::optional<uint32_t> bit() {
    skip_blanks();
    if (at_ == text_.size() || (text_[at_] != '0' && text_[at_] != '1')) return std::nullopt;
    return static_cast<uint32_t>(text_[at_++] - '0');
  }
  bool take_blank() {
    if (at_ == text_.size() || !is_blank(text_[at_])) return false;
    ++at_;
    return true;
  }
  std::string_view rest() const { return text_.substr(at_); }

 private:
  void skip_blanks() {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
        if (at_ == text_.size()) return;
      } else if (!is_blank(text_[at_])) {
        return;
      }
    }
  }
  std::string_view text_;
  size_t at_ = 0;
};

// value * 255 / most, rounded to nearest, halves to even.
uint8_t scaled(uint32_t value, uint32_t most) {
  const uint32_t product = value * 255, quotient = product / most, twice = product % most * 2;
  return static_cast<uint8_t>(quotient + (twice > most || (twice == most && quotient % 2 == 1)));
}

Status cut_off() { return invalid_argument("the data end before the last pixel"); }

}  // namespace

Expected<Raster> decode_pnm(Bytes file, int64_t max_pixels) {
  const char kind = as_text(file)[1];
  const bool text = kind <= '3', bitmap = kind == '1' || kind == '4', colour = kind == '3' || kind == '6';
  Reader in(as_text(file).substr(2));
  const auto width = in.number(), height = in.number();
  const auto most = bitmap ? std::optional<uint32_t>(1) : in.number();
  if (!width || !height || !most) return invalid_argument("the header is broken");
  if (*most == 0 || *most > 65535) return invalid_argument("the largest value is {}, 1 to 65535 is allowed", *most);
  if (!text && !in.take_blank()) return invalid_argument("the header is broken");

  const int channels = colour ? 3 : 1;
  const uint64_t samples = uint64_t{*width} * *height * static_cast<uint64_t>(channels);
  const uint64_t needed = text     ? samples * (bitmap ? 1 : 2) - (bitmap ? 0 : 1)
                          : bitmap ? (uint64_t{*width} + 7) / 8 * *height
                                   : samples * (*most > 255 ? 2 : 1);
  ANYRT_TRY(check_image_size(*width, *height, file.size(), max_pixels));
  if (in.rest().size() < needed) return cut_off();
  ANYRT_ASSIGN(Raster r, make_raster(*width, *height, channels, file.size(), max_pixels));
  uint8_t* out = r.pixels.mutable_data<uint8_t>();
  if (text) {
    for (uint64_t i = 0; i < samples; ++i) {
      const auto value = bitmap ? in.bit() : in.number();
      if (!value) return in.rest().empty() ? cut_off() : invalid_argument("sample {} is not a number", i);
      if (*value > *most) return invalid_argument("sample {} is {}, more than the largest value {}", i, *value, *most);
      out[i] = bitmap ? (*value ? 0 : 255) : scaled(*value, *most);
    }
    return r;
  }
  const auto* p = reinterpret_cast<const uint8_t*>(in.rest().data());
  if (bitmap) {
    for (int64_t y = 0; y < r.height; ++y, p += (*width + 7) / 8) {
      for (int64_t x = 0; x < r.width; ++x) *out++ = (p[x / 8] >> (7 - x % 8)) & 1 ? 0 : 255;
    }
    return r;
  }
  for (uint64_t i = 0; i < samples; ++i) {
    const uint32_t value = *most > 255 ? static_cast<uint32_t>(p[2 * i] << 8 | p[2 * i + 1]) : p[i];
    out[i] = scaled(std::min(value, *most), *most);
  }
  return r;
}

}  // namespace anyrt
