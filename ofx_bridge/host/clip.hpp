// SPDX-License-Identifier: Apache-2.0
// Clips: what is connected (shared by all copies of an instance), and the object that a plugin holds a handle of.
#pragma once

#include <ofxImageEffect.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "host/image.hpp"
#include "host/pixels.hpp"
#include "host/property_set.hpp"

namespace sparkvsr::host {

/// Frames of a clip, numbered as the artist numbers them. An empty optional: no picture at that time.
using FrameSource = std::function<std::optional<Picture>(double frame)>;

/// What is connected to a clip. Pixels count from `origin`, the bottom left.
struct ClipInput {
  FrameSource frames;
  double first = 0;
  double last = 0;
  Depth depth = Depth::Float;
  int components = 4;
  std::string premultiplication;  // an OfxImage… name
  double pixelAspect = 1;
  OfxPointI origin{0, 0};
  std::optional<OfxRectD>
      region;         // what the clip says of itself where it is not the picture: a larger or smaller frame
  std::string field;  // an OfxField… name; empty: whole frames
  std::size_t rowPadding = 0;
  std::optional<bool> negativeRowBytes;  // none: as the personality does
  double frameRate = 24;
  bool nullImages = false;  // connected, but clipGetImage gives nothing
  std::uint64_t serial = nextSerial();

  /// The picture of a frame; the last few are kept.
  [[nodiscard]] std::optional<Picture> picture(double frame) const;

 private:
  [[nodiscard]] static std::uint64_t nextSerial() noexcept;

  mutable std::mutex mutex_;
  mutable std::map<double, std::optional<Picture>> recent_;
};

class Effect;

class Clip : public Handled<Clip, HandleKind::Clip> {
 public:
  /// A clip of a descriptor.
  Clip(Effect& owner, std::string name);
  /// A clip of an instance.
  Clip(Effect& owner, const Clip& descriptor);

  [[nodiscard]] Effect& owner() noexcept { return owner_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool isOutput() const noexcept { return name_ == kOfxImageEffectOutputClipName; }
  [[nodiscard]] bool isOptional() const { return properties_.getInt(kOfxImageClipPropOptional) != 0; }
  [[nodiscard]] PropertySet& properties() noexcept { return properties_; }
  [[nodiscard]] const PropertySet& properties() const noexcept { return properties_; }
  [[nodiscard]] const std::shared_ptr<ClipInput>& input() const noexcept { return input_; }
  void setInput(std::shared_ptr<ClipInput> input) { input_ = std::move(input); }

 private:
  Effect& owner_;
  std::string name_;
  PropertySet properties_;
  std::shared_ptr<ClipInput> input_;
};

/// Pixel rectangle of a canonical one: times scale, x divided by the pixel aspect, rounded outwards.
[[nodiscard]] OfxRectI toPixels(const OfxRectD& canonical, const OfxPointD& scale, double pixelAspect);

}  // namespace sparkvsr::host
