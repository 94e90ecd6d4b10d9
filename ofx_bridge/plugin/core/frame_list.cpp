// SPDX-License-Identifier: Apache-2.0
#include "frame_list.hpp"

#include <algorithm>
#include <optional>

namespace sparkvsr {
namespace {

constexpr std::string_view kSeparators = " \t\r\n,";
constexpr std::size_t kMaxDigits = 18;

struct Span {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t step = 1;
  [[nodiscard]] std::int64_t count() const { return (last - first) / step + 1; }
};

/// Reads a number at the start of `rest` and removes it from there.
std::optional<std::int64_t> takeNumber(std::string_view& rest, bool mayBeNegative) {
  const bool negative = mayBeNegative && !rest.empty() && rest.front() == '-';
  if (negative) rest.remove_prefix(1);
  std::size_t digits = 0;
  std::int64_t value = 0;
  while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9' && digits <= kMaxDigits) {
    if (digits < kMaxDigits) value = value * 10 + (rest[digits] - '0');
    ++digits;
  }
  if (digits == 0 || digits > kMaxDigits) return std::nullopt;
  rest.remove_prefix(digits);
  return negative ? -value : value;
}

bool takeCharacter(std::string_view& rest, char wanted) {
  if (rest.empty() || rest.front() != wanted) return false;
  rest.remove_prefix(1);
  return true;
}

/// The grammar alone; nothing when the item is not of it.
std::optional<Span> readItem(std::string_view rest) {
  const auto first = takeNumber(rest, true);
  if (!first) return std::nullopt;
  Span span{*first, *first, 1};
  if (takeCharacter(rest, '-')) {
    const auto last = takeNumber(rest, true);
    if (!last) return std::nullopt;
    span.last = *last;
    if (takeCharacter(rest, 'x')) {
      const auto step = takeNumber(rest, false);
      if (!step) return std::nullopt;
      span.step = *step;
    }
  }
  return rest.empty() ? std::optional(span) : std::nullopt;
}

std::variant<Span, FrameListError> parseItem(std::string_view item) {
  const auto span = readItem(item);
  const std::string found(item);
  if (!span) return FrameListError{"a frame like 24, or a range like 48-60 or 48-60x4", found};
  if (span->last < span->first) return FrameListError{"a range that ascends", found};
  if (span->step < 1) return FrameListError{"a step of at least 1", found};
  return *span;
}

void sortUnique(FrameNumbers& frames) {
  std::sort(frames.begin(), frames.end());
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
}

/// Adds the frames of `span`, each once; false when there would be too many.
bool addSpan(FrameNumbers& frames, const Span& span) {
  // Sorted only when the limit seems to be passed: frames named twice must not count twice.
  if (static_cast<std::int64_t>(frames.size()) + span.count() > kMaxListedFrames) sortUnique(frames);
  if (static_cast<std::int64_t>(frames.size()) + span.count() > kMaxListedFrames) return false;
  for (std::int64_t n = 0; n < span.count(); ++n) frames.push_back(span.first + n * span.step);
  return true;
}

}  // namespace

std::variant<FrameNumbers, FrameListError> parseFrameList(std::string_view text) {
  FrameNumbers frames;
  while (true) {
    const auto start = text.find_first_not_of(kSeparators);
    if (start == std::string_view::npos) break;
    text.remove_prefix(start);
    const auto item = text.substr(0, text.find_first_of(kSeparators));
    text.remove_prefix(item.size());
    const auto parsed = parseItem(item);
    if (const auto* error = std::get_if<FrameListError>(&parsed)) return *error;
    if (!addSpan(frames, std::get<Span>(parsed))) {
      return FrameListError{"at most " + std::to_string(kMaxListedFrames) + " frames", "more at " + std::string(item)};
    }
  }
  sortUnique(frames);
  return frames;
}

}  // namespace sparkvsr
