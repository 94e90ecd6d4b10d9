// SPDX-License-Identifier: Apache-2.0
// The image effect suite, version 1.
#include <ofxImageEffect.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "host/effect.hpp"

namespace sparkvsr::host {
namespace {

template <typename Object, typename Handle, typename Body>
OfxStatus with(const char* function, const char* what, Handle handle, Body&& body) noexcept {
  return guarded(function, [&] {
    Object* object = Object::find(handle);
    if (object == nullptr) {
      report("BadHandle", std::string(function) + ": this " + what + " does not exist (any more)");
      return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    }
    return body(*object);
  });
}

template <typename Body>
OfxStatus withEffect(const char* function, OfxImageEffectHandle handle, Body&& body) noexcept {
  return with<Effect>(function, "effect", handle, std::forward<Body>(body));
}

template <typename Body>
OfxStatus withClip(const char* function, OfxImageClipHandle handle, Body&& body) noexcept {
  return with<Clip>(function, "clip", handle, std::forward<Body>(body));
}

// ---- effects and clips

OfxStatus getPropertySet(OfxImageEffectHandle handle, OfxPropertySetHandle* properties) {
  return withEffect("getPropertySet", handle, [&](Effect& effect) {
    *properties = effect.properties().as<OfxPropertySetHandle>();
    return kOfxStatOK;
  });
}

OfxStatus getParamSet(OfxImageEffectHandle handle, OfxParamSetHandle* params) {
  return withEffect("getParamSet", handle, [&](Effect& effect) {
    *params = effect.params().as<OfxParamSetHandle>();
    return kOfxStatOK;
  });
}

OfxStatus clipDefine(OfxImageEffectHandle handle, const char* name, OfxPropertySetHandle* properties) {
  return withEffect("clipDefine", handle, [&](Effect& effect) {
    const ActionScope* scope = currentScope();
    if (scope == nullptr || scope->action != kOfxImageEffectActionDescribeInContext) {
      report("ClipDefinedLate", std::string(name) + " was defined outside of DescribeInContext");
      return static_cast<OfxStatus>(kOfxStatErrUnsupported);
    }
    if (effect.clip(name) != nullptr) {
      report("DuplicateClip", std::string(name) + " was defined twice");
      return static_cast<OfxStatus>(kOfxStatErrExists);
    }
    Clip& clip = effect.addClip(name);
    if (properties != nullptr) *properties = clip.properties().as<OfxPropertySetHandle>();
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

OfxStatus clipGetHandle(OfxImageEffectHandle handle, const char* name, OfxImageClipHandle* result,
                        OfxPropertySetHandle* properties) {
  return withEffect("clipGetHandle", handle, [&](Effect& effect) {
    Clip* clip = effect.isInstance() ? effect.clip(name) : nullptr;
    if (clip == nullptr) {
      if (effect.host().personality.checksUnknownProperties) report("UnknownClip", std::string("no clip ") + name);
      return static_cast<OfxStatus>(kOfxStatErrUnknown);
    }
    *result = clip->as<OfxImageClipHandle>();
    if (properties != nullptr) *properties = clip->properties().as<OfxPropertySetHandle>();
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

OfxStatus clipGetPropertySet(OfxImageClipHandle handle, OfxPropertySetHandle* properties) {
  return withClip("clipGetPropertySet", handle, [&](Clip& clip) {
    *properties = clip.properties().as<OfxPropertySetHandle>();
    return kOfxStatOK;
  });
}

OfxStatus clipGetRegionOfDefinition(OfxImageClipHandle handle, OfxTime time, OfxRectD* bounds) {
  return withClip("clipGetRegionOfDefinition", handle, [&](Clip& clip) {
    const std::optional<OfxRectD> region = regionOf(clip, time);
    if (!region) return static_cast<OfxStatus>(kOfxStatFailed);
    *bounds = *region;
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

// ---- images

bool imagesAreAllowed(const ActionScope* scope) {
  if (scope == nullptr) return false;
  const bool change = scope->action == kOfxActionInstanceChanged || scope->action == kOfxActionEndInstanceChanged;
  return scope->action == kOfxImageEffectActionRender || (change && scope->userEdited);
}

void checkDeclared(const Clip& clip, double time, const ActionScope& scope) {
  if (scope.declared == nullptr || !currentHost()->personality.checksDeclaredFrames) return;
  const auto found = scope.declared->find(clip.name());
  if (found != scope.declared->end()) {
    for (const TimeRange& range : found->second) {
      if (time >= range.first - 1e-6 && time <= range.last + 1e-6) return;
    }
  }
  report("UndeclaredFrame", clip.name() + " at " + std::to_string(time) + " was not named by GetFramesNeeded");
}

void notePull(Clip& clip, double time) {
  Record& record = clip.owner().record();
  const std::lock_guard lock(record.mutex);
  record.pulls.push_back({clip.name(), time});
}

OfxStatus giveOutput(ActionScope& scope, OfxPropertySetHandle* image) {
  if (scope.output == nullptr) {
    report("ImageOutsideRender", "the output image was asked for outside of Render");
    return kOfxStatFailed;
  }
  const std::lock_guard lock(scope.mutex);
  ++scope.outputHeld;
  *image = scope.output->properties().as<OfxPropertySetHandle>();
  return kOfxStatOK;
}

MemoryLayout layoutOf(const ClipInput& input, const Personality& traits) {
  return {input.rowPadding, input.negativeRowBytes.value_or(traits.negativeRowBytes)};
}

OfxStatus giveInput(Clip& clip, double time, ActionScope& scope, OfxPropertySetHandle* image) {
  const Personality& traits = clip.owner().host().personality;
  std::optional<Fetched> fetched = fetchImage(clip, time, scope.scale);
  if (!fetched) {
    *image = nullptr;
    return traits.unconnected == UnconnectedPolicy::Null ? kOfxStatOK : kOfxStatFailed;
  }
  const MemoryLayout layout = clip.input() != nullptr ? layoutOf(*clip.input(), traits) : MemoryLayout{};
  auto made = std::make_unique<HostImage>(fetched->facts, fetched->picture, layout);
  *image = made->properties().as<OfxPropertySetHandle>();
  const std::lock_guard lock(scope.mutex);
  scope.images.push_back(std::move(made));
  return kOfxStatOK;
}

/// A frame source's own exception is kept for the caller of the action; the plugin sees a missing image.
OfxStatus giveInputOrKeepError(Clip& clip, double time, ActionScope& scope, OfxPropertySetHandle* image) {
  try {
    return giveInput(clip, time, scope, image);
  } catch (...) {
    Record& record = clip.owner().record();
    const std::lock_guard lock(record.mutex);
    if (!record.sourceError) record.sourceError = std::current_exception();
    return kOfxStatFailed;
  }
}

OfxStatus clipGetImage(OfxImageClipHandle handle, OfxTime time, const OfxRectD*, OfxPropertySetHandle* image) {
  return withClip("clipGetImage", handle, [&](Clip& clip) {
    ActionScope* scope = currentScope();
    if (!imagesAreAllowed(scope)) {
      report("ImageOutsideRender", "clipGetImage(" + clip.name() + "): some hosts abort the whole process here");
      return static_cast<OfxStatus>(kOfxStatFailed);
    }
    if (!std::isfinite(time)) report("BadTime", "clipGetImage(" + clip.name() + ") with a time that is no number");
    if (clip.isOutput()) return giveOutput(*scope, image);
    notePull(clip, time);
    checkDeclared(clip, time, *scope);
    return giveInputOrKeepError(clip, time, *scope, image);
  });
}

OfxStatus releaseOutput(ActionScope& scope) {
  if (scope.outputHeld == 0) {
    report("ImageReleasedTwice", "the output image was released more often than got");
    return kOfxStatErrBadHandle;
  }
  --scope.outputHeld;
  return kOfxStatOK;
}

OfxStatus clipReleaseImage(OfxPropertySetHandle handle) {
  return guarded("clipReleaseImage", [&] {
    ActionScope* scope = currentScope();
    if (scope == nullptr) return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    const std::lock_guard lock(scope->mutex);
    if (scope->output != nullptr && scope->output->properties().handle() == handle) return releaseOutput(*scope);
    const auto found = std::find_if(scope->images.begin(), scope->images.end(),
                                    [&](const auto& image) { return image->properties().handle() == handle; });
    if (found == scope->images.end()) {
      report("BadHandle", "clipReleaseImage: not an image of this action, or released before");
      return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    }
    (*found)->check();
    scope->images.erase(found);
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

int abortRequested(OfxImageEffectHandle handle) {
  return withEffect("abort", handle, [](Effect&) {
    const ActionScope* scope = currentScope();
    return scope != nullptr && scope->abort != nullptr && scope->abort->poll() ? 1 : 0;
  });
}

// ---- image memory

struct ImageMemory : public Handled<ImageMemory, HandleKind::ImageMemory> {
  std::vector<std::byte> bytes;
  int locks = 0;
};

OfxStatus memoryAlloc(OfxImageEffectHandle, size_t count, OfxImageMemoryHandle* memory) {
  return guarded("imageMemoryAlloc", [&] {
    auto made = std::make_unique<ImageMemory>();
    made->bytes.resize(count);
    ++currentHost()->imageMemories;
    *memory = made.release()->as<OfxImageMemoryHandle>();
    return kOfxStatOK;
  });
}

OfxStatus memoryFree(OfxImageMemoryHandle handle) {
  return with<ImageMemory>("imageMemoryFree", "image memory", handle, [](ImageMemory& memory) {
    if (memory.locks != 0) report("ImageMemoryLocked", "image memory was freed while locked");
    --currentHost()->imageMemories;
    delete &memory;
    return kOfxStatOK;
  });
}

OfxStatus memoryLock(OfxImageMemoryHandle handle, void** address) {
  return with<ImageMemory>("imageMemoryLock", "image memory", handle, [&](ImageMemory& memory) {
    ++memory.locks;
    *address = memory.bytes.data();
    return kOfxStatOK;
  });
}

OfxStatus memoryUnlock(OfxImageMemoryHandle handle) {
  return with<ImageMemory>("imageMemoryUnlock", "image memory", handle, [](ImageMemory& memory) {
    if (memory.locks-- == 0) report("ImageMemoryLocked", "image memory was unlocked more often than locked");
    return kOfxStatOK;
  });
}

const OfxImageEffectSuiteV1 kSuite = {getPropertySet,     getParamSet,  clipDefine,       clipGetHandle,
                                      clipGetPropertySet, clipGetImage, clipReleaseImage, clipGetRegionOfDefinition,
                                      abortRequested,     memoryAlloc,  memoryFree,       memoryLock,
                                      memoryUnlock};

}  // namespace

const void* imageEffectSuite() { return &kSuite; }

}  // namespace sparkvsr::host
