// SPDX-License-Identifier: Apache-2.0
// Which addresses, directories and endpoint files are trusted.
#include <sys/stat.h>
#include <unistd.h>

#include "check.hpp"
#include "endpoint.hpp"
#include "temporary.hpp"

namespace {

using namespace sparkvsr;
using namespace sparkvsr::detail;

const std::string kToken(64, 'a');

std::string endpointText(const std::string& address, const std::string& token = kToken, int protoMin = 1,
                         int protoMax = 1) {
  return R"({"endpoint": ")" + address + R"(", "token": ")" + token + R"(", "pid": 1, "start_time": 1, "proto_min": )" +
         std::to_string(protoMin) + R"(, "proto_max": )" + std::to_string(protoMax) + R"(, "version": "0"})";
}

std::string refusal(const std::string& address) {
  auto out = checkedAddress(address);
  return GET(Error, out).name;
}

std::string accepted(const std::string& address) {
  auto out = checkedAddress(address);
  return GET(std::string, out);
}

}  // namespace

TEST(only_addresses_on_this_machine_are_accepted) {
  CHECK_EQUAL(accepted("ipc:///run/user/0/x.sock"), "ipc:///run/user/0/x.sock");
  CHECK_EQUAL(accepted("tcp://127.0.0.1:5555"), "tcp://127.0.0.1:5555");
  CHECK_EQUAL(accepted("tcp://127.8.9.1:1"), "tcp://127.8.9.1:1");
  CHECK_EQUAL(accepted("tcp://localhost:5555"), "tcp://127.0.0.1:5555");
  CHECK_EQUAL(accepted("tcp://[::1]:5555"), "tcp://[::1]:5555");
  for (const char* address :
       {"", "tcp://10.0.0.1:5555", "tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://render.farm:5555",
        "tcp://127.0.0.1.evil.com:5555", "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:5x", "tcp://127.0.0.1:", "tcp://[::]:5555", "tcp://eth0;127.0.0.1:5555", "inproc://x",
        "ipc://relative", "ipc://@abstract", "udp://127.0.0.1:1", "pgm://127.0.0.1:1"}) {
    CHECK_EQUAL(std::string(address) + " " + refusal(address), std::string(address) + " RemoteAddressRefused");
  }
  CHECK_EQUAL(refusal("ipc:///" + std::string(107, 'x')), "RemoteAddressRefused");
}

TEST(the_runtime_directory_is_made_private) {
  const temporary::Folder folder;
  const std::string inner = folder.path() + "/run";
  CHECK(!secureRuntimeDirectory(inner));
  struct stat info{};
  CHECK_EQUAL(::stat(inner.c_str(), &info), 0);
  CHECK_EQUAL(info.st_mode & 0777U, 0700U);
}

TEST(an_open_runtime_directory_is_refused) {
  const temporary::Folder folder;
  for (const mode_t mode : {0755U, 0710U, 0701U, 0770U}) {
    ::chmod(folder.path().c_str(), mode);
    const auto error = secureRuntimeDirectory(folder.path());
    CHECK(error && error->name == "InsecureRuntimeDirectory");
    CHECK(error->expected.find("0700") != std::string::npos);
  }
}

TEST(a_link_or_a_file_is_no_runtime_directory) {
  const temporary::Folder folder;
  const std::string link = folder.path() + "/link";
  CHECK_EQUAL(::symlink("/tmp", link.c_str()), 0);
  CHECK(secureRuntimeDirectory(link));
  CHECK(secureRuntimeDirectory(folder.write("file", "")));
  CHECK(secureRuntimeDirectory(folder.path() + "/missing/inner"));
}

TEST(a_good_endpoint_file_is_read) {
  const temporary::Folder folder;
  folder.write("endpoint-v1.json", endpointText("ipc:///tmp/x.sock"));
  auto found = readEndpoint(folder.path());
  CHECK_EQUAL(GET(Endpoint, found).address, "ipc:///tmp/x.sock");
  CHECK_EQUAL(GET(Endpoint, found).token, kToken);
}

TEST(no_endpoint_is_no_error) {
  const temporary::Folder folder;
  auto missing = readEndpoint(folder.path());
  CHECK(GET(NoEndpoint, missing).why.find("endpoint-v1.json") != std::string::npos);
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), std::string("{\"endpoint\": 3}"),
                                  endpointText("ipc:///x", "short"), endpointText("ipc:///x", std::string(64, 'z'))}) {
    folder.write("endpoint-v1.json", text);
    auto found = readEndpoint(folder.path());
    CHECK(!GET(NoEndpoint, found).why.empty());
  }
}

TEST(an_endpoint_file_that_others_can_read_is_refused) {
  const temporary::Folder folder;
  folder.write("endpoint-v1.json", endpointText("ipc:///x"), 0644);
  auto found = readEndpoint(folder.path());
  CHECK_EQUAL(GET(Error, found).name, "InsecureRuntimeDirectory");
}

TEST(an_endpoint_file_that_is_a_link_is_refused) {
  const temporary::Folder folder;
  const std::string real = folder.write("real.json", endpointText("ipc:///x"));
  CHECK_EQUAL(::symlink(real.c_str(), (folder.path() + "/endpoint-v1.json").c_str()), 0);
  auto found = readEndpoint(folder.path());
  CHECK_EQUAL(GET(Error, found).name, "InsecureRuntimeDirectory");
}

TEST(an_endpoint_elsewhere_or_of_another_protocol_is_refused_by_name) {
  const temporary::Folder folder;
  folder.write("endpoint-v1.json", endpointText("tcp://10.0.0.1:5555"));
  auto remote = readEndpoint(folder.path());
  CHECK_EQUAL(GET(Error, remote).name, "RemoteAddressRefused");
  folder.write("endpoint-v1.json", endpointText("ipc:///x", kToken, 2, 3));
  auto later = readEndpoint(folder.path());
  CHECK_EQUAL(GET(Error, later).name, "WrongProtocol");
  CHECK_EQUAL(GET(Error, later).found, "2..3");
}

TEST(the_runtime_directory_follows_the_environment) {
  const temporary::Variable xdg("XDG_RUNTIME_DIR", "/run/user/7");
  {
    const temporary::Variable own("SPARKVSR_RUNTIME_DIR", "/somewhere");
    CHECK_EQUAL(runtimeDirectory(), "/somewhere");
  }
  const temporary::Variable none("SPARKVSR_RUNTIME_DIR", std::nullopt);
  CHECK_EQUAL(runtimeDirectory(), "/run/user/7/sparkvsr");
  const temporary::Variable nothing("XDG_RUNTIME_DIR", std::nullopt);
  CHECK_EQUAL(runtimeDirectory(), "/tmp/sparkvsr-" + std::to_string(::getuid()));
}
