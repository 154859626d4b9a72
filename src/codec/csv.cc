#include "codec/csv.h"

#include <algorithm>
#include <charconv>

#include "tensor/file.h"
#include "tensor/number_text.h"

namespace anyrt {

namespace {

struct Cell {
  std::string text;
  bool quoted = false;
};

struct Row {
  size_t line = 0;
  std::vector<Cell> cells;
};

std::string_view trimmed(std::string_view s) {
  const size_t begin = s.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : s.substr(begin, s.find_last_not_of(" \t") - begin + 1);
}

bool is_integer(std::string_view s) {
  s = trimmed(s);
  if (s.starts_with('+')) s.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  return !s.empty() && error == std::errc() && end == s.data() + s.size();
}

bool is_missing(const Cell& c) { return !c.quoted && trimmed(c.text).empty(); }
bool is_number(const Cell& c) { return !c.quoted && parse_double_text(c.text).has_value(); }

char find_separator(std::string_view text) {
  while (text.starts_with('#') || text.starts_with('\n') || text.starts_with('\r')) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  for (char c : {'\t', ';', ','}) {
    if (line.find(c) != std::string_view::npos) return c;
  }
  return trimmed(line).find(' ') != std::string_view::npos ? ' ' : ',';
}

class Reader {
 public:
  Reader(std::string_view text, char separator) : text_(text), separator_(separator) {}

  Expected<std::vector<Row>> rows() {
    std::vector<Row> out;
    while (at_ < text_.size()) {
      if (text_[at_] == '#' || text_[at_] == '\n' || text_[at_] == '\r') {
        skip_line();
        continue;
      }
      Row row{line_, {}};
      ANYRT_TRY(read_row(row));
      if (row.cells.size() == 1 && is_missing(row.cells[0])) continue;
      if (!out.empty() && row.cells.size() != out[0].cells.size()) {
        return invalid_argument("line {} has {} cells, line {} has {}", row.line, row.cells.size(), out[0].line,
                                out[0].cells.size());
      }
      out.push_back(std::move(row));
    }
    return out;
  }

 private:
  void skip_line() {
    const size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    ++line_;
  }
  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  Status read_row(Row& row) {
    const size_t first_line = line_;
    if (separator_ == ' ') skip_blanks();
    for (;;) {
      Cell cell;
      const size_t mark = text_.find_first_not_of(' ', at_);
      if (mark != std::string_view::npos && text_[mark] == '"') {
        at_ = mark;
        ANYRT_TRY(read_quoted(cell));
        if (separator_ != ' ') skip_blanks();
      } else {
        while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n' && text_[at_] != '\r')
          cell.text += text_[at_++];
      }
      row.cells.push_back(std::move(cell));
      if (at_ < text_.size() && text_[at_] == separator_) {
        ++at_;
        if (separator_ != ' ') continue;
        skip_blanks();
        if (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') continue;
      }
      if (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') {
        return invalid_argument("line {}: text after a closing quote", first_line);
      }
      skip_line();
      return ok_status();
    }
  }

  Status read_quoted(Cell& cell) {
    const size_t first_line = line_;
    cell.quoted = true;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        if (at_ == text_.size() || text_[at_] != '"') return ok_status();
      }
      line_ += text_[at_] == '\n';
      cell.text += text_[at_];
    }
    return invalid_argument("line {}: a quote is not closed", first_line);
  }

