#include <dirent.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "anyrt/anyrt.h"

// Loads libanyrt.so and unloads it again: this program is not linked to it.
namespace {

template <class F>
F* find(void* library, const char* name) {
  F* f = reinterpret_cast<F*>(dlsym(library, name));
  EXPECT_NE(f, nullptr) << name;
  return f;
}
#define ANYRT_FIND(library, name) const auto name = find<decltype(::name)>(library, #name)

int thread_count() {
  int count = 0;
  DIR* dir = opendir("/proc/self/task");
  while (const dirent* entry = readdir(dir)) count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

// Bytes in use on the heap. What the process keeps of freed memory depends on which threads came when.
size_t heap_in_use() {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Loads the library, runs a model on several threads and asynchronously, and closes the library.
void cycle() {
  void* library = dlopen(ANYRT_TEST_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  {
    ANYRT_FIND(library, anyrt_options_create);
    ANYRT_FIND(library, anyrt_options_set);
    ANYRT_FIND(library, anyrt_options_free);
    ANYRT_FIND(library, anyrt_session_load);
    ANYRT_FIND(library, anyrt_session_run);
    ANYRT_FIND(library, anyrt_session_run_async);
    ANYRT_FIND(library, anyrt_session_free);
    ANYRT_FIND(library, anyrt_tensor_create);
    ANYRT_FIND(library, anyrt_tensor_size);
    ANYRT_FIND(library, anyrt_value_free);
    ANYRT_FIND(library, anyrt_status_message);
    ANYRT_FIND(library, anyrt_set_log_callback);
    anyrt_options* options = nullptr;
    ASSERT_EQ(anyrt_options_create(&options), nullptr);
    ASSERT_EQ(anyrt_options_set(options, "threads", "4"), nullptr);
    ASSERT_EQ(anyrt_set_log_callback([](void*, anyrt_log_level, const char*) {}, nullptr), nullptr);
    anyrt_session* session = nullptr;
    const std::string model = std::string(getenv("ANYRT_SOURCE_DIR")) + "/examples/digits/digits.onnx";
    anyrt_status* status = anyrt_session_load(model.c_str(), options, &session);
    ASSERT_EQ(status, nullptr) << anyrt_status_message(status);
    anyrt_options_free(options);
    const int64_t dims[] = {2000, 1, 12, 12};
    anyrt_value* x = nullptr;
    ASSERT_EQ(anyrt_tensor_create(ANYRT_FLOAT32, dims, 4, &x), nullptr);
    const anyrt_value* inputs[] = {x};
    anyrt_value* outputs[] = {nullptr};
    ASSERT_EQ(anyrt_session_run(session, nullptr, nullptr, inputs, 1, nullptr, outputs, 1), nullptr);
    EXPECT_EQ(anyrt_tensor_size(outputs[0]), 20000u);
    EXPECT_GT(thread_count(), 1);
    static decltype(::anyrt_value_free)* free_value;
    free_value = anyrt_value_free;
    const anyrt_run_fn callback = [](void*, anyrt_status* failed, anyrt_value** made, size_t count) {
      EXPECT_EQ(failed, nullptr);
      for (size_t i = 0; i < count; ++i) free_value(made[i]);
    };
    ASSERT_EQ(anyrt_session_run_async(session, nullptr, nullptr, inputs, 1, nullptr, nullptr, 1, callback, nullptr),
              nullptr);
    anyrt_value_free(outputs[0]);
    anyrt_value_free(x);
    anyrt_session_free(session);
  }
  dlclose(library);
}

TEST(Unload, LeavesNothingBehind) {
  const int threads = thread_count();
  mallopt(M_ARENA_MAX, 1);
  size_t after_ten = 0;
  for (int i = 0; i < 50; ++i) {
    cycle();
    ASSERT_EQ(dlopen(ANYRT_TEST_LIBRARY, RTLD_NOW | RTLD_NOLOAD), nullptr) << "round " << i << ": still loaded";
    // A thread that was waited for may still be on its way out of the system's list.
    for (int wait = 0; wait < 1000 && thread_count() != threads; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_EQ(thread_count(), threads) << "round " << i;
    if (i == 9) after_ten = heap_in_use();
  }
  EXPECT_LT(heap_in_use(), after_ten + (16 << 10)) << "bytes over 40 rounds";
}

}  // namespace
