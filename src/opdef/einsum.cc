#include "opdef/einsum.h"

#include <algorithm>
#include <string>

namespace anyrt {
namespace {

constexpr int kLetters = 52;
constexpr int kEllipsis = -1;

// Letters in the order of their character codes.
std::optional<int> letter(char ch) {
  if (ch >= 'A' && ch <= 'Z') return ch - 'A';
  if (ch >= 'a' && ch <= 'z') return ch - 'a' + 26;
  return std::nullopt;
}

// One term; kEllipsis stands for "...".
Expected<std::vector<int>> parse_term(std::string_view text) {
  std::vector<int> out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (const auto l = letter(text[i])) {
      out.push_back(*l);
    } else if (text.substr(i, 3) == "...") {
      if (std::find(out.begin(), out.end(), kEllipsis) != out.end())
        return invalid_model("term '{}' has more than one ellipsis", text);
      out.push_back(kEllipsis);
      i += 2;
    } else {
      return invalid_model("term '{}' holds '{}', expected letters or ...", text, text.substr(i, 1));
    }
  }
  return out;
}

// Replaces kEllipsis by labels for `count` axes.
void expand(std::vector<int>& term, int64_t count) {
  const auto it = std::find(term.begin(), term.end(), kEllipsis);
  if (it == term.end()) return;
  std::vector<int> axes;
  for (int64_t k = count; k-- > 0;) axes.push_back(kLetters + static_cast<int>(k));
  const auto at = term.erase(it);
  term.insert(at, axes.begin(), axes.end());
}

}  // namespace

Expected<EinsumPlan> parse_einsum(std::string_view equation, const std::vector<int64_t>& ranks) {
  std::string text;
  std::copy_if(equation.begin(), equation.end(), std::back_inserter(text), [](char ch) { return ch != ' '; });
  const size_t arrow = text.find("->");
  std::string_view left = std::string_view(text).substr(0, arrow);
  EinsumPlan plan;
  for (;;) {
    const size_t comma = left.find(',');
    ANYRT_ASSIGN(std::vector<int> term, parse_term(left.substr(0, comma)));
    plan.terms.push_back(std::move(term));
    if (comma == std::string_view::npos) break;
    left.remove_prefix(comma + 1);
  }
  if (plan.terms.size() != ranks.size())
    return invalid_model("equation '{}' has {} terms for {} inputs", equation, plan.terms.size(), ranks.size());
  int64_t widest = 0;
  bool any_ellipsis = false;
  std::vector<int> seen(kLetters, 0);
  for (size_t i = 0; i < ranks.size(); ++i) {
    std::vector<int>& term = plan.terms[i];
    const bool ellipsis = std::find(term.begin(), term.end(), kEllipsis) != term.end();
    const int64_t rest = ranks[i] - static_cast<int64_t>(term.size()) + ellipsis;
    if (rest < 0 || (rest > 0 && !ellipsis))
      return invalid_model("term {} of '{}' does not fit an input of rank {}", i, equation, ranks[i]);
    any_ellipsis = any_ellipsis || ellipsis;
    widest = std::max(widest, rest);
    for (int l : term) {
      if (l != kEllipsis) ++seen[static_cast<size_t>(l)];
    }
    expand(term, rest);
  }
  if (arrow == std::string::npos) {
    if (any_ellipsis) plan.output.push_back(kEllipsis);
    for (int l = 0; l < kLetters; ++l) {
      if (seen[static_cast<size_t>(l)] == 1) plan.output.push_back(l);
    }
  } else {
    ANYRT_ASSIGN(plan.output, parse_term(std::string_view(text).substr(arrow + 2)));
    for (int l : plan.output) {
      if (l == kEllipsis) continue;
      if (seen[static_cast<size_t>(l)] == 0)
        return invalid_model("the result of '{}' has a letter that no input has", equation);
      if (std::count(plan.output.begin(), plan.output.end(), l) > 1)
        return invalid_model("the result of '{}' repeats a letter", equation);
    }
  }
  expand(plan.output, widest);
  plan.labels = kLetters + static_cast<int>(widest);
  return plan;
}

}  // namespace anyrt
