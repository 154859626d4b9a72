#include "base/json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace anyrt {
namespace {

using Text = nlohmann::json;

// Builds our values from the parser's events; a depth limit keeps later recursion over the value safe.
class Builder {
 public:
  Builder(std::string_view text, int max_depth) : text_(text), max_depth_(max_depth) {}

  bool null() { return add(Json()); }
  bool boolean(bool value) { return add(Json(value)); }
  bool number_integer(int64_t value) { return add(Json(value)); }
  bool number_unsigned(uint64_t value) { return add(Json(value)); }
  bool number_float(double value, const std::string&) { return add(Json(value)); }
  bool string(std::string& value) { return add(Json(std::move(value))); }
  bool binary(std::vector<uint8_t>&) { return false; }
  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    names_.back() = std::move(name);
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
    size_t line = 1, column = 1;
    for (size_t i = 0; i + 1 < position && i < text_.size(); ++i) {
      column = text_[i] == '\n' ? 1 : column + 1;
      line += text_[i] == '\n' ? 1 : 0;
    }
    // The library's message: "[json.exception.parse_error.101] parse error at line 1, column 2: what".
    std::string what = error.what();
    if (const size_t at = what.find(": "); at != std::string::npos) what.erase(0, at + 2);
    status_ = invalid_argument("JSON line {} column {}: {}", line, column, what);
    return false;
  }

  Status status_;
  Json root_;

 private:
  bool add(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.back().is_array()) {
      stack_.back().push_back(std::move(value));
    } else {
      members_.back().emplace_back(std::move(names_.back()), std::move(value));
    }
    return true;
  }

  bool open(Json container) {
    if (static_cast<int>(stack_.size()) >= max_depth_) {
      status_ = make_error(Code::kResourceExhausted, "JSON is nested deeper than {} levels", max_depth_);
      return false;
    }
    stack_.push_back(std::move(container));
    names_.emplace_back();
    members_.emplace_back();
    return true;
  }

  bool close() {
    Json value = stack_.back().is_array() ? std::move(stack_.back()) : Json(std::move(members_.back()));
    stack_.pop_back();
    names_.pop_back();
    members_.pop_back();
    return add(std::move(value));
  }

  std::string_view text_;
  int max_depth_;
  std::vector<Json> stack_;
  std::vector<std::string> names_;
  std::vector<Json::Object> members_;
};

std::string quoted(const std::string& text) { return Text(text).dump(-1, ' ', false, Text::error_handler_t::replace); }

void write(const Json& value, int indent, int level, std::string& out);

template <class Items, class WriteItem>
void write_items(const Items& items, char open, char close, int indent, int level, std::string& out,
                 WriteItem write_item) {
  const auto line_break = [&](int depth) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<size_t>(indent) * static_cast<size_t>(depth), ' ');
  };
  out += open;
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    line_break(level + 1);
    write_item(item);
  }
  if (!items.empty()) line_break(level);
  out += close;
}

void write(const Json& value, int indent, int level, std::string& out) {
  if (value.is_object()) {
    write_items(value.members(), '{', '}', indent, level, out, [&](const auto& member) {
      out += quoted(member.first) + (indent < 0 ? ":" : ": ");
      write(member.second, indent, level + 1, out);
    });
  } else if (value.is_array()) {
    write_items(value.items(), '[', ']', indent, level, out,
                [&](const Json& item) { write(item, indent, level + 1, out); });
  } else if (value.is_string()) {
    out += quoted(value.as_string());
  } else if (value.is_int()) {
    out += std::to_string(value.as_int());
  } else if (value.is_number()) {
    out += Text(value.as_double()).dump();
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else {
    out += "null";
  }
}

}  // namespace

Json::Json(uint64_t value) {
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    rep_ = static_cast<int64_t>(value);
  } else {
    rep_ = static_cast<double>(value);
  }
}

bool Json::as_bool(bool otherwise) const { return is_bool() ? std::get<1>(rep_) : otherwise; }

int64_t Json::as_int(int64_t otherwise) const {
  if (is_int()) return std::get<2>(rep_);
  if (rep_.index() != 3) return otherwise;
  const double value = std::get<3>(rep_);
  const bool whole = value >= -9223372036854775808.0 && value < 9223372036854775808.0 && value == std::floor(value);
  return whole ? static_cast<int64_t>(value) : otherwise;
}

double Json::as_double(double otherwise) const {
  if (is_int()) return static_cast<double>(std::get<2>(rep_));
  return rep_.index() == 3 ? std::get<3>(rep_) : otherwise;
}

const std::string& Json::as_string() const {
  static const std::string kEmpty;
  return is_string() ? std::get<4>(rep_) : kEmpty;
}

const Json::Array& Json::items() const {
  static const Array kEmpty;
  return is_array() ? std::get<5>(rep_) : kEmpty;
}

const Json::Object& Json::members() const {
  static const Object kEmpty;
  return is_object() ? std::get<6>(rep_) : kEmpty;
}

const Json& Json::operator[](std::string_view name) const {
  static const Json kNull;
  const Object& all = members();
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return kNull;
}

bool Json::contains(std::string_view name) const {
  for (const auto& member : members()) {
    if (member.first == name) return true;
  }
  return false;
}

Json& Json::set(std::string_view name, Json value) {
  if (!is_object()) rep_ = Object();
  auto& all = std::get<6>(rep_);
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (it->first != name) continue;
    it->second = std::move(value);
    return *this;
  }
  all.emplace_back(std::string(name), std::move(value));
  return *this;
}

Json& Json::push_back(Json value) {
  if (!is_array()) rep_ = Array();
  std::get<5>(rep_).push_back(std::move(value));
  return *this;
}

std::string Json::dump(int indent) const {
  std::string out;
  write(*this, indent, 0, out);
  return out;
}

Expected<Json> Json::parse(std::string_view text, size_t max_bytes, int max_depth) {
  if (text.size() > max_bytes) {
    return make_error(Code::kResourceExhausted, "JSON has {} bytes, expected at most {}", text.size(), max_bytes);
  }
  Builder builder(text, max_depth);
  if (!Text::sax_parse(text.begin(), text.end(), &builder)) {
    return builder.status_.ok() ? invalid_argument("JSON cannot be read") : builder.status_;
  }
  return std::move(builder.root_);
}

}  // namespace anyrt
