#include "opdef/sequence_util.h"

namespace anyrt {

Expected<size_t> sequence_position(const EvalContext& c, size_t i, size_t length, size_t extra, size_t otherwise) {
  if (!c.has_input(i)) return otherwise;
  ANYRT_ASSIGN(const int64_t at, c.input_int(i));
  const int64_t n = static_cast<int64_t>(length), last = n - 1 + static_cast<int64_t>(extra);
  if (at < -n || at > last) {
    return make_error(Code::kOutOfRange, "position {} is outside of [{}, {}] in a sequence of {} elements", at, -n,
                      last, length);
  }
  return static_cast<size_t>(at < 0 ? at + n : at);
}

Type sequence_element(const InferContext& c, size_t i) {
  const Type& t = c.input_type(i);
  return t.is_sequence() && t.elem ? *t.elem : Type();
}

Type joined_element(const Type& element, const Type& added) {
  if (!element.defined()) return Type::tensor(added.dtype);
  if (!added.defined()) return Type::tensor(element.dtype);
  return join_types(element, added);
}

}  // namespace anyrt
