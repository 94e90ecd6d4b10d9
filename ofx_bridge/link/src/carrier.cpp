// SPDX-License-Identifier: Apache-2.0
#include "carrier.hpp"

#include "pixels.hpp"

namespace sparkvsr::detail {
namespace {

std::string words(const PixelFormat& format) {
  return std::to_string(format.width) + "x" + std::to_string(format.height) + ", " + std::to_string(format.components) +
         " components, depth " + std::to_string(static_cast<int>(format.depth)) + ", premultiplication " +
         std::to_string(static_cast<int>(format.premultiplication));
}

std::string words(const wire::Place& place) {
  if (const auto* shm = std::get_if<wire::ShmPlace>(&place)) {
    return "segment " + std::to_string(shm->segment) + " slot " + std::to_string(shm->slot);
  }
  return "part " + std::to_string(std::get<wire::InlinePlace>(place).part);
}

bool samePlace(const wire::Place& a, const wire::Place& b) {
  if (a.index() != b.index()) return false;
  const auto* shm = std::get_if<wire::ShmPlace>(&a);
  if (shm == nullptr) return std::get<wire::InlinePlace>(a).part == std::get<wire::InlinePlace>(b).part;
  return shm->segment == std::get<wire::ShmPlace>(b).segment && shm->slot == std::get<wire::ShmPlace>(b).slot;
}

Error wrongAnswer(const std::string& what, const std::string& expected, const std::string& found) {
  return {protocol::error::kBadMessage, "the backend's DONE has " + what, expected, found};
}

using SlotOrReason = std::variant<SlotHold, NoSlot, Error>;

SlotOrReason slotFor(Session& session, std::size_t bytes, const AbortPoll& abort) {
  if (bytes > session.welcome().maxFrameBytes) {
    return Error{protocol::error::kOutOfMemory, "the picture is larger than the backend takes",
                 "at most " + std::to_string(session.welcome().maxFrameBytes) + " bytes", std::to_string(bytes)};
  }
  if (!session.slots()) return NoSlot{"shared memory was not agreed on"};
  return session.slots()->acquire(bytes, abort);
}

}  // namespace

void* Room::data() noexcept {
  if (auto* slot = std::get_if<SlotHold>(&memory)) return slot->data();
  return std::get<Part>(memory).data();
}

wire::ImageDescriptor Room::describe(const PixelFormat& format) const noexcept {
  wire::ImageDescriptor out{format, packedRowBytes(format), wire::InlinePlace{1}};
  if (const auto* slot = std::get_if<SlotHold>(&memory)) out.place = slot->place();
  return out;
}

Message Room::handOver() {
  Message payload;
  if (const auto* slot = std::get_if<SlotHold>(&memory)) {
    slot->handOver();
  } else {
    payload.push_back(std::move(std::get<Part>(memory)));
  }
  return payload;
}

Result<Room> roomToSend(Session& session, const PixelFormat& format, const Tuning& tuning, const AbortPoll& abort) {
  const std::size_t bytes = packedBytes(format);
  SlotOrReason slot = slotFor(session, bytes, abort);
  if (auto* error = std::get_if<Error>(&slot)) return std::move(*error);
  if (auto* hold = std::get_if<SlotHold>(&slot)) return Room{std::move(*hold), ""};
  Patience patience(Clock::now() + tuning.silence, abort);
  const Woken woken = session.inlineBudget()->take(bytes, patience);
  if (woken == Woken::Aborted) return aborted("earlier pictures were on their way");
  if (woken == Woken::Late) {
    return Error{protocol::error::kBackendSilent, "the backend does not take the pictures sent to it", "progress",
                 "none"};
  }
  return Room{Part(bytes, session.inlineBudget()), std::get<NoSlot>(slot).reason};
}

Result<Room> roomToReceive(Session& session, const PixelFormat& format, const AbortPoll& abort) {
  SlotOrReason slot = slotFor(session, packedBytes(format), abort);
  if (auto* error = std::get_if<Error>(&slot)) return std::move(*error);
  if (auto* hold = std::get_if<SlotHold>(&slot)) return Room{std::move(*hold), ""};
  return Room{Part(), std::get<NoSlot>(slot).reason};
}

Result<const void*> received(Room& room, const PixelFormat& wanted, Delivered& delivered) {
  const wire::ImageDescriptor& image = delivered.header.image;
  if (!sameFormat(image.format, wanted)) return wrongAnswer("another picture", words(wanted), words(image.format));
  const wire::Place place = room.describe(wanted).place;
  if (!samePlace(image.place, place)) return wrongAnswer("its picture elsewhere", words(place), words(image.place));
  const auto* slot = std::get_if<SlotHold>(&room.memory);
  if (slot == nullptr && delivered.parts.size() < 2) return wrongAnswer("no pixels", "a payload part", "none");
  const std::size_t available = slot != nullptr ? slot->bytes() : delivered.parts[1].size();
  if (!wire::fits(image, available)) {
    return wrongAnswer("rows beyond its memory", "at most " + std::to_string(available) + " bytes",
                       std::to_string(image.format.height) + " rows of " + std::to_string(image.rowBytes) + " bytes");
  }
  return slot != nullptr ? slot->data() : delivered.parts[1].data();
}

}  // namespace sparkvsr::detail
