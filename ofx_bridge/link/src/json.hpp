// SPDX-License-Identifier: Apache-2.0
// Typed, checked reading of a JSON or MessagePack map: the first thing wrong is remembered by name, values then read as
// defaults.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::detail {

using Json = nlohmann::json;

/// Text for a message; never throws on bytes that are no UTF-8.
[[nodiscard]] inline std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 120) text = text.substr(0, 117) + "...";
  return text;
}

class Fields {
 public:
  Fields(const Json& map, std::string where) : map_(map), where_(std::move(where)) {
    if (!map_.is_object()) fail("", "a map", map_);
  }

  [[nodiscard]] bool ok() const noexcept { return !error_; }
  [[nodiscard]] const Error& error() const { return *error_; }

  void fail(const std::string& key, const std::string& expected, const Json& found) {
    if (error_) return;
    const std::string place = key.empty() ? where_ : where_ + "." + key;
    error_ = Error{protocol::error::kBadMessage, "field " + place + " breaks the protocol", expected, shown(found)};
  }
  void adopt(const Fields& inner) {
    if (!error_ && inner.error_) error_ = inner.error_;
  }

  [[nodiscard]] const Json& raw(const std::string& key) const {
    static const Json missing;
    if (!map_.is_object()) return missing;
    const auto place = map_.find(key);
    return place == map_.end() ? missing : *place;
  }
  [[nodiscard]] bool has(const std::string& key) const { return !raw(key).is_null(); }

  std::uint64_t unsignedInt(const std::string& key, std::uint64_t least, std::uint64_t most) {
    const Json& value = raw(key);
    if (value.is_number_unsigned()) {
      const auto number = value.get<std::uint64_t>();
      if (number >= least && number <= most) return number;
    }
    fail(key, "an integer from " + std::to_string(least) + " to " + std::to_string(most), value);
    return least;
  }

  double real(const std::string& key, double least, double most) {
    const Json& value = raw(key);
    if (value.is_number()) {
      const auto number = value.get<double>();
      if (std::isfinite(number) && number >= least && number <= most) return number;
    }
    fail(key, "a number from " + std::to_string(least) + " to " + std::to_string(most), value);
    return least;
  }

  bool boolean(const std::string& key) {
    const Json& value = raw(key);
    if (value.is_boolean()) return value.get<bool>();
    fail(key, "true or false", value);
    return false;
  }

  std::string text(const std::string& key) {
    const Json& value = raw(key);
    if (value.is_string()) return value.get<std::string>();
    fail(key, "a string", value);
    return {};
  }
  std::string textOr(const std::string& key, std::string missing) { return has(key) ? text(key) : std::move(missing); }

  std::vector<std::string> texts(const std::string& key) {
    std::vector<std::string> out;
    const Json& value = raw(key);
    if (!value.is_array()) fail(key, "a list of strings", value);
    for (const Json& item : value.is_array() ? value : Json::array()) {
      if (!item.is_string()) fail(key, "a list of strings", value);
      if (item.is_string()) out.push_back(item.get<std::string>());
    }
    return out;
  }

 private:
  const Json& map_;
  std::string where_;
  std::optional<Error> error_;
};

}  // namespace sparkvsr::detail
