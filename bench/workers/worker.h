// What the workers of the other engines share: inputs from .npy files, the protocol of `anyrt bench
// --rounds-from-stdin`.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace worker {

struct Array {
  std::string name;
  std::string type;  // as numpy writes it: "<f4"
  std::vector<int64_t> dims;
  std::vector<char> bytes;
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string name() const = 0;
  virtual std::string version() const = 0;
  virtual void run() = 0;
  virtual std::vector<Array> outputs() = 0;  // of the last run; what is no tensor of numbers is left out
};

struct Options {
  std::string library, model;
  int threads = 1;
  bool optimize = true;
  std::vector<Array> inputs;
};

[[noreturn]] inline void fail(const std::string& text) { throw std::runtime_error(text); }

inline Array read_npy(const std::string& name, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (all.size() < 12 || all.compare(0, 6, "\x93NUMPY") != 0) fail(path + " is no .npy file");
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(all[i])); };
  const bool v1 = all[6] == 1;
  const size_t start = v1 ? 10 : 12;
  const size_t end = start + (v1 ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16);
  if (end > all.size()) fail(path + " is cut off");
  const std::string header = all.substr(start, end - start);
  if (header.find("'fortran_order': False") == std::string::npos) fail(path + " is not in C order");
  Array a;
  a.name = name;
  const size_t descr = header.find('\'', header.find("'descr':") + 8) + 1;
  a.type = header.substr(descr, header.find('\'', descr) - descr);
  size_t at = header.find('(', header.find("'shape':")) + 1;
  while (at < header.size() && header[at] != ')') {
    char* stop = nullptr;
    const long long d = std::strtoll(header.c_str() + at, &stop, 10);
    if (stop == header.c_str() + at) break;
    a.dims.push_back(d);
    at = header.find_first_not_of(", ", static_cast<size_t>(stop - header.c_str()));
  }
  a.bytes.assign(all.begin() + static_cast<std::ptrdiff_t>(end), all.end());
  return a;
}

inline uint64_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

inline void write_outputs(const std::string& prefix, const std::vector<Array>& outputs) {
  std::ofstream list(prefix + ".txt");
  for (size_t i = 0; i < outputs.size(); ++i) {
    list << outputs[i].name << '\t' << outputs[i].type << '\t';
    for (size_t k = 0; k < outputs[i].dims.size(); ++k) list << (k ? "," : "") << outputs[i].dims[k];
    list << '\n';
    std::ofstream data(prefix + "." + std::to_string(i) + ".bin", std::ios::binary);
    data.write(outputs[i].bytes.data(), static_cast<std::streamsize>(outputs[i].bytes.size()));
  }
}

inline Options read_options(int argc, char** argv) {
  Options o;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    const auto next = [&]() -> std::string {
      if (i + 1 >= argc) fail(a + " needs a value");
      return argv[++i];
    };
    if (a == "--threads") {
      o.threads = std::atoi(next().c_str());
    } else if (a == "--unoptimized") {
      o.optimize = false;
    } else if (a == "-i") {
      const std::string text = next();
      const size_t eq = text.find('=');
      if (eq == std::string::npos) fail("-i expects NAME=FILE, found '" + text + "'");
      o.inputs.push_back(read_npy(text.substr(0, eq), text.substr(eq + 1)));
    } else {
      words.push_back(a);
    }
  }
  if (words.size() != 2) fail("usage: WORKER LIBRARY MODEL [--threads N] [--unoptimized] [-i NAME=FILE.npy]...");
  o.library = words[0];
  o.model = words[1];
  return o;
}

template <class MakeEngine>
int serve(int argc, char** argv, MakeEngine make_engine) {
  using Clock = std::chrono::steady_clock;
  const auto nanoseconds = [](Clock::time_point a, Clock::time_point b) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(b - a).count();
  };
  try {
    const Options options = read_options(argc, argv);
    const auto start = Clock::now();
    const std::unique_ptr<Engine> engine = make_engine(options);
    const auto made = Clock::now();
    engine->run();
    const auto end = Clock::now();
    std::printf("{\"engine\":\"%s\",\"version\":\"%s\",\"create_ms\":%.4f,\"first_ms\":%.4f,\"peak_bytes\":%llu}\n",
                engine->name().c_str(), engine->version().c_str(), static_cast<double>(nanoseconds(start, made)) / 1e6,
                static_cast<double>(nanoseconds(made, end)) / 1e6, static_cast<unsigned long long>(peak_bytes()));
    std::fflush(stdout);
    char line[4096];
    while (std::fgets(line, sizeof line, stdin)) {
      line[std::strcspn(line, "\r\n")] = 0;
      long long runs = 0;
      if (std::sscanf(line, "run %lld", &runs) == 1 && runs > 0) {
        int64_t least = std::numeric_limits<int64_t>::max();
        const auto begin = Clock::now();
        auto last = begin;
        for (long long k = 0; k < runs; ++k) {
          engine->run();
          const auto now = Clock::now();
          least = std::min<int64_t>(least, nanoseconds(last, now));
          last = now;
        }
        std::printf("%.1f %lld\n", static_cast<double>(nanoseconds(begin, last)) / static_cast<double>(runs),
                    static_cast<long long>(least));
      } else if (std::strncmp(line, "save ", 5) == 0) {
        engine->run();
        write_outputs(line + 5, engine->outputs());
        std::printf("saved\n");
      } else if (std::strcmp(line, "peak") == 0) {
        std::printf("%llu\n", static_cast<unsigned long long>(peak_bytes()));
      } else {
        fail("expected 'run K', 'save PATH' or 'peak', found '" + std::string(line) + "'");
      }
      std::fflush(stdout);
    }
    std::fflush(stdout);
    std::_Exit(0);  // engines that stumble over their own end shall not count as failures
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}

}  // namespace worker
