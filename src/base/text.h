#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anyrt {

std::vector<std::string_view> split(std::string_view text,
                                    char separator);  // "a,,b" gives "a", "", "b"; "" gives nothing
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);  // ASCII only
std::string join(std::span<const std::string> parts, std::string_view separator);

// Three significant digits and a unit: "0 B", "512 B", "1.5 KiB", "12.3 MiB".
std::string human_bytes(double bytes);
std::string human_count(double count);      // "999", "1.5 K", "25.6 M", "3.1 G"
std::string human_seconds(double seconds);  // "12.3 us", "4.5 ms", "1.2 s", "3 min 5 s"
// "512", "64k", "1.5 GiB", "2GB" (K, M, G, T and KiB … count by 1024, KB … by 1000); nullopt when it is no size.
std::optional<uint64_t> parse_bytes(std::string_view text);

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, without regard to case. Long
// texts are not compared: their length is the distance.
int edit_distance(std::string_view a, std::string_view b);
// The candidate nearest to `name`, if near enough to be meant.
std::optional<std::string> closest(std::string_view name, std::span<const std::string> candidates);
// "; did you mean 'x'?" or "".
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace anyrt
