// Says which digits the pictures of a .npy file show, in C++17.
//
//   ./digits digits.onnx pictures.npy
#include <algorithm>
#include <anyrt/anyrt.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

// The numbers behind the header of a .npy file of float32.
static std::vector<float> read_numbers(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.size() < 10) return {};
  const std::size_t begin = 10 + static_cast<unsigned char>(bytes[8]) + 256 * static_cast<unsigned char>(bytes[9]);
  if (begin > bytes.size()) return {};
  std::vector<float> numbers((bytes.size() - begin) / sizeof(float));
  bytes.copy(reinterpret_cast<char*>(numbers.data()), numbers.size() * sizeof(float), begin);
  return numbers;
}

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: digits MODEL PICTURES\n";
    return 2;
  }
  const anyrt::Session session(argv[1], {{"threads", "1"}});
  for (const anyrt::ValueInfo input : session.inputs()) std::cout << input.name << ": " << input.type.text() << '\n';

  std::vector<float> numbers = read_numbers(argv[2]);
  const std::int64_t count = static_cast<std::int64_t>(numbers.size()) / 144;
  const anyrt::Value pictures = anyrt::Value::hold({count, 1, 12, 12}, std::move(numbers));
  const anyrt::Values results = session.run({{"picture", pictures}});
  const anyrt::View<const float> p = results[0].data<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    const float* row = p.data() + 10 * i;
    const auto best = std::max_element(row, row + 10);
    std::cout << "picture " << i << " shows a " << best - row << " (" << static_cast<int>(100 * *best + 0.5f)
              << " %)\n";
  }
} catch (const anyrt::Error& e) {
  std::cerr << e.code_name() << ": " << e.what() << '\n';
  return 1;
}
