#ifndef ANYRT_SESSION_HPP_
#define ANYRT_SESSION_HPP_

#include "anyrt/error.hpp"
#include "anyrt/value.hpp"

namespace anyrt {
inline namespace api1 {

// Options of a session; see anyrt_options_set for keys and values.
class Options {
 public:
  Options() : raw_(make()) {}
  Options(std::initializer_list<std::pair<Text, Text>> rows) : Options() {
    for (const auto& row : rows) set(row.first, row.second);
  }
  Options& set(Text key, Text value) {
    check(anyrt_options_set(raw_.get(), key.c_str(), value.c_str()));
    return *this;
  }
  const anyrt_options* get() const noexcept { return raw_.get(); }

 private:
  static anyrt_options* make() {
    anyrt_options* out = nullptr;
    check(anyrt_options_create(&out));
    return out;
  }
  Handle<anyrt_options, anyrt_options_free> raw_;
};

// Limits of runs, and the means to stop them. May go before the runs end.
class RunOptions {
 public:
  RunOptions() : raw_(make()) {}
  // Stops all runs started with these options, from any thread, until reset.
  void cancel() noexcept { anyrt_run_options_cancel(raw_.get()); }
  void reset() noexcept { anyrt_run_options_reset(raw_.get()); }
  // Seconds; 0: any time.
  RunOptions& set_timeout(double seconds) {
    check(anyrt_run_options_set_timeout(raw_.get(), seconds));
    return *this;
  }
  // Bytes of activations; 0: what the session's options say.
  RunOptions& set_memory_cap(std::size_t bytes) {
    check(anyrt_run_options_set_memory_cap(raw_.get(), bytes));
    return *this;
  }
  const anyrt_run_options* get() const noexcept { return raw_.get(); }

 private:
  static anyrt_run_options* make() {
    anyrt_run_options* out = nullptr;
    check(anyrt_run_options_create(&out));
    return out;
  }
  Handle<anyrt_run_options, anyrt_run_options_free> raw_;
};

// One input of a run: by name, or by position where the others are too.
struct Input {
  Input(Text input_name, const Value& input) : name(input_name.c_str()), value(input.get()) {}
  Input(const Value& input) : name(nullptr), value(input.get()) {}  // NOLINT: implicit by design
  const char* name;
  const anyrt_value* value;
};

// One output that a run shall make, or write into a tensor of the caller's.
struct Output {
  Output(const char* output_name) : name(output_name), into(nullptr) {}  // NOLINT
  template <class S, class = decltype(std::declval<const S&>().c_str())>
  Output(const S& output_name) : name(output_name.c_str()), into(nullptr) {}  // NOLINT
  Output(Text output_name, Value& place) : name(output_name.c_str()), into(place.get()) {}
  const char* name;
  anyrt_value* into;
};

// A list as a parameter: {...}, or a pointer and a size. Holds nothing itself.
template <class T>
class List {
 public:
  List() = default;
  List(std::initializer_list<T> items) {  // NOLINT: implicit by design
    data_ = items.begin();
    size_ = items.size();
  }
  List(const T* items, std::size_t size) : data_(items), size_(size) {}
  template <class C, class = decltype(static_cast<const T*>(std::declval<const C&>().data()))>
  List(const C& items) : data_(items.data()), size_(items.size()) {}  // NOLINT
  std::size_t size() const noexcept { return size_; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};
using Inputs = List<Input>;
using Outputs = List<Output>;

// What a model says of its inputs or outputs.
struct ValueInfo {
  const char* name;
  TypeRef type;
};
class ValueInfos {
 public:
  using CountFn = std::size_t (*)(const anyrt_session*);
  using NameFn = const char* (*)(const anyrt_session*, std::size_t);
  using TypeFn = const anyrt_type* (*)(const anyrt_session*, std::size_t);
  ValueInfos(const anyrt_session* session, CountFn count, NameFn name, TypeFn type)
      : session_(session), size_(count(session)), name_(name), type_(type) {}
  std::size_t size() const noexcept { return size_; }
  ValueInfo operator[](std::size_t i) const noexcept { return {name_(session_, i), TypeRef(type_(session_, i))}; }

  class Iterator {
   public:
    Iterator(const ValueInfos* list, std::size_t i) : list_(list), i_(i) {}
    ValueInfo operator*() const noexcept { return (*list_)[i_]; }
    Iterator& operator++() noexcept {
      ++i_;
      return *this;
    }
    bool operator!=(const Iterator& other) const noexcept { return i_ != other.i_; }

   private:
    const ValueInfos* list_;
    std::size_t i_;
  };
  Iterator begin() const noexcept { return {this, 0}; }
  Iterator end() const noexcept { return {this, size_}; }

 private:
  const anyrt_session* session_;
  std::size_t size_;
  NameFn name_;
  TypeFn type_;
};

namespace detail {

// Short lists need no allocation.
template <class T>
class Array {
 public:
  explicit Array(std::size_t size) : data_(size > kSmall ? new T[size]() : small_) {}
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() {
    if (data_ != small_) delete[] data_;
  }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  T* data() noexcept { return data_; }

 private:
  static constexpr std::size_t kSmall = 4;
  T small_[kSmall] = {};
  T* data_;
};

// A request in the form that the C interface takes.
struct Request {
  Request(const Inputs& inputs, const Outputs& outputs, std::size_t all_outputs)
      : input_count(inputs.size()),
        output_count(outputs.size() ? outputs.size() : all_outputs),
        chosen(outputs.size() > 0),
        input_name_rows(input_count),
        output_name_rows(output_count),
        value_rows(input_count),
        place_rows(output_count) {
    for (std::size_t i = 0; i < input_count; ++i) {
      named = named || inputs[i].name;
      input_name_rows[i] = inputs[i].name;
      value_rows[i] = inputs[i].value;
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      output_name_rows[i] = outputs[i].name;
      place_rows[i] = outputs[i].into;
    }
  }
  const char* const* input_names() { return named ? input_name_rows.data() : nullptr; }
  const anyrt_value* const* values() { return value_rows.data(); }
  const char* const* output_names() { return chosen ? output_name_rows.data() : nullptr; }
  anyrt_value** places() { return place_rows.data(); }

  std::size_t input_count, output_count;
  bool named = false, chosen;
  Array<const char*> input_name_rows, output_name_rows;
  Array<const anyrt_value*> value_rows;
  Array<anyrt_value*> place_rows;
};

}  // namespace detail

// A model ready to run. Any number of threads may run it at a time.
class Session {
 public:
  explicit Session(Text path, const Options& options = Options()) {
    check(anyrt_session_load(path.c_str(), options.get(), assign()));
  }
  // Models in memory: copied where needed.
  static Session from_bytes(const void* data, std::size_t size, const Options& options = Options()) {
    Session s;
    check(anyrt_session_load_bytes(data, size, nullptr, nullptr, options.get(), s.assign()));
    return s;
  }
  // Anything with read(char*, n) and gcount(), such as a std::ifstream.
  template <class Stream>
  static Session from_stream(Stream& stream, const Options& options = Options()) {
    Session s;
    const anyrt_read_fn read = [](void* user, void* buffer, std::size_t size) -> std::int64_t {
      try {
        auto& from = *static_cast<Stream*>(user);
        from.read(static_cast<char*>(buffer), static_cast<std::ptrdiff_t>(size));
        return from.bad() ? -1 : static_cast<std::int64_t>(from.gcount());
      } catch (...) {
        return -1;
      }
    };
    check(anyrt_session_load_stream(read, &stream, options.get(), s.assign()));
    return s;
  }

  ValueInfos inputs() const noexcept {
    return {get(), anyrt_session_input_count, anyrt_session_input_name, anyrt_session_input_type};
  }
  // Inputs with a default, which need not be given.
  ValueInfos initializers() const noexcept {
    return {get(), anyrt_session_initializer_count, anyrt_session_initializer_name, anyrt_session_initializer_type};
  }
  ValueInfos outputs() const noexcept {
    return {get(), anyrt_session_output_count, anyrt_session_output_name, anyrt_session_output_type};
  }
  // producer_name, domain, description …, see anyrt_session_info; a null pointer for other keys.
  const char* info(Text key) const noexcept { return anyrt_session_info(get(), key.c_str()); }
  // A row of the model's own metadata; a null pointer where it has none of that name.
  const char* metadata(Text key) const noexcept {
    for (std::size_t i = 0; i < anyrt_session_metadata_count(get()); ++i) {
      if (std::strcmp(anyrt_session_metadata_key(get(), i), key.c_str()) == 0)
        return anyrt_session_metadata_value(get(), i);
    }
    return nullptr;
  }
  // What runs where and how, as a std::string or the like.
  template <class String>
  String explain() const {
    char* text = nullptr;
    check(anyrt_session_explain(get(), &text));
    const Handle<char, anyrt_text_free> owner(text);
    return String(text);
  }

  // session.run({{"x", x}}), session.run({x, y}, {"probabilities"}), session.run({x}, {{"y", place}}).
  // All outputs where none are named. Outputs with a place are written there; the result shares it.
  Values run(Inputs inputs, Outputs outputs = {}) const { return run_with(nullptr, inputs, outputs); }
  Values run(const RunOptions& options, Inputs inputs, Outputs outputs = {}) const {
    return run_with(options.get(), inputs, outputs);
  }

  // The same without waiting. `done(const Error* error, Values outputs)` is called once, on another thread; `error` is
  // a null pointer when all is well. It must not throw. The session waits for its runs when it goes.
  template <class F>
  auto run_async(const RunOptions& options, Inputs inputs, Outputs outputs, F&& done)
      -> decltype(done(static_cast<const Error*>(nullptr), Values()), void()) {
    start(options, inputs, outputs, std::forward<F>(done));
  }
  // With #include <future>: std::future<anyrt::Values> f = session.run_async<std::promise>(options, {{"x", x}});
  template <template <class> class Promise>
  auto run_async(const RunOptions& options, Inputs inputs, Outputs outputs = {})
      -> decltype(std::declval<Promise<Values>&>().get_future()) {
    Promise<Values> promise;
    auto future = promise.get_future();
    start(options, inputs, outputs, [p = std::move(promise)](const Error* error, Values values) mutable {
      if (error) {
        p.set_exception(std::make_exception_ptr(*error));
      } else {
        p.set_value(std::move(values));
      }
    });
    return future;
  }

  anyrt_session* get() const noexcept { return raw_.get(); }

 private:
  Session() = default;
  struct Assign {
    Handle<anyrt_session, anyrt_session_free>& to;
    anyrt_session* raw = nullptr;
    operator anyrt_session**() noexcept { return &raw; }  // NOLINT
    ~Assign() { to = Handle<anyrt_session, anyrt_session_free>(raw); }
  };
  Assign assign() noexcept { return {raw_}; }

  static Values take(anyrt_value** outputs, std::size_t count) {
    Values values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = Value(outputs[i]);
    return values;
  }

  Values run_with(const anyrt_run_options* options, const Inputs& inputs, const Outputs& outputs) const {
    detail::Request r(inputs, outputs, anyrt_session_output_count(get()));
    Values values(r.output_count);
    check(anyrt_session_run(get(), options, r.input_names(), r.values(), r.input_count, r.output_names(), r.places(),
                            r.output_count));
    for (std::size_t i = 0; i < r.output_count; ++i) {
      const bool placed = i < outputs.size() && outputs[i].into;
      values[i] = Value(r.places()[i]);
      if (!placed) continue;
      Value shared(values[i]);
      values[i].release();  // the caller's own handle
      values[i] = std::move(shared);
    }
    return values;
  }

  template <class F>
  void start(const RunOptions& options, const Inputs& inputs, const Outputs& outputs, F&& done) {
    using Done = std::decay_t<F>;
    detail::Request r(inputs, outputs, anyrt_session_output_count(get()));
    auto* box = new Done(std::forward<F>(done));
    const anyrt_run_fn call = [](void* user, anyrt_status* status, anyrt_value** made, std::size_t count) {
      auto* d = static_cast<Done*>(user);
      if (status) {
        const Error error(anyrt_status_code(status), anyrt_status_message(status));
        anyrt_status_free(status);
        (*d)(&error, Values());
      } else {
        (*d)(nullptr, take(made, count));
      }
      delete d;
    };
    anyrt_status* status = anyrt_session_run_async(get(), options.get(), r.input_names(), r.values(), r.input_count,
                                                   r.output_names(), r.places(), r.output_count, call, box);
    if (status) delete box;
    check(status);
  }

  Handle<anyrt_session, anyrt_session_free> raw_;
};

// Inputs and outputs set once, run often. The session must outlive it.
class Binding {
 public:
  explicit Binding(const Session& session) {
    anyrt_binding* out = nullptr;
    check(anyrt_binding_create(session.get(), &out));
    raw_ = Handle<anyrt_binding, anyrt_binding_free>(out);
  }
  void set_input(Text name, const Value& value) {
    check(anyrt_binding_set_input(raw_.get(), name.c_str(), value.get()));
  }
  // With a tensor to write into, or for a new value with each run.
  void set_output(Text name, Value& place) { check(anyrt_binding_set_output(raw_.get(), name.c_str(), place.get())); }
  void set_output(Text name) { check(anyrt_binding_set_output(raw_.get(), name.c_str(), nullptr)); }
  void clear() noexcept { anyrt_binding_clear(raw_.get()); }
  void run() { check(anyrt_binding_run(raw_.get(), nullptr)); }
  void run(const RunOptions& options) { check(anyrt_binding_run(raw_.get(), options.get())); }
  // A result of the last run.
  Value output(Text name) const {
    anyrt_value* out = nullptr;
    check(anyrt_binding_get_output(raw_.get(), name.c_str(), &out));
    return Value(out);
  }

 private:
  Handle<anyrt_binding, anyrt_binding_free> raw_;
};

}  // namespace api1
}  // namespace anyrt

#endif  // ANYRT_SESSION_HPP_
