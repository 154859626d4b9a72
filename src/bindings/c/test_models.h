#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

// Small models as ONNX bytes, written field by field: these tests see nothing of the library but its exported
// functions.
namespace test_models {

class Message {
 public:
  Message& integer(int field, int64_t value) {
    varint(static_cast<uint64_t>(field) << 3);
    varint(static_cast<uint64_t>(value));
    return *this;
  }
  Message& real(int field, float value) {
    varint(static_cast<uint64_t>(field) << 3 | 5);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Message& text(int field, std::string_view value) {
    varint(static_cast<uint64_t>(field) << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(int field, const Message& value) { return text(field, value.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(uint64_t v) {
    for (; v >= 128; v >>= 7) bytes_ += static_cast<char>(v | 128);
    bytes_ += static_cast<char>(v);
  }
  std::string bytes_;
};

// A dim below 0 is the symbol "n".
inline Message tensor_type(int dtype, std::initializer_list<int64_t> dims) {
  Message shape;
  for (const int64_t d : dims) shape.message(1, d < 0 ? Message().text(2, "n") : Message().integer(1, d));
  return Message().message(1, Message().integer(1, dtype).message(2, shape));
}

inline Message value_info(std::string_view name, const Message& type) {
  return Message().text(1, name).message(2, type);
}

inline Message node(std::string_view op, std::initializer_list<const char*> inputs,
                    std::initializer_list<const char*> outputs, std::string_view domain = "") {
  Message m;
  for (const char* i : inputs) m.text(1, i);
  for (const char* o : outputs) m.text(2, o);
  m.text(4, op);
  if (!domain.empty()) m.text(7, domain);
  return m;
}

template <class T>
Message tensor(std::string_view name, int dtype, std::initializer_list<int64_t> dims, const std::vector<T>& data) {
  Message m;
  for (const int64_t d : dims) m.integer(1, d);
  m.integer(2, dtype).text(8, name);
  return m.text(9, std::string_view(reinterpret_cast<const char*>(data.data()), data.size() * sizeof(T)));
}

inline std::string model(const Message& graph, int64_t opset = 21, std::string_view domain = "") {
  Message m;
  m.integer(1, 10).text(2, "test writer").text(3, "7").text(4, "org.example").integer(5, 3).text(6, "a small model");
  m.message(7, graph).message(8, Message().text(1, "").integer(2, opset));
  if (!domain.empty()) m.message(8, Message().text(1, domain).integer(2, 1));
  m.message(14, Message().text(1, "author").text(2, "somebody"));
  return m.bytes();
}

// y = x + b and z = -x, with x, y, z float32[n,2] and b [2] an initializer {1, 2}; as_input: b may be overridden.
inline std::string add_model(bool as_input = false) {
  Message g;
  g.message(1, node("Add", {"x", "b"}, {"y"})).message(1, node("Neg", {"x"}, {"z"})).text(2, "sums");
  g.message(5, tensor<float>("b", 1, {2}, {1, 2}));
  g.message(11, value_info("x", tensor_type(1, {-1, 2})));
  if (as_input) g.message(11, value_info("b", tensor_type(1, {2})));
  g.message(12, value_info("y", tensor_type(1, {-1, 2}))).message(12, value_info("z", tensor_type(1, {-1, 2})));
  return model(g);
}

// One node: y = op(x), both of one type.
inline std::string unary_model(std::string_view op, const Message& type, const Message& result,
                               std::string_view domain = "") {
  Message g;
  g.message(1, node(op, {"x"}, {"y"}, domain)).text(2, "one");
  g.message(11, value_info("x", type)).message(12, value_info("y", result));
  return model(g, 21, domain);
}

// Adds 1 to v float32[4] `count` times in a Loop; count is an input.
inline std::string loop_model() {
  Message body;
  body.message(1, node("Identity", {"cond"}, {"keep"})).message(1, node("Add", {"v", "one"}, {"next"})).text(2, "body");
  body.message(5, tensor<float>("one", 1, {}, {1}));
  body.message(11, value_info("i", tensor_type(7, {}))).message(11, value_info("cond", tensor_type(9, {})));
  body.message(11, value_info("v", tensor_type(1, {4})));
  body.message(12, value_info("keep", tensor_type(9, {}))).message(12, value_info("next", tensor_type(1, {4})));
  Message loop = node("Loop", {"count", "", "v0"}, {"y"});
  loop.message(5, Message().text(1, "body").message(6, body).integer(20, 5));
  Message g;
  g.message(1, loop).text(2, "loop");
  g.message(11, value_info("count", tensor_type(7, {}))).message(11, value_info("v0", tensor_type(1, {4})));
  g.message(12, value_info("y", tensor_type(1, {4})));
  return model(g);
}

}  // namespace test_models
