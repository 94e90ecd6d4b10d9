// SPDX-License-Identifier: Apache-2.0
#include "fake_backend.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "file_descriptor.hpp"

namespace fake {

using sparkvsr::detail::FileDescriptor;
using sparkvsr::detail::Message;
using sparkvsr::detail::Part;

Backend::Backend(std::string folder, std::string instance)
    : folder_(std::move(folder)), instance_(std::move(instance)), socket_(context_, ZMQ_ROUTER) {
  const std::string address = "ipc://" + folder_ + "/" + instance_ + ".sock";
  if (zmq_bind(socket_.raw(), address.c_str()) != 0) throw std::runtime_error("cannot bind " + address);
  const Json endpoint = {{"endpoint", address}, {"token", std::string(64, 'a')},
                         {"pid", ::getpid()},   {"start_time", 0},
                         {"proto_min", 1u},     {"proto_max", 1u},
                         {"version", "0"}};
  const std::string path = folder_ + "/endpoint-v1.json";
  std::ofstream(path + ".new") << endpoint.dump();
  std::filesystem::permissions(path + ".new", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::rename(path + ".new", path);
  thread_ = std::thread([this] { run(); });
}

Backend::~Backend() {
  stop_ = true;
  thread_.join();
  for (auto& [identity, client] : clients_) {
    for (auto& [number, mapping] : client.segments) ::munmap(mapping.data, mapping.slotBytes * mapping.slots);
  }
}

void Backend::run() {
  while (!stop_) {
    zmq_pollitem_t item{socket_.raw(), 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, 20);
    while (auto message = socket_.tryReceive()) {
      if (answersAtAll) handle(std::move(*message));
    }
  }
}

void Backend::handle(Message message) {
  const std::string identity(static_cast<const char*>(message[0].data()), message[0].size());
  Client& client = clients_[identity];
  client.identity = identity;
  const auto* bytes = static_cast<const std::uint8_t*>(message[1].data());
  const Json map = Json::from_msgpack(bytes, bytes + message[1].size());
  const Json id = map.at("id");
  switch (map.at("type").get<int>()) {
    case 1:
      return send(client, {{"type", 2u},
                           {"id", id},
                           {"proto", 1u},
                           {"server", {{"name", "fake"}, {"version", "0"}}},
                           {"instance", instance_},
                           {"pid", static_cast<unsigned>(::getpid())},
                           {"device", "cpu"},
                           {"engines", Json::array()},
                           {"carriers", map.at("carriers")},
                           {"limits", {{"header_bytes", 1u << 20}, {"frame_bytes", 1u << 30}}}});
    case 4:
    case 18:
    case 19:
      return send(client, {{"type", 5u}, {"id", id}});
    case 6:
      return attach(client, map);
    case 8:
      return put(client, map, message);
    case 10:
      ++renders;
      if (answersRenders) render(client, map);
      return;
    case 14:
      ++cancels;
      return;
    case 15:
      return send(client, {{"type", 16u}, {"id", id}, {"version", "0"}});
    case 17:
      ++byes;
      return;
    default:
      return;
  }
}

void Backend::attach(Client& client, const Json& map) {
  const FileDescriptor fd(::shm_open(map.at("name").get<std::string>().c_str(), O_RDWR | O_CLOEXEC, 0));
  Mapping mapping{nullptr, map.at("slot_bytes").get<std::size_t>(), map.at("slots").get<std::size_t>()};
  void* data = ::mmap(nullptr, mapping.slotBytes * mapping.slots, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) throw std::runtime_error("cannot map a segment");
  mapping.data = static_cast<unsigned char*>(data);
  client.segments[map.at("segment").get<std::uint32_t>()] = mapping;
  send(client, {{"type", 7u}, {"id", map.at("id")}, {"segment", map.at("segment")}});
}

unsigned char* Backend::slot(Client& client, const Json& image) {
  const Mapping& mapping = client.segments.at(image.at("segment").get<std::uint32_t>());
  return mapping.data + mapping.slotBytes * image.at("slot").get<std::size_t>();
}

void Backend::put(Client& client, const Json& map, Message& parts) {
  ++puts;
  const Json& image = map.at("image");
  const std::size_t bytes = image.at("row_bytes").get<std::size_t>() * image.at("height").get<std::size_t>();
  const bool shared = image.at("carrier") == "shm";
  const auto* pixels = shared ? slot(client, image) : static_cast<const unsigned char*>(parts.at(2).data());
  const auto& print = map.at("fingerprint").get_binary();
  frames_[{print.begin(), print.end()}].assign(pixels, pixels + bytes);
  release(client, image);
}

void Backend::render(Client& client, const Json& map) {
  const auto& print = map.at("window").at(0).at(1).get_binary();
  const auto frame = frames_.find({print.begin(), print.end()});
  const Json& output = map.at("output");
  if (frame == frames_.end()) {
    send(client, {{"type", 11u}, {"id", map.at("id")}, {"fingerprints", {map.at("window").at(0).at(1)}}});
    return release(client, output);
  }
  const bool shared = output.at("carrier") == "shm";
  if (shared) std::memcpy(slot(client, output), frame->second.data(), frame->second.size());
  send(client, {{"type", 12u}, {"id", map.at("id")}, {"fraction", 0.5}, {"stage", "copying"}});
  send(client,
       {{"type", 13u},
        {"id", map.at("id")},
        {"image", output},
        {"cached", false},
        {"confidence", {{"mean", 1.0}, {"low", 0.0}}},
        {"notices", Json::array()},
        {"timings", Json::object()}},
       shared ? nullptr : &frame->second);
  release(client, output);
}

void Backend::release(const Client& client, const Json& image) {
  if (image.at("carrier") != "shm") return;
  send(client, {{"type", 9u}, {"id", 0u}, {"segment", image.at("segment")}, {"slots", {image.at("slot")}}});
}

void Backend::send(const Client& client, const Json& map, const std::vector<unsigned char>* pixels) {
  const auto header = Json::to_msgpack(map);
  Message message;
  message.emplace_back(client.identity.data(), client.identity.size());
  message.emplace_back(header.data(), header.size());
  if (pixels != nullptr) message.emplace_back(pixels->data(), pixels->size());
  (void)socket_.trySend(message);
}

}  // namespace fake
