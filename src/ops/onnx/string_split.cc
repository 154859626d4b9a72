#include <algorithm>
#include <limits>
#include <string_view>

#include "opdef/eval.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", DType::kString}, {"T2", DType::kString}, {"T3", DType::kInt64}};
constexpr Param kInputs[] = {{"X", "T1"}};
constexpr Param kOutputs[] = {{"Y", "T2", kRequiredParam, "one more axis, filled up with empty strings"},
                              {"Z", "T3", kRequiredParam, "number of parts of each string"}};
constexpr AttrDef kAttrs[] = {attr("delimiter", AttrKind::kString).with_doc("runs of white space when absent or empty"),
                              attr("maxsplit", AttrKind::kInt).with_doc("at most this many cuts")};

constexpr std::string_view kSpace = " \t\n\v\f\r";

using Parts = std::vector<std::string_view>;

Parts split_at_space(std::string_view s, int64_t cuts) {
  const auto trim = [&] {
    s.remove_prefix(std::min(s.find_first_not_of(kSpace), s.size()));
    s = s.substr(0, s.find_last_not_of(kSpace) + 1);
  };
  Parts parts;
  for (trim(); !s.empty(); trim()) {
    const size_t end = cuts-- > 0 ? std::min(s.find_first_of(kSpace), s.size()) : s.size();
    parts.push_back(s.substr(0, end));
    s.remove_prefix(end);
  }
  return parts;
}

Parts split_at(std::string_view s, std::string_view delimiter, int64_t cuts) {
  Parts parts;
  if (s.empty()) return parts;
  for (; cuts > 0; --cuts) {
    const size_t at = s.find(delimiter);
    if (at == std::string_view::npos) break;
    parts.push_back(s.substr(0, at));
    s.remove_prefix(at + delimiter.size());
  }
  parts.push_back(s);
  return parts;
}

Status infer(InferContext& c) {
  const SymShape* s = c.input_shape(0);
  if (!s) {
    c.set_output(0, DType::kString);
    c.set_output(1, DType::kInt64);
    return {};
  }
  c.set_output(1, DType::kInt64, *s);
  SymShape out = *s;
  out.push_back(c.fresh_dim("parts"));
  c.set_output(0, DType::kString, std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  int64_t cuts = c.i("maxsplit", -1);
  if (cuts < 0) cuts = std::numeric_limits<int64_t>::max();
  const std::string& delimiter = c.s("delimiter");
  ANYRT_ASSIGN(Tensor * counts, c.output(1, DType::kInt64, x.dims()));
  std::vector<Parts> all;
  all.reserve(static_cast<size_t>(x.size()));
  int64_t most = 0;
  for (const std::string& s : x.span<std::string>()) {
    all.push_back(delimiter.empty() ? split_at_space(s, cuts) : split_at(s, delimiter, cuts));
    counts->mutable_data<int64_t>()[all.size() - 1] = static_cast<int64_t>(all.back().size());
    most = std::max(most, static_cast<int64_t>(all.back().size()));
  }
  Dims dims = x.dims();
  dims.push_back(most);
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kString, dims));
  std::string* out = y->mutable_data<std::string>();
  for (const Parts& parts : all) {
    std::copy(parts.begin(), parts.end(), out);
    out += most;
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_string_split = {
    .name = "StringSplit",
    .since = 20,
    .first = 20,
    .doc = "Cuts strings at a delimiter or at white space.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      delimiter="-" : str[2]{"o-n--x-" "a"} -> str[2,5]{"o" "n" "" "x" "" "a" "" "" "" ""}, i64[2]{5 1}
      : str[2]{"  hello   world " ""} -> str[2,2]{"hello" "world" "" ""}, i64[2]{2 0}
      maxsplit=1 : str[]{" a b  c "} -> str[2]{"a" "b  c"}, i64[]{2}
      delimiter="*" : str[3]{"" "+" "*"} -> str[3,2]{"" "" "+" "" "" ""}, i64[3]{0 1 2}
      delimiter="ab" maxsplit=0 : str[1]{"xabx"} -> str[1,1]{"xabx"}, i64[1]{1}
      : str[0]{} -> str[0,0]{}, i64[0]{}
    )"),
};

}  // namespace anyrt
