// SPDX-License-Identifier: Apache-2.0
// Room for one picture on its way: a slot of shared memory, or a payload part.
#pragma once

#include <string>
#include <variant>

#include "session.hpp"

namespace sparkvsr::detail {

struct Room {
  std::variant<SlotHold, Part> memory;
  std::string whyInline;  // empty for a slot

  [[nodiscard]] void* data() noexcept;
  [[nodiscard]] wire::ImageDescriptor describe(const PixelFormat& format) const noexcept;
  /// To be called right before the message that carries it is posted; returns that message's payload.
  [[nodiscard]] Message handOver();
};

/// Room for a picture to be sent. `deadline`: how long to wait for memory.
[[nodiscard]] Result<Room> roomToSend(Session& session, const PixelFormat& format, const Tuning& tuning,
                                      const AbortPoll& abort);

/// Room for a picture to be received: a slot, or an empty part (the backend then sends one).
[[nodiscard]] Result<Room> roomToReceive(Session& session, const PixelFormat& format, const AbortPoll& abort);

/// The received picture, after its descriptor was found to be what was asked for; an Error (BadMessage, BadSlot)
/// otherwise.
[[nodiscard]] Result<const void*> received(Room& room, const PixelFormat& wanted, Delivered& delivered);

}  // namespace sparkvsr::detail
