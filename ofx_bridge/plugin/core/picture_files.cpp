// SPDX-License-Identifier: Apache-2.0
#include "picture_files.hpp"

#include <algorithm>

namespace sparkvsr {
namespace {

constexpr const char* kOneNumber = "one frame number in the file name, as %04d or ####";

bool isDigit(char character) { return character >= '0' && character <= '9'; }

bool isLetter(char character) { return (character | 0x20) >= 'a' && (character | 0x20) <= 'z'; }

std::string padded(std::int64_t number, std::size_t width) {
  std::string text = std::to_string(number);
  if (text.size() < width) text.insert(number < 0 ? 1 : 0, width - text.size(), '0');
  return text;
}

/// A piece of the text: an escaped percent sign, a number, a percent sign that means nothing, or one character.
struct Piece {
  enum class Kind { Character, Percent, Number, Stray } kind = Kind::Character;
  std::size_t length = 1;
  std::size_t digits = 0;
};

Piece hashes(const std::string& text, std::size_t at) {
  const std::size_t end = std::min(text.find_first_not_of('#', at), text.size());
  return {Piece::Kind::Number, end - at, end - at};
}

/// What begins with the percent sign at `at`: "%%", "%d", "%04d", or something else.
Piece percent(const std::string& text, std::size_t at) {
  if (text.compare(at, 2, "%%") == 0) return {Piece::Kind::Percent, 2, 0};
  std::size_t end = at + 1;
  std::size_t digits = 0;
  for (; end < text.size() && isDigit(text[end]); ++end) {
    digits = std::min(digits * 10 + static_cast<std::size_t>(text[end] - '0'), kMaxNumberDigits + 1);
  }
  const char last = end < text.size() ? text[end] : '\0';
  const bool padsWithZeros = end == at + 1 || text[at + 1] == '0';
  if (last == 'd' && padsWithZeros) return {Piece::Kind::Number, end + 1 - at, std::max<std::size_t>(digits, 1)};
  return {Piece::Kind::Stray, end - at + (isLetter(last) ? 1 : 0), 0};
}

Piece pieceAt(const std::string& text, std::size_t at) {
  if (text[at] == '#') return hashes(text, at);
  return text[at] == '%' ? percent(text, at) : Piece{};
}

/// What is wrong with a piece at its place, given what was read before it.
std::string complaint(const PicturePattern& soFar, const Piece& piece, bool inFolder) {
  if (piece.kind == Piece::Kind::Stray && !inFolder) return "which is no frame number";
  if (piece.kind != Piece::Kind::Number) return {};
  if (inFolder) return "in a folder";
  if (piece.digits > kMaxNumberDigits) return "which is too long";
  return soFar.namesFrames() ? "which is a second one" : "";
}

void take(PicturePattern& pattern, const std::string& text, std::size_t at, const Piece& piece) {
  std::string& side = pattern.namesFrames() ? pattern.after : pattern.before;
  if (piece.kind == Piece::Kind::Number) {
    pattern.digits = piece.digits;
  } else if (piece.kind == Piece::Kind::Percent) {
    side += '%';
  } else {
    side.append(text, at, piece.length);
  }
}

}  // namespace

std::string PicturePattern::file(std::int64_t number) const {
  return namesFrames() ? before + padded(number, digits) + after : before;
}

std::variant<PicturePattern, PatternError> parsePicturePattern(const std::string& text) {
  const std::size_t slash = text.find_last_of('/');
  const std::size_t nameStart = slash == std::string::npos ? 0 : slash + 1;
  PicturePattern pattern;
  for (std::size_t at = 0; at < text.size();) {
    Piece piece = pieceAt(text, at);
    const bool inFolder = at < nameStart;
    // A percent sign that means nothing must not swallow the slash behind it.
    if (piece.kind == Piece::Kind::Stray && inFolder) piece.length = 1;
    const std::string wrong = complaint(pattern, piece, inFolder);
    if (!wrong.empty()) return PatternError{kOneNumber, text.substr(at, piece.length) + ", " + wrong + ", in " + text};
    take(pattern, text, at, piece);
    at += piece.length;
  }
  return pattern;
}

}  // namespace sparkvsr