  std::string_view text_;
  char separator_;
  size_t at_ = 0, line_ = 1;
};

bool all_numbers(const Row& row) {
  return std::all_of(row.cells.begin(), row.cells.end(), [](const Cell& c) { return is_number(c) || is_missing(c); });
}

bool has_header(const std::vector<Row>& rows, CsvOptions::Header wanted) {
  if (wanted != CsvOptions::Header::kAuto) return wanted == CsvOptions::Header::kYes && !rows.empty();
  return rows.size() > 1 && !all_numbers(rows[0]) && std::all_of(rows.begin() + 1, rows.end(), all_numbers);
}

DType common_dtype(std::span<const Row> rows) {
  bool integers = true;
  for (const Row& row : rows) {
    if (!all_numbers(row)) return DType::kString;
    integers =
        integers && std::all_of(row.cells.begin(), row.cells.end(), [](const Cell& c) { return is_integer(c.text); });
  }
  return integers ? DType::kInt64 : DType::kFloat32;
}

// The cells as T, which `parse` reads; a missing cell is `missing` or, without one, an error.
template <class T, class Parse>
Expected<Tensor> values_of(std::span<const Row> rows, size_t columns, std::optional<T> missing, Parse parse) {
  const Dims dims{static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns)};
  DType dtype = DType::kString;
  if constexpr (!std::is_same_v<T, std::string>) dtype = dtype_of<T>;
  ANYRT_ASSIGN(Tensor out, Tensor::make(dtype, dims));
  T* to = out.mutable_data<T>();
  for (const Row& row : rows) {
    for (size_t i = 0; i < columns; ++i) {
      std::optional<T> value = is_missing(row.cells[i]) ? missing : parse(row.cells[i].text);
      if (!value) {
        return invalid_argument("line {}, cell {}: '{}' is not a number of type {}", row.line, i + 1,
                                std::string_view(row.cells[i].text).substr(0, 40), dtype_name(dtype));
      }
      *to++ = *std::move(value);
    }
  }
  return out;
}

}  // namespace

Expected<Csv> decode_csv(std::string_view text, const CsvOptions& options) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const char separator = options.separator ? options.separator : find_separator(text);
  ANYRT_ASSIGN(std::vector<Row> rows, Reader(text, separator).rows());
  if (rows.empty()) return invalid_argument("there are no rows");
  Csv csv;
  std::span<const Row> data = rows;
  const size_t columns = rows[0].cells.size();
  if (has_header(rows, options.header)) {
    for (const Cell& c : rows[0].cells) csv.columns.push_back(c.quoted ? c.text : std::string(trimmed(c.text)));
    data = data.subspan(1);
  }
  const DType dtype = options.dtype == DType::kUndefined ? common_dtype(data) : options.dtype;
  if (dtype == DType::kString) {
    auto same = [](const std::string& s) { return std::optional(s); };
    ANYRT_ASSIGN(csv.values, values_of<std::string>(data, columns, std::string(), same));
  } else if (is_int(dtype) || dtype == DType::kBool) {
    ANYRT_ASSIGN(const Tensor exact, values_of<int64_t>(data, columns, std::nullopt, parse_integer_text));
    ANYRT_ASSIGN(csv.values, cast_tensor(exact, dtype));
  } else {
    ANYRT_ASSIGN(const Tensor exact,
                 values_of<double>(data, columns, std::numeric_limits<double>::quiet_NaN(), parse_double_text));
    ANYRT_ASSIGN(csv.values, cast_tensor(exact, dtype));
  }
  return csv;
}

Expected<Csv> read_csv(const std::string& path, const CsvOptions& options) {
  ANYRT_ASSIGN(const auto file, load_file(path));
  auto csv = decode_csv(as_text({file->data(), file->size()}), options);
  if (!csv.ok()) return std::move(csv).status().with_context(path);
  return csv;
}

Status encode_csv(const Tensor& values, const std::vector<std::string>& columns, ByteSink& sink) {
  const int64_t width = values.rank() < 2 ? 1 : values.dim(values.rank() - 1);
  ANYRT_ASSIGN(const Tensor text, cast_tensor(values, DType::kString));
  auto quoted = [](const std::string& s) {
    if (s.find_first_of(",\"\r\n") == std::string::npos && !s.starts_with('#')) return s;
    std::string out = "\"";
    for (char c : s) out.append(c == '"' ? 2 : 1, c);
    return out + '"';
  };
  std::string line;
  for (size_t i = 0; i < columns.size(); ++i) line += (i ? "," : "") + quoted(columns[i]);
  if (!columns.empty()) ANYRT_TRY(sink.write(as_bytes(line + '\n')));
  const std::string* cell = text.data<std::string>();
  for (int64_t i = 0; i < text.size(); i += width) {
    line.clear();
    for (int64_t k = 0; k < width; ++k) line += (k ? "," : "") + quoted(*cell++);
    ANYRT_TRY(sink.write(as_bytes(line + '\n')));
  }
  return ok_status();
}

}  // namespace anyrt
