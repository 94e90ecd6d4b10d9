// SPDX-License-Identifier: Apache-2.0
// An image as a plugin gets it: pixels from the bottom up between guards, and the property set that describes them.
#pragma once

#include <ofxCore.h>

#include <string>
#include <vector>

#include "host/pixels.hpp"
#include "host/property_set.hpp"

namespace sparkvsr::host {

/// How rows lie in memory. `padding`: bytes between rows that belong to nobody.
struct MemoryLayout {
  std::size_t padding = 0;
  bool negativeRowBytes = false;
};

/// Memory of one image. What lies outside the pixels is filled with sentinels and checked; an output is pre-filled with
/// a pattern (NaNs in half and float) by which unwritten pixels are found.
class PixelMemory {
 public:
  PixelMemory(int width, int height, int components, Depth depth, MemoryLayout layout);
  ~PixelMemory();
  PixelMemory(const PixelMemory&) = delete;
  PixelMemory& operator=(const PixelMemory&) = delete;

  /// Address of the first pixel of the bottom row, and the way one row up.
  [[nodiscard]] void* bottom() noexcept { return bottomRow(0); }
  [[nodiscard]] std::ptrdiff_t rowBytes() const noexcept;
  [[nodiscard]] std::byte* bottomRow(int rowsFromBottom) noexcept;

  void fill(const Picture& picture);
  void poison();
  [[nodiscard]] bool guardsIntact();
  /// Rows and columns count from the bottom left.
  [[nodiscard]] bool isPoison(int x, int y);
  [[nodiscard]] bool holds(const Picture& picture);
  /// A copy, top down, of the rectangle from the bottom left (x2, y2 exclusive).
  [[nodiscard]] Picture copy(const OfxRectI& rectangle);

 private:
  [[nodiscard]] std::size_t packedRow() const noexcept;
  void protect(bool on) noexcept;
  [[nodiscard]] std::vector<std::byte> poisonRow(int y) const;

  int width_;
  int height_;
  int components_;
  Depth depth_;
  MemoryLayout layout_;
  std::size_t stride_;
  std::vector<std::byte> bytes_;
};

/// What is said about an image.
struct ImageFacts {
  std::string clip;
  double time = 0;
  OfxRectI bounds{};
  OfxRectI regionOfDefinition{};
  OfxPointD scale{1, 1};
  double pixelAspect = 1;
  std::string premultiplication;
  std::string identifier;
  std::string field;       // empty: whole frames
  bool blueFirst = false;  // BGRA in memory
};

class HostImage {
 public:
  /// An input: `picture` is checked to be unchanged on release.
  HostImage(const ImageFacts& facts, const Picture& picture, MemoryLayout layout);
  /// An output, poisoned.
  HostImage(const ImageFacts& facts, int components, Depth depth, MemoryLayout layout);

  [[nodiscard]] PropertySet& properties() noexcept { return properties_; }
  [[nodiscard]] const ImageFacts& facts() const noexcept { return facts_; }
  [[nodiscard]] bool isOutput() const noexcept { return output_; }
  /// Reports what the plugin did to the memory: guards, and the pixels of an input.
  void check();
  /// Reports pixels inside `window` left unwritten and pixels outside it written.
  void checkWritten(const OfxRectI& window);
  [[nodiscard]] Picture copy(const OfxRectI& window);

 private:
  void describe(int components, Depth depth);

  ImageFacts facts_;
  bool output_;
  Picture original_;
  PixelMemory memory_;
  PropertySet properties_{"Image"};
};

}  // namespace sparkvsr::host
