#include "tools/data/data.h"

#include <algorithm>

#include "base/text.h"
#include "tools/data/source.h"

namespace anyrt {

namespace {

class Assignment {
 public:
  Assignment(const std::vector<ValueSpec>& inputs) : inputs_(inputs), makers_(inputs.size()) {}

  Status give(const Source& source, std::string_view name, const MakeValue& make) {
    const auto it = std::find_if(inputs_.begin(), inputs_.end(), [&](const ValueSpec& s) { return s.name == name; });
    if (it == inputs_.end()) {
      return invalid_argument("'{}': the model has no input '{}'{}; it has: {}", source.text, name,
                              did_you_mean(name, names()), join(names(), ", "));
    }
    return give_at(source, static_cast<size_t>(it - inputs_.begin()), make);
  }

  Status give_at(const Source& source, size_t i, const MakeValue& make) {
    if (i >= inputs_.size()) {
      return invalid_argument("'{}': the model has {} inputs, a value for input {} was given", source.text,
                              inputs_.size(), i + 1);
    }
    if (makers_[i]) return invalid_argument("'{}': input '{}' was given twice", source.text, inputs_[i].name);
    makers_[i] = make;
    return ok_status();
  }

  // The first required input without a value, else the first optional one; inputs_.size() when all have one.
  size_t next_open() const {
    for (bool with_default : {false, true}) {
      for (size_t i = 0; i < inputs_.size(); ++i) {
        if (!makers_[i] && inputs_[i].has_default == with_default) return i;
      }
    }
    return inputs_.size();
  }

  bool is_open(size_t i) const { return !makers_[i] && !inputs_[i].has_default; }

  Expected<LoadedInputs> make() const {
    std::vector<std::string> missing;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (is_open(i) && !inputs_[i].type.is_optional()) {
        missing.push_back(fmt::format("'{}' ({})", inputs_[i].name, inputs_[i].type.to_string()));
      }
    }
    if (!missing.empty()) {
      return invalid_argument(
          "no value was given for input {}; give --input NAME=SOURCE, or --input random for made-up data",
          join(missing, ", "));
    }
    LoadedInputs loaded;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!makers_[i]) {
        loaded.values.emplace_back();
        continue;
      }
      auto value = makers_[i](inputs_[i], loaded.notes);
      if (!value.ok()) return std::move(value).status().with_context(fmt::format("input '{}'", inputs_[i].name));
      ANYRT_TRY(check_input(inputs_[i], *value));
      loaded.values.push_back(*std::move(value));
    }
    return loaded;
  }

 private:
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const ValueSpec& s : inputs_) out.push_back(s.name);
    return out;
  }

  const std::vector<ValueSpec>& inputs_;
  std::vector<MakeValue> makers_;
};

// A table feeds the inputs column by column when each open input is one of its columns and there are several.
bool feeds_columns(const Source& source, const std::vector<ValueSpec>& inputs, const Assignment& assignment) {
  size_t open = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!assignment.is_open(i)) continue;
    ++open;
    const bool found = std::any_of(source.entries.begin() + 1, source.entries.end(),
                                   [&](const auto& e) { return e.first == inputs[i].name; });
    if (!found) return false;
  }
  return open > 1;
}

Status assign_unnamed(const Source& source, const std::vector<ValueSpec>& inputs, Assignment& assignment) {
  if (source.kind == Source::Kind::kColumns && feeds_columns(source, inputs, assignment)) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!assignment.is_open(i)) continue;
      for (size_t k = 1; k < source.entries.size(); ++k) {
        if (source.entries[k].first == inputs[i].name)
          ANYRT_TRY(assignment.give_at(source, i, source.entries[k].second));
      }
    }
    return ok_status();
  }
  return assignment.give_at(source, assignment.next_open(), source.entries[0].second);
}

}  // namespace

Expected<LoadedInputs> load_inputs(const std::vector<ValueSpec>& inputs, const std::vector<std::string>& texts,
                                   const DataOptions& options) {
  std::vector<Source> sources;
  for (const std::string& text : texts) {
    ANYRT_ASSIGN(Source source, open_source(text, options));
    sources.push_back(std::move(source));
  }
  using Kind = Source::Kind;
  Assignment assignment(inputs);
  for (const Source& s : sources) {
    if (!s.name.empty()) {
      if (s.kind == Kind::kPositional)
        return invalid_argument("'{}': a folder of inputs cannot be given to one input", s.text);
      ANYRT_TRY(assignment.give(s, s.name, s.entries[0].second));
    } else if (s.kind == Kind::kNamed) {
      for (const auto& [name, make] : s.entries) ANYRT_TRY(assignment.give(s, name, make));
    } else if (s.kind == Kind::kPositional) {
      for (size_t i = 0; i < s.entries.size(); ++i) ANYRT_TRY(assignment.give_at(s, i, s.entries[i].second));
    }
  }
  for (const Source& s : sources) {
    if (s.name.empty() && (s.kind == Kind::kOne || s.kind == Kind::kColumns))
      ANYRT_TRY(assign_unnamed(s, inputs, assignment));
  }
  for (const Source& s : sources) {
    if (!s.name.empty() || s.kind != Kind::kAnyInput) continue;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (assignment.is_open(i)) ANYRT_TRY(assignment.give_at(s, i, s.entries[0].second));
    }
  }
  for (const auto& entry : options.shapes) {
    const std::string& name = entry.first;
    const bool known = std::any_of(inputs.begin(), inputs.end(), [&](const ValueSpec& s) { return s.name == name; });
    if (!known) return invalid_argument("a shape was given for '{}', which is not an input of the model", name);
  }
  return assignment.make();
}

}  // namespace anyrt
