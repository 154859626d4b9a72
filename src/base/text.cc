#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <system_error>

namespace anyrt {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string three_digits(double value) {
  const double magnitude = std::fabs(value);
  const int decimals = magnitude == std::floor(magnitude) || magnitude >= 99.95 ? 0 : (magnitude >= 9.995 ? 1 : 2);
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (decimals > 0) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

std::string scaled(double value, double step, std::span<const char* const> units) {
  size_t unit = 0;
  // Just below a step the rounded text would show the step itself.
  while (unit + 1 < units.size() && std::fabs(value) >= step * 0.9995) {
    value /= step;
    ++unit;
  }
  const std::string text = three_digits(value);
  return *units[unit] == '\0' ? text : text + ' ' + units[unit];
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  if (text.empty()) return parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string human_bytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  return scaled(bytes, 1024, kUnits);
}

std::string human_count(double count) {
  constexpr const char* kUnits[] = {"", "K", "M", "G", "T", "P"};
  return scaled(count, 1000, kUnits);
}

std::string human_seconds(double seconds) {
  if (!(std::fabs(seconds) < 60)) {
    const double whole = std::round(seconds);
    if (!std::isfinite(whole)) return "unknown time";
    if (whole >= 3600)
      return fmt::format("{:.0f} h {:.0f} min", std::floor(whole / 3600), std::floor(std::fmod(whole, 3600) / 60));
    return fmt::format("{:.0f} min {:.0f} s", std::floor(whole / 60), std::fmod(whole, 60));
  }
  constexpr const char* kUnits[] = {"ns", "us", "ms", "s"};
  return scaled(seconds * 1e9, 1000, kUnits);
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  text = trim(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !(value >= 0)) return std::nullopt;
  const std::string unit = to_lower(trim(text.substr(static_cast<size_t>(end - text.data()))));
  constexpr std::string_view kPrefixes = "kmgt";
  double scale = 1;
  if (!unit.empty() && unit != "b") {
    const size_t power = kPrefixes.find(unit[0]);
    if (power == std::string_view::npos) return std::nullopt;
    const std::string_view rest = std::string_view(unit).substr(1);
    if (!rest.empty() && rest != "b" && rest != "ib" && rest != "i") return std::nullopt;
    scale = std::pow(rest == "b" ? 1000.0 : 1024.0, static_cast<double>(power + 1));
  }
  const double bytes = value * scale;
  constexpr double kLimit = 9223372036854775808.0;
  if (!(bytes < kLimit)) return std::nullopt;
  return static_cast<uint64_t>(bytes);
}

int edit_distance(std::string_view a, std::string_view b) {
  constexpr size_t kLongest = 256;
  if (a.size() > kLongest || b.size() > kLongest)
    return static_cast<int>(std::min<size_t>(a.size() + b.size(), 1 << 20));
  std::vector<int> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const char x = lower(a[i - 1]), y = lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (x == y ? 0 : 1)});
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::optional<std::string> closest(std::string_view name, std::span<const std::string> candidates) {
  int best = std::max(1, static_cast<int>(std::min<size_t>(name.size(), 256)) / 3) + 1;
  std::optional<std::string> found;
  for (const std::string& candidate : candidates) {
    if (const int distance = edit_distance(name, candidate); distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const auto found = closest(name, candidates);
  return found ? "; did you mean '" + *found + "'?" : "";
}

}  // namespace anyrt
