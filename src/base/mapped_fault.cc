#include "base/mapped_fault.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace anyrt {

namespace {

// What follows runs inside a signal handler: system calls and the stack only.
volatile std::sig_atomic_t wanted_exit_code = 1;

void put(const char* text, size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(STDERR_FILENO, text, size);
    if (n <= 0) return;
    text += n;
    size -= static_cast<size_t>(n);
  }
}

const char* hex(const char* text, uintptr_t& value) {
  for (value = 0;; ++text) {
    const int digit = *text >= '0' && *text <= '9' ? *text - '0' : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10 : -1;
    if (digit < 0) return text;
    value = value * 16 + static_cast<uintptr_t>(digit);
  }
}

// Prints the path in a line of /proc/self/maps ("begin-end mode offset device inode   path") that holds the address.
bool tell_path(const char* line, uintptr_t address) {
  uintptr_t begin = 0, end = 0;
  line = hex(line, begin);
  if (*line != '-') return false;
  hex(line + 1, end);
  if (address < begin || address >= end) return false;
  const char* path = std::strchr(line, '/');
  if (path == nullptr) return false;
  put(path, std::strlen(path));
  return true;
}

void tell_file(uintptr_t address) {
  const int maps = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  char line[4400];
  size_t used = 0;
  char byte = 0;
  while (maps >= 0 && ::read(maps, &byte, 1) == 1) {
    if (byte != '\n') {
      if (used + 1 < sizeof line) line[used++] = byte;
      continue;
    }
    line[used] = '\0';
    used = 0;
    if (tell_path(line, address)) return;
  }
  put("a mapped file", 13);
}

void on_bus_error(int signal, siginfo_t* info, void*) {
  if (info->si_code != BUS_ADRERR) {
    std::signal(signal, SIG_DFL);
    ::raise(signal);
    return;
  }
  constexpr char kBefore[] = "anyrt: error: ",
                 kAfter[] = " became shorter, or could not be read, while it was in use\n";
  put(kBefore, sizeof kBefore - 1);
  tell_file(reinterpret_cast<uintptr_t>(info->si_addr));
  put(kAfter, sizeof kAfter - 1);
  ::_exit(wanted_exit_code);
}

}  // namespace

void exit_on_lost_mapping(int exit_code) {
  wanted_exit_code = exit_code;
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace anyrt
