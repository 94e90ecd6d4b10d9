// SPDX-License-Identifier: Apache-2.0
// Pixels on the host's side: pictures (rows from the top), conversion of depth, components and size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sparkvsr::host {

enum class Depth { Byte, Short, Half, Float };

[[nodiscard]] std::size_t sampleBytes(Depth depth) noexcept;
/// "byte", "short", "half", "float". Raises HostError "BadDepth".
[[nodiscard]] Depth depthFromName(const std::string& name);
[[nodiscard]] const char* depthName(Depth depth) noexcept;
/// "OfxBitDepthByte" and so on. depthFromOfx raises HostError "BadDepth".
[[nodiscard]] Depth depthFromOfx(const std::string& name);
[[nodiscard]] const char* depthToOfx(Depth depth) noexcept;
/// 3 for RGB, 4 for RGBA. Raises HostError "BadComponents".
[[nodiscard]] int componentsFromOfx(const std::string& name);
[[nodiscard]] const char* componentsToOfx(int components);

/// Binary16, rounding to nearest even.
[[nodiscard]] std::uint16_t floatToHalf(float value) noexcept;
[[nodiscard]] float halfToFloat(std::uint16_t bits) noexcept;

/// A picture, rows from the top down. Shares its memory; never written after it was made.
struct Picture {
  int width = 0;
  int height = 0;
  int components = 4;
  Depth depth = Depth::Float;
  const std::byte* top = nullptr;
  std::ptrdiff_t rowBytes = 0;  // to the next row further down
  std::shared_ptr<const void> owner;

  [[nodiscard]] std::size_t pixelBytes() const noexcept {
    return sampleBytes(depth) * static_cast<std::size_t>(components);
  }
  [[nodiscard]] std::size_t packedRow() const noexcept { return pixelBytes() * static_cast<std::size_t>(width); }
  [[nodiscard]] const std::byte* row(int y) const noexcept { return top + y * rowBytes; }
};

/// A picture with memory of its own; `fill` gets the address of the first byte of the top row, rows are packed.
class PictureBuilder {
 public:
  PictureBuilder(int width, int height, int components, Depth depth);
  [[nodiscard]] std::byte* row(int y) noexcept { return memory_->data() + static_cast<std::size_t>(y) * packedRow_; }
  [[nodiscard]] Picture finish() const;

 private:
  Picture picture_;
  std::size_t packedRow_;
  std::shared_ptr<std::vector<std::byte>> memory_;
};

/// Samples of one row to float: integers divided by their maximum, missing alpha 1.
void readRow(const Picture& picture, int y, std::vector<float>& rgba);
/// Float RGBA to one row of `components` samples; integers clamped and rounded to nearest.
void writeRow(const std::vector<float>& rgba, int width, int components, Depth depth, std::byte* row);

/// The same picture in another depth or with other components; itself when nothing changes.
[[nodiscard]] Picture converted(const Picture& picture, int components, Depth depth);
/// Box filter when shrinking, bilinear when growing: what a host does to a clip of another size.
[[nodiscard]] Picture resized(const Picture& picture, int width, int height);
/// Clamped to 0..1 and rounded to 16-bit steps, in the depth that it had.
[[nodiscard]] Picture through16Bit(const Picture& picture);
/// Columns x1..x2, rows y1..y2 from the top; shares memory.
[[nodiscard]] Picture cropped(const Picture& picture, int x1, int y1, int x2, int y2);
/// RGBA to BGRA and back.
[[nodiscard]] Picture redAndBlueExchanged(const Picture& picture);
[[nodiscard]] Picture blackPicture(int width, int height, int components, Depth depth);

}  // namespace sparkvsr::host
