// SPDX-License-Identifier: Apache-2.0
// A backend in a thread: it copies the first frame of the window to the output. For races and leaks; the misbehaving
// one is in Python.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "json.hpp"
#include "zmq_socket.hpp"

namespace fake {

class Backend {
 public:
  /// Serves on a socket in `folder`, which gets an endpoint file.
  explicit Backend(std::string folder, std::string instance = "first");
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  std::atomic<bool> answersRenders{true};
  std::atomic<bool> answersAtAll{true};
  std::atomic<int> puts{0};
  std::atomic<int> renders{0};
  std::atomic<int> cancels{0};
  std::atomic<int> byes{0};

 private:
  using Json = sparkvsr::detail::Json;
  struct Mapping {
    unsigned char* data = nullptr;
    std::size_t slotBytes = 0;
    std::size_t slots = 0;
  };
  struct Client {
    std::string identity;
    std::map<std::uint32_t, Mapping> segments;
  };

  void run();
  void handle(sparkvsr::detail::Message message);
  void attach(Client& client, const Json& map);
  void put(Client& client, const Json& map, sparkvsr::detail::Message& parts);
  void render(Client& client, const Json& map);
  void send(const Client& client, const Json& map, const std::vector<unsigned char>* pixels = nullptr);
  void release(const Client& client, const Json& image);
  unsigned char* slot(Client& client, const Json& image);

  const std::string folder_;
  const std::string instance_;
  sparkvsr::detail::Context context_;
  sparkvsr::detail::Socket socket_;
  std::map<std::string, Client> clients_;
  std::map<std::vector<unsigned char>, std::vector<unsigned char>> frames_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace fake
