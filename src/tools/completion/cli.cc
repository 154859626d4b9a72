#include <cstdio>
#include <string>

#include "base/command.h"
#include "base/json.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {{"shell", OptionKind::kText, "bash, zsh or fish", "bash"},
                               {"--json", OptionKind::kFlag, "print all commands and their options as JSON instead"}};

Json commands_json() {
  Json all = Json::array();
  for (size_t i = 0; i < kCommandsSize; ++i) {
    Json options = Json::array();
    for (const Option& o : kCommands[i]->options) {
      Json one = Json::object();
      one.set("name", o.name).set("help", o.help).set("default", o.fallback).set("required", o.required);
      one.set("takes_value", o.kind != OptionKind::kFlag).set("repeats", o.kind == OptionKind::kList);
      options.push_back(std::move(one));
    }
    Json command = Json::object();
    command.set("name", kCommands[i]->name).set("summary", kCommands[i]->summary).set("options", std::move(options));
    all.push_back(std::move(command));
  }
  return all;
}

std::string option_words(const Command& command) {
  std::string out = "--help";
  for (const Option& o : command.options) {
    std::string name(o.name);
    if (name[0] != '-') continue;
    for (char& c : name) c = c == ',' ? ' ' : c;
    out += " " + name;
  }
  return out;
}

std::string bash() {
  std::string names, cases;
  for (size_t i = 0; i < kCommandsSize; ++i) {
    names += std::string(i ? " " : "") + kCommands[i]->name;
    cases += "    " + std::string(kCommands[i]->name) + ") words=\"" + option_words(*kCommands[i]) + "\" ;;\n";
  }
  return "_anyrt() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    "
         "COMPREPLY=($(compgen -W \"" +
         names + " --help --version\" -- \"$cur\"))\n    return\n  fi\n  case \"${COMP_WORDS[1]}\" in\n" + cases +
         "  esac\n  if [[ \"$cur\" == -* ]]; then\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n  else\n    "
         "COMPREPLY=($(compgen -f -- \"$cur\"))\n  fi\n}\n"
         "complete -o filenames -F _anyrt anyrt\n";
}

std::string fish() {
  std::string out;
  for (size_t i = 0; i < kCommandsSize; ++i) {
    out += std::string("complete -c anyrt -n __fish_use_subcommand -a ") + kCommands[i]->name + " -d '" +
           kCommands[i]->summary + "'\n";
    for (const Option& o : kCommands[i]->options) {
      std::string name(o.name);
      if (const size_t at = name.rfind("--"); at != std::string::npos) {
        out += std::string("complete -c anyrt -n '__fish_seen_subcommand_from ") + kCommands[i]->name + "' -l " +
               name.substr(at + 2) + "\n";
      }
    }
  }
  return out;
}

int run(const Args& args) {
  if (args.flag("json")) {
    std::printf("%s\n", commands_json().dump(2).c_str());
    return kExitOk;
  }
  const std::string shell = args.text("shell");
  if (shell == "bash") {
    std::fputs(bash().c_str(), stdout);
  } else if (shell == "zsh") {
    std::printf("autoload -U +X bashcompinit && bashcompinit\n%s", bash().c_str());
  } else if (shell == "fish") {
    std::fputs(fish().c_str(), stdout);
  } else {
    std::fprintf(stderr, "anyrt: no completion for shell '%s'; there is bash, zsh and fish\n", shell.c_str());
    return kExitUsage;
  }
  return kExitOk;
}

}  // namespace

extern const Command command_completion = {
    .name = "completion",
    .summary = "Print a completion script for a shell",
    .example = "  source <(anyrt completion bash)\n  anyrt completion fish > ~/.config/fish/completions/anyrt.fish\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
