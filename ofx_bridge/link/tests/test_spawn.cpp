// SPDX-License-Identifier: Apache-2.0
// What a spawned process gets from its host, and what the link learns of its end.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "check.hpp"
#include "command.hpp"
#include "environment.hpp"
#include "spawn.hpp"
#include "temporary.hpp"
#include "waiting.hpp"

namespace {

using namespace sparkvsr;
using namespace sparkvsr::detail;

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

BackendStart spawned(const std::vector<std::string>& command, const std::string& folder) {
  auto out = BackendStart::spawn(command, folder);
  return std::move(GET(BackendStart, out));
}

int awaited(BackendStart& start) {
  for (int i = 0; i < 500; ++i) {
    if (const auto status = start.exited()) return *status;
    std::this_thread::sleep_for(Milliseconds(10));
  }
  throw check::Failure("the command did not end");
}

/// Runs a shell line as the backend and returns what it wrote to its log.
std::string logOf(const std::string& line) {
  const temporary::Folder folder;
  BackendStart start = spawned({"/bin/sh", "-c", line}, folder.path());
  awaited(start);
  return contents(folder.path() + "/backend-v1.log");
}

bool hasChild() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

}  // namespace

TEST(host_variables_are_recognised) {
  for (const char* name :
       {"LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONPATHFOO",
        "QT_PLUGIN_PATH", "QT_QPA_PLATFORM", "QML2_IMPORT_PATH", "BASH_ENV", "ENV"}) {
    CHECK(hostOnly(name));
  }
  for (const char* name :
       {"PATH", "HOME", "LANG", "CUDA_VISIBLE_DEVICES", "OCIO", "XDG_RUNTIME_DIR", "SPARKVSR_LOG", "ENVIRONMENT"}) {
    CHECK(!hostOnly(name));
  }
}

TEST(a_backend_gets_a_clean_environment) {
  const temporary::Variable library("LD_LIBRARY_PATH", "/opt/host/lib");
  const temporary::Variable python("PYTHONHOME", "/opt/host/python");
  const temporary::Variable kept("SPARKVSR_TEST_KEPT", "yes");
  const std::string log = logOf("env");
  CHECK_EQUAL(log.find("LD_LIBRARY_PATH"), std::string::npos);
  CHECK_EQUAL(log.find("PYTHONHOME"), std::string::npos);
  CHECK(log.find("SPARKVSR_TEST_KEPT=yes") != std::string::npos);
  CHECK(log.find("SPARKVSR_RUNTIME_DIR=/tmp/svsr-") != std::string::npos);
}

TEST(a_backend_inherits_no_descriptor) {
  const int leaky = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as hosts have many
  CHECK_EQUAL(::fcntl(leaky, F_DUPFD, 200), 200);
  const std::string log = logOf("ls /proc/$$/fd");
  ::close(leaky);
  ::close(200);
  CHECK_EQUAL(log, "0\n1\n2\n");
}

TEST(a_backend_has_its_own_session_and_default_signals) {
  ::signal(SIGTERM, SIG_IGN);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  const std::string log = logOf(
      "read pid comm state ppid pgrp sid rest < /proc/$$/stat; echo $sid; pwd; exec grep -E 'SigBlk|SigIgn' "
      "/proc/self/status");
  ::signal(SIGTERM, SIG_DFL);
  ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  CHECK(log.find(std::to_string(::getsid(0)) + "\n") != 0);
  CHECK(log.find("\n/\n") != std::string::npos);
  CHECK(log.find("SigBlk:\t0000000000000000") != std::string::npos);
  const std::string ignored = log.substr(log.find("SigIgn:") + 7);
  // Only SIGINT and SIGQUIT, by the shell's &. The C library keeps 32 and 33 for itself.
  CHECK_EQUAL(std::stoull(ignored, nullptr, 16) & 0x7fffffffU, 6U);
}

TEST(the_end_of_a_start_is_known) {
  const temporary::Folder folder;
  BackendStart good = spawned({"/bin/true"}, folder.path());
  CHECK_EQUAL(awaited(good), 0);
  BackendStart bad = spawned({"/bin/sh", "-c", "exit 7"}, folder.path());
  CHECK_EQUAL(awaited(bad), 7);
  BackendStart missing = spawned({"/nowhere/sparkvsr"}, folder.path());
  CHECK_EQUAL(awaited(missing), 127);
  CHECK(!hasChild());
}

