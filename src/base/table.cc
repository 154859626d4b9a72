#include "base/table.h"

#include <algorithm>
#include <cctype>

namespace anyrt {

namespace {

bool is_numeric(const std::string& cell) {
  return !cell.empty() &&
         (std::isdigit(static_cast<unsigned char>(cell[0])) || ((cell[0] == '-' || cell[0] == '+') && cell.size() > 1));
}

// Code points, which is near enough to columns for the names that models use.
size_t width(const std::string& cell) {
  return static_cast<size_t>(
      std::count_if(cell.begin(), cell.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string Table::to_string() const {
  std::vector<size_t> widths(header_.size());
  std::vector<bool> right(header_.size(), true);
  for (size_t k = 0; k < header_.size(); ++k) widths[k] = width(header_[k]);
  for (const auto& row : rows_) {
    for (size_t k = 0; k < row.size() && k < widths.size(); ++k) {
      widths[k] = std::max(widths[k], width(row[k]));
      right[k] = right[k] && (row[k].empty() || is_numeric(row[k]));
    }
  }
  std::string out;
  const auto add_row = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t k = 0; k < widths.size(); ++k) {
      const std::string cell = k < row.size() ? row[k] : std::string();
      const std::string fill(widths[k] - width(cell), ' ');
      line += (k ? "  " : "") + (right[k] ? fill + cell : cell + fill);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_row(header_);
  for (const auto& row : rows_) add_row(row);
  return out;
}

}  // namespace anyrt
