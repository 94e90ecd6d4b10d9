// SPDX-License-Identifier: Apache-2.0
// One shared memory segment: reserved in full before it is used, nameless as soon as the backend has mapped it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "file_descriptor.hpp"

namespace sparkvsr::detail {

/// Why a segment could not be made, in words for the artist's administrator.
struct NoSegment {
  std::string reason;
};

class Segment {
 public:
  /// `stop` is asked between steps of some 50 ms; a segment that is given up leaves nothing behind.
  [[nodiscard]] static std::variant<std::unique_ptr<Segment>, NoSegment> create(std::size_t bytes,
                                                                                const std::function<bool()>& stop);

  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  /// Unmaps, and unlinks where nobody did.
  ~Segment();

  /// With its leading slash, as in docs/protocol.md.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  /// Removes the name; the mappings stay. May be called twice.
  void unlinkName() noexcept;

 private:
  Segment(std::string name, std::size_t bytes);

  std::string name_;
  std::byte* data_ = nullptr;
  std::size_t bytes_;
  FileDescriptor file_;  // holds a lock as long as the name exists: by that a living owner is told from a dead one
  bool linked_ = false;
  int owner_;  // process that made it: a forked child must neither unlink nor unmap
};

/// Removes names that hosts left behind which were killed in the millisecond between naming a segment and its
/// unlinking.
void sweepAbandonedSegments() noexcept;

/// "/sparkvsr-" and 32 hexadecimal digits of the kernel's random generator; empty when there is no randomness.
[[nodiscard]] std::string unguessableName();

}  // namespace sparkvsr::detail
