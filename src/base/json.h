#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"

namespace anyrt {

// A JSON value. Objects keep the order in which members were added.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;                                           // null
  Json(std::nullptr_t) {}                                     // NOLINT: implicit by design
  Json(bool value) : rep_(value) {}                           // NOLINT
  Json(int value) : rep_(int64_t{value}) {}                   // NOLINT
  Json(unsigned value) : rep_(int64_t{value}) {}              // NOLINT
  Json(int64_t value) : rep_(value) {}                        // NOLINT
  Json(uint64_t value);                                       // NOLINT: a double beyond int64
  Json(double value) : rep_(value) {}                         // NOLINT
  Json(std::string value) : rep_(std::move(value)) {}         // NOLINT
  Json(std::string_view value) : rep_(std::string(value)) {}  // NOLINT
  Json(const char* value) : rep_(std::string(value)) {}       // NOLINT
  Json(Array value) : rep_(std::move(value)) {}               // NOLINT
  Json(Object value) : rep_(std::move(value)) {}              // NOLINT
  template <class T>
  static Json array_of(const std::vector<T>& items) {
    return Json(Array(items.begin(), items.end()));
  }
  static Json object() { return Json(Object()); }
  static Json array() { return Json(Array()); }

  bool is_null() const { return rep_.index() == 0; }
  bool is_bool() const { return rep_.index() == 1; }
  bool is_int() const { return rep_.index() == 2; }
  bool is_number() const { return rep_.index() == 2 || rep_.index() == 3; }
  bool is_string() const { return rep_.index() == 4; }
  bool is_array() const { return rep_.index() == 5; }
  bool is_object() const { return rep_.index() == 6; }

  // The value, or `otherwise` when it is of another kind.
  bool as_bool(bool otherwise = false) const;
  int64_t as_int(int64_t otherwise = 0) const;  // also a double without fraction
  double as_double(double otherwise = 0) const;
  const std::string& as_string() const;  // "" for other kinds
  const Array& items() const;            // empty for other kinds
  const Object& members() const;

  // The member, or a null value. When a name occurs twice the last one counts.
  const Json& operator[](std::string_view name) const;
  bool contains(std::string_view name) const;
  // Sets or adds a member; null becomes an object first, other kinds are replaced by one.
  Json& set(std::string_view name, Json value);
  // Appends; null becomes an array first, other kinds are replaced by one.
  Json& push_back(Json value);
  size_t size() const { return is_array() ? items().size() : members().size(); }

  // One line, or `indent` blanks a level. NaN and infinities are null; bytes that are no UTF-8 are replaced.
  std::string dump(int indent = -1) const;
  // Errors name line and column. Text beyond `max_bytes` or nested beyond `max_depth` is refused.
  static Expected<Json> parse(std::string_view text, size_t max_bytes = size_t{1} << 28, int max_depth = 200);

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> rep_;
};

}  // namespace anyrt
