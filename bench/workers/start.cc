// usage: start COMMAND [ARGUMENT...]: starts the command and prints the nanoseconds until it has written its first
// line, which follows. The command ends with its input.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

extern char** environ;

int main(int argc, char** argv) {
  int to[2], from[2];
  if (argc < 2 || pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return 2;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to[0], 0);
  posix_spawn_file_actions_adddup2(&actions, from[1], 1);
  const auto start = std::chrono::steady_clock::now();
  pid_t child = 0;
  if (posix_spawnp(&child, argv[1], &actions, nullptr, argv + 1, environ) != 0) return 3;
  close(from[1]);
  std::string line;
  char c = 0;
  char block[4096];
  while (c != '\n') {
    const ssize_t n = read(from[0], block, sizeof block);
    if (n <= 0) break;
    line.append(block, static_cast<size_t>(n));
    c = line.back();
  }
  const auto end = std::chrono::steady_clock::now();
  close(to[1]);
  int status = 0;
  waitpid(child, &status, 0);
  if (line.empty() || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return 4;
  std::printf("%lld\n%s",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::nanoseconds>(end - start).count()),
              line.c_str());
  return 0;
}
