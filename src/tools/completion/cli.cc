#include <cstdio>
#include <string>

#include "anyrt_version.h"
#include "base/command.h"
#include "base/json.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {{"shell", OptionKind::kText, "bash, zsh or fish; man: the manual page", "bash"},
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
               name.substr(at + 2, name.find(',', at) - at - 2) + "\n";
      }
    }
  }
  return out;
}

// Text for troff: no line begins with a control character, no '-' is a hyphen.
std::string troff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    line_start = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string man() {
  std::string out = ".TH ANYRT 1 \"\" \"anyrt " ANYRT_VERSION_STRING
                    "\" \"User Commands\"\n.SH NAME\nanyrt \\- run any ONNX model on any device, right and fast\n"
                    ".SH SYNOPSIS\n.B anyrt\n.I command\n.RI [ options ]\n.SH COMMANDS\n";
  for (size_t i = 0; i < kCommandsSize; ++i) {
    const Command& command = *kCommands[i];
    out += ".SS anyrt " + troff(command.name) + "\n" + troff(command.summary) + ".\n";
    for (const Option& o : command.options) {
      out += ".TP\n.B " + troff(o.name);
      if (o.name[0] == '-' && o.kind != OptionKind::kFlag) out += o.kind == OptionKind::kText ? " TEXT" : " VALUE";
      out += "\n" + troff(o.help);
      if (*o.fallback) out += troff(std::string(" (default: ") + o.fallback + ")");
      out += ".\n";
    }
    out += ".PP\nExamples:\n.PP\n.nf\n" + troff(command.example) + (command.example[0] ? "" : "\n") + ".fi\n";
  }
  return out +
         ".SH EXIT STATUS\n"
         "0 done; 1 the answer is no (a test failed, a check found something); 2 wrong arguments; 3 the model cannot "
         "be\n"
         "read or is broken; 4 inputs do not fit, or a file is missing; 5 not supported; 6 out of memory or time, or\n"
         "cancelled; 7 an error of anyrt itself.\n";
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
    std::printf("#compdef anyrt\nautoload -U +X bashcompinit && bashcompinit\n%s", bash().c_str());
  } else if (shell == "fish") {
    std::fputs(fish().c_str(), stdout);
  } else if (shell == "man") {
    std::fputs(man().c_str(), stdout);
  } else {
    std::fprintf(stderr, "anyrt: no completion for shell '%s'; there is bash, zsh and fish\n", shell.c_str());
    return kExitUsage;
  }
  return kExitOk;
}

}  // namespace

extern const Command command_completion = {
    .name = "completion",
    .summary = "Print a completion script for a shell, or the manual page",
    .example = "  source <(anyrt completion bash)\n  anyrt completion fish > ~/.config/fish/completions/anyrt.fish\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