TEST(a_failed_start_quotes_the_log_and_its_path) {
  const temporary::Folder folder;
  folder.write("backend-v1.log", "an older start\n");
  BackendStart start = spawned({"/bin/sh", "-c", "echo one; echo 'no module named torch' >&2; exit 3"}, folder.path());
  CHECK_EQUAL(awaited(start), 3);
  const Error error = start.failed("it ended");
  CHECK_EQUAL(error.name, "BackendStartFailed");
  CHECK(error.message.find("no module named torch") != std::string::npos);
  CHECK(error.message.find(folder.path() + "/backend-v1.log") != std::string::npos);
  CHECK(error.message.find("an older start") == std::string::npos);
}

TEST(letting_go_leaves_the_backend_running_and_no_zombie) {
  const temporary::Folder folder;
  const std::string pidFile = folder.path() + "/pid";
  {
    BackendStart start = spawned({"/bin/sh", "-c", "echo $$ > " + pidFile + "; exec sleep 30"}, folder.path());
    for (int i = 0; i < 500 && contents(pidFile).empty(); ++i) std::this_thread::sleep_for(Milliseconds(10));
  }
  CHECK(!hasChild());
  const pid_t backend = std::stoi(contents(pidFile));
  CHECK_EQUAL(::kill(backend, 0), 0);
  ::kill(backend, SIGKILL);
}

TEST(the_log_is_private_and_a_large_one_is_set_aside) {
  const temporary::Folder folder;
  const std::string path = folder.write("backend-v1.log", std::string(5 << 20, 'x'));
  BackendStart start = spawned({"/bin/echo", "hello"}, folder.path());
  awaited(start);
  CHECK_EQUAL(contents(path), "hello\n");
  struct stat info{};
  ::stat(path.c_str(), &info);
  CHECK_EQUAL(info.st_mode & 0777U, 0600U);
  CHECK_EQUAL(::access((path + ".1").c_str(), F_OK), 0);
}

TEST(an_unwritable_log_is_a_named_error) {
  const temporary::Folder folder;
  const temporary::Variable log("SPARKVSR_LOG", folder.path() + "/missing/backend.log");
  auto out = BackendStart::spawn({"/bin/true"}, folder.path());
  CHECK_EQUAL(GET(Error, out).name, "BackendStartFailed");
  CHECK(GET(Error, out).message.find("/missing/backend.log") != std::string::npos);
}

// ---- which command ----

TEST(the_command_is_looked_for_in_order) {
  const temporary::Folder bundle;
  const temporary::Folder home;
  const temporary::Variable xdg("XDG_CONFIG_HOME", home.path());
  const temporary::Variable path("PATH", home.path() + "/bin");
  const temporary::Variable none("SPARKVSR_BACKEND_COMMAND", std::nullopt);
  const auto words = [&] {
    auto out = backendCommand(bundle.path());
    return GET(std::vector<std::string>, out);
  };
  auto nothing = backendCommand(bundle.path());
  CHECK_EQUAL(GET(Error, nothing).name, "BackendNotFound");
  CHECK(GET(Error, nothing).expected.find(bundle.path()) != std::string::npos);

  std::filesystem::create_directory(home.path() + "/bin");
  home.write("bin/sparkvsr", "#!/bin/sh\n", 0700);
  CHECK(words() == (std::vector<std::string>{home.path() + "/bin/sparkvsr", "serve"}));
  std::filesystem::create_directory(home.path() + "/sparkvsr");
  home.write("sparkvsr/backend.json", R"({"command": ["user", "serve"]})");
  CHECK(words().at(0) == "user");
  bundle.write("backend.json", R"({"command": ["bundled"]})");
  CHECK(words().at(0) == "bundled");
  const temporary::Variable set("SPARKVSR_BACKEND_COMMAND", R"(["chosen", "--idle-timeout", "5"])");
  CHECK_EQUAL(words().size(), 3U);
}

TEST(a_wrong_command_is_an_error_and_not_skipped) {
  for (const char* text : {"python -m backend", "[]", "[1]", "{}", "[\"a\", null]", "\"a\""}) {
    const temporary::Variable set("SPARKVSR_BACKEND_COMMAND", text);
    auto out = backendCommand("");
    CHECK_EQUAL(GET(Error, out).name, "BackendStartFailed");
    CHECK(GET(Error, out).message.find("SPARKVSR_BACKEND_COMMAND") != std::string::npos);
  }
}
