#include <utf8proc.h>

#include <unordered_set>

#include "opdef/eval.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr Param kInputs[] = {{"X", "string", kRequiredParam, "[C] or [1,C]"}};
constexpr Param kOutputs[] = {{"Y", "string", kRequiredParam, "one empty string when nothing is left"}};
constexpr AttrDef kAttrs[] = {
    string_attr("case_change_action", "NONE").with_doc("LOWER, UPPER or NONE"),
    int_attr("is_case_sensitive", 0).with_doc("how stopwords are told"),
    attr("locale", AttrKind::kString).with_doc("its language decides about dotless i; en_US when absent"),
    attr("stopwords", AttrKind::kStrings).with_doc("strings to leave out"),
};

enum class Case { kNone, kLower, kUpper };

// One code point for one, as C's towlower and towupper do. Turkish and Azeri pair i with its dotted capital.
utf8proc_int32_t change_case(utf8proc_int32_t ch, Case to, bool turkic) {
  constexpr utf8proc_int32_t kDottedCapital = 0x130, kDotlessSmall = 0x131, kSharpS = 0xdf;
  if (turkic && to == Case::kUpper && ch == 'i') return kDottedCapital;
  if (turkic && to == Case::kLower && ch == 'I') return kDotlessSmall;
  if (ch == kSharpS) return ch;
  return to == Case::kLower ? utf8proc_tolower(ch) : utf8proc_toupper(ch);
}

Expected<std::string> with_case(const std::string& s, Case to, bool turkic) {
  if (to == Case::kNone) return s;
  std::string out;
  out.reserve(s.size());
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(s.data());
  auto left = static_cast<utf8proc_ssize_t>(s.size());
  while (left > 0) {
    utf8proc_int32_t ch = 0;
    const utf8proc_ssize_t n = utf8proc_iterate(at, left, &ch);
    if (n <= 0) return invalid_argument("a string is not valid UTF-8 at byte {}", s.size() - static_cast<size_t>(left));
    utf8proc_uint8_t bytes[4];
    const utf8proc_ssize_t m = utf8proc_encode_char(change_case(ch, to, turkic), bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(m));
    at += n;
    left -= n;
  }
  return out;
}

Expected<Case> case_action(const AttrReader& c) {
  const std::string& action = c.s("case_change_action");
  if (action == "NONE") return Case::kNone;
  if (action == "LOWER") return Case::kLower;
  if (action == "UPPER") return Case::kUpper;
  return invalid_model("case_change_action must be LOWER, UPPER or NONE, found '{}'", action);
}

Status infer(InferContext& c) {
  ANYRT_TRY(case_action(c).status());
  const SymShape* s = c.input_shape(0);
  if (!s) {
    c.set_output(0, DType::kString);
    return {};
  }
  if (s->empty() || s->size() > 2 || (s->size() == 2 && (*s)[0].is_const() && !(*s)[0].is(1))) {
    return invalid_model("X must have the shape [C] or [1,C], found {}", shape_string(*s));
  }
  SymShape out = *s;
  if (!c.strings("stopwords").empty() || !out.back().is_const() || out.back().is(0)) out.back() = c.fresh_dim("kept");
  if (out.size() == 2) out[0] = 1;
  c.set_output(0, DType::kString, std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 1 || x.rank() > 2 || (x.rank() == 2 && x.dim(0) != 1)) {
    return invalid_argument("X must have the shape [C] or [1,C], found {}", x.type_string());
  }
  ANYRT_ASSIGN(const Case action, case_action(c));
  const std::string& locale = c.s("locale");
  const bool turkic = locale.starts_with("tr") || locale.starts_with("az");
  const bool sensitive = c.i("is_case_sensitive") != 0;
  // Words are told apart in the case they end up in, so that each is changed once.
  const Case compare = sensitive ? Case::kNone : action == Case::kUpper ? Case::kUpper : Case::kLower;
  std::unordered_set<std::string> stopwords;
  for (const std::string& word : c.strings("stopwords")) {
    ANYRT_ASSIGN(std::string changed, with_case(word, compare, turkic));
    stopwords.insert(std::move(changed));
  }
  std::vector<std::string> kept;
  for (const std::string& s : x.span<std::string>()) {
    if (!stopwords.empty()) {
      ANYRT_ASSIGN(const std::string key, with_case(s, compare, turkic));
      if (stopwords.count(key)) continue;
    }
    ANYRT_ASSIGN(std::string changed, with_case(s, action, turkic));
    kept.push_back(std::move(changed));
  }
  if (kept.empty()) kept.emplace_back();
  Dims dims{static_cast<int64_t>(kept.size())};
  if (x.rank() == 2) dims.insert(dims.begin(), 1);
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kString, dims));
  std::move(kept.begin(), kept.end(), y->mutable_data<std::string>());
  return {};
}

}  // namespace

extern const OpDef op_onnx_string_normalizer = {
    .name = "StringNormalizer",
    .since = 10,
    .first = 10,
    .doc = "Leaves out stopwords and changes the case of the other strings.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      case_change_action="LOWER" is_case_sensitive=1 stopwords=["monday"] : str[3]{"monday" "Tuesday" "ÀÉ"} -> str[2]{"tuesday" "àé"}
      case_change_action="UPPER" stopwords=["monday"] : str[1,3]{"Monday" "tuesday" "Monday"} -> str[1,1]{"TUESDAY"}
      is_case_sensitive=1 stopwords=["monday"] : str[1,2]{"monday" "monday"} -> str[1,1]{""}
      case_change_action="UPPER" locale="tr_TR" : str[2]{"ı" "i"} -> str[2]{"I" "İ"}
      : str[2]{"a" ""} -> str[2]{"a" ""}
      case_change_action="TITLE" : str[1]{"a"} -> !case_change_action
      : str[2,1]{"a" "b"} -> ![1,C]
    )"),
};

}  // namespace anyrt
