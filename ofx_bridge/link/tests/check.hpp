// SPDX-License-Identifier: Apache-2.0
// The smallest test frame that says what it compared: TEST(name) { CHECK(...); CHECK_EQUAL(a, b); }
#pragma once

#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace check {

struct Case {
  std::string name;
  std::function<void()> body;
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Registrar {
  Registrar(const char* name, std::function<void()> body) { cases().push_back({name, std::move(body)}); }
};

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool held, const char* text, const char* file, int line) {
  if (held) return;
  std::ostringstream out;
  out << file << ":" << line << ": " << text << " does not hold";
  throw Failure(out.str());
}

template <typename A, typename B>
void requireEqual(const A& a, const B& b, const char* text, const char* file, int line) {
  if (a == b) return;
  std::ostringstream out;
  out << file << ":" << line << ": " << text << ": " << a << " != " << b;
  throw Failure(out.str());
}

/// The alternative T of a variant, or a failure that quotes its Error.
template <typename T, typename Variant>
auto& get(Variant& outcome, const char* file, int line) {
  if (auto* value = std::get_if<T>(&outcome)) return *value;
  std::ostringstream out;
  out << file << ":" << line << ": another alternative is held, number " << outcome.index();
  throw Failure(out.str());
}

/// Runs the cases whose names contain one of the arguments; all without any. Returns the number of failures.
inline int run(int argc, char** argv) {
  int failed = 0;
  int ran = 0;
  for (const Case& item : cases()) {
    bool wanted = argc <= 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || item.name.find(argv[i]) != std::string::npos;
    if (!wanted) continue;
    ++ran;
    try {
      item.body();
      std::cout << "ok      " << item.name << std::endl;
    } catch (const std::exception& failure) {
      ++failed;
      std::cout << "FAILED  " << item.name << ": " << failure.what() << std::endl;
    }
  }
  std::cout << (ran - failed) << " passed, " << failed << " failed" << std::endl;
  return ran == 0 ? 1 : failed;
}

}  // namespace check

#define TEST(name)                                                     \
  static void test_##name();                                           \
  static const check::Registrar registrar_##name(#name, &test_##name); \
  static void test_##name()
#define CHECK(condition) check::require(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(a, b) check::requireEqual((a), (b), #a " == " #b, __FILE__, __LINE__)
#define GET(type, outcome) check::get<type>((outcome), __FILE__, __LINE__)
