// SPDX-License-Identifier: Apache-2.0
#include "host/native/arguments.hpp"

#include <functional>
#include <sstream>

namespace sparkvsr::host::native {
namespace {

[[noreturn]] void refuse(const std::string& expected, const std::string& found) {
  throw UsageError("expected " + expected + ", found \"" + found + "\"");
}

double realOf(const std::string& text) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::logic_error&) {
    refuse("a number", text);
  }
  if (used != text.size()) refuse("a number", text);
  return value;
}

int wholeOf(const std::string& text, int low) {
  const double value = realOf(text);
  const bool whole = value == static_cast<int>(value) && value >= low;
  if (!whole) refuse("a whole number of at least " + std::to_string(low), text);
  return static_cast<int>(value);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// Text before and after the first `separator`. Raises UsageError where there is none.
std::pair<std::string, std::string> cut(const std::string& text, char separator, const std::string& form) {
  const std::size_t at = text.find(separator);
  if (at == std::string::npos) refuse(form, text);
  return {text.substr(0, at), text.substr(at + 1)};
}

bool isNumber(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.-+e") == std::string::npos;
}

OverrideValue overrideOf(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  if (text.find(',') != std::string::npos) return split(text, ',');
  if (!isNumber(text)) return text;
  const double value = realOf(text);
  if (value == static_cast<double>(static_cast<long long>(value))) return static_cast<long long>(value);
  return value;
}

void readSize(Arguments& into, const std::string& text) {
  const auto [width, height] = cut(text, 'x', "WIDTHxHEIGHT");
  into.width = wholeOf(width, 1);
  into.height = wholeOf(height, 1);
}

void readTimes(Arguments& into, const std::string& text) {
  for (const std::string& part : split(text, ',')) into.times.push_back(realOf(part));
}

void readPress(Arguments& into, const std::string& text) {
  const std::size_t at = text.find('@');
  Edit edit{text.substr(0, at), std::nullopt, std::nullopt};
  if (at != std::string::npos) edit.time = realOf(text.substr(at + 1));
  into.edits.push_back(edit);
}

void readSet(Arguments& into, const std::string& text) {
  const auto [name, value] = cut(text, '=', "NAME=VALUE");
  into.edits.push_back({name, value, std::nullopt});
}

void readKey(Arguments& into, const std::string& text) {
  const auto [place, value] = cut(text, '=', "NAME@TIME=VALUE");
  const auto [name, time] = cut(place, '@', "NAME@TIME=VALUE");
  into.edits.push_back({name, value, realOf(time)});
}

void readOverride(Arguments& into, const std::string& text) {
  const auto [field, value] = cut(text, '=', "FIELD=VALUE");
  into.overrides.emplace_back(field, overrideOf(value));
}

struct Option {
  const char* name;
  const char* value;  // nullptr: takes none
  const char* help;
  std::function<void(Arguments&, const std::string&)> read;
};

using Text = const std::string&;

const std::vector<Option>& options() {
  static const std::vector<Option> all = {
      {"--personality", "NAME", "the host to be (nuke)", [](Arguments& a, Text t) { a.personality = t; }},
      {"--override", "FIELD=VALUE", "one trait of it: true, false, a number, a word, or a list with commas",
       readOverride},
      {"--identifier", "ID", "which plugin of the binary (the first)", [](Arguments& a, Text t) { a.identifier = t; }},
      {"--context", "NAME", "Filter or General", [](Arguments& a, Text t) { a.context = "OfxImageEffectContext" + t; }},
      {"--size", "WxH", "of Source (64x48)", readSize},
      {"--frames", "N", "length of Source (5)", [](Arguments& a, Text t) { a.frames = wholeOf(t, 1); }},
      {"--first", "N", "number of its first frame (0)", [](Arguments& a, Text t) { a.first = wholeOf(t, -1000000); }},
      {"--keyframes", "N", "connect Keyframes, N times as large as Source",
       [](Arguments& a, Text t) { a.keyframeScale = wholeOf(t, 1); }},
      {"--depth", "DEPTH", "byte, short, half or float", [](Arguments& a, Text t) { a.depth = depthFromName(t); }},
      {"--components", "N", "3 or 4", [](Arguments& a, Text t) { a.components = wholeOf(t, 3); }},
      {"--padding", "BYTES", "between rows (0)", [](Arguments& a, Text t) { a.padding = wholeOf(t, 0); }},
      {"--set", "NAME=VALUE", "a parameter; a choice by its label or number", readSet},
      {"--key", "NAME@TIME=VALUE", "a key of a parameter", readKey},
      {"--press", "NAME[@TIME]", "a button", readPress},
      {"--times", "T,T,...", "what to render (every frame of Source)", readTimes},
      {"--threads", "N", "render threads (1)", [](Arguments& a, Text t) { a.threads = wholeOf(t, 1); }},
      {"--abort-after-ms", "MS", "abort each render", [](Arguments& a, Text t) { a.abortAfterMs = realOf(t); }},
      {"--rounds", "N", "load, render and unload so often (1)", [](Arguments& a, Text t) { a.rounds = wholeOf(t, 1); }},
      {"--describe", nullptr, "list clips and parameters first", [](Arguments& a, Text) { a.describe = true; }},
      {"--help", nullptr, "this", [](Arguments& a, Text) { a.help = true; }},
  };
  return all;
}

const Option& optionNamed(const std::string& name) {
  for (const Option& option : options()) {
    if (name == option.name) return option;
  }
  throw UsageError("there is no option " + name);
}

}  // namespace

Arguments parseArguments(const std::vector<std::string>& words) {
  Arguments made;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].rfind("--", 0) != 0) {
      if (!made.bundle.empty()) throw UsageError("expected one bundle, found also " + words[i]);
      made.bundle = words[i];
      continue;
    }
    const Option& option = optionNamed(words[i]);
    if (option.value != nullptr && i + 1 == words.size()) throw UsageError(words[i] + " needs a value");
    option.read(made, option.value != nullptr ? words[++i] : std::string());
  }
  if (made.bundle.empty() && !made.help) throw UsageError("no bundle or .ofx file was named");
  return made;
}

std::string usage() {
  std::ostringstream text;
  text << "usage: sparkvsr-host BUNDLE [options]\n"
          "Loads an OpenFX image effect as a host would, renders frames of a moving pattern, checks what the plugin "
          "does.\n"
          "Exit status: 0 all well, 1 something failed, 2 wrong usage, 3 the plugin broke rules of the standard.\n";
  for (const Option& option : options()) {
    const std::string form =
        std::string(option.name) + (option.value != nullptr ? " " + std::string(option.value) : "");
    text << "  " << form << std::string(form.size() < 26 ? 26 - form.size() : 1, ' ') << option.help << '\n';
  }
  text << "personalities:";
  for (const std::string& name : personalityNames()) text << ' ' << name;
  text << '\n';
  return text.str();
}

}  // namespace sparkvsr::host::native
