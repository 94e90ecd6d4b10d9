// SPDX-License-Identifier: Apache-2.0
// How an instance renders, each personality in its own way.
#include <chrono>
#include <thread>

#include "host/instance.hpp"

namespace sparkvsr::host {
namespace {

bool inside(const OfxRectI& inner, const OfxRectI& outer) {
  return inner.x1 >= outer.x1 && inner.y1 >= outer.y1 && inner.x2 <= outer.x2 && inner.y2 <= outer.y2 &&
         inner.x1 < inner.x2 && inner.y1 < inner.y2;
}

double millisecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

SequenceArgs around(double time, const RenderOptions& options) {
  SequenceArgs args;
  args.first = time;
  args.last = time;
  args.interactive = options.interactive;
  args.scale = options.scale;
  return args;
}

/// Bracket of one frame where nobody has opened a longer one.
class OwnSequence {
 public:
  OwnSequence(LiveEffect& effect, const SequenceArgs& args, bool wanted)
      : effect_(effect), args_(args), wanted_(wanted) {
    if (wanted_) effect_.beginSequence(args_);
  }
  void end() {
    if (wanted_) effect_.endSequence(args_);
  }

 private:
  LiveEffect& effect_;
  SequenceArgs args_;
  bool wanted_;
};

}  // namespace

void Instance::rethrowSourceError() {
  std::exception_ptr error;
  {
    const std::lock_guard lock(record_->mutex);
    std::swap(error, record_->sourceError);
  }
  if (error) std::rethrow_exception(error);
}

// ---- one frame

OfxRectI Instance::outputBounds(LiveEffect& effect, const Moment& moment) {
  OfxRectD region = effect.regionOfDefinition(moment);
  if (host_.personality().region != RegionPolicy::Honoured) region = effect.effect().project();
  const double aspect = effect.preferences().clips.at(kOfxImageEffectOutputClipName).pixelAspect;
  const OfxRectI bounds = toPixels(region, moment.scale, aspect);
  if (bounds.x1 >= bounds.x2 || bounds.y1 >= bounds.y2) {
    throw HostError("EmptyOutput", "the region of definition holds no pixel: is Source connected?");
  }
  return bounds;
}

Rendered Instance::renderIdentity(LiveEffect& effect, const Identity& identity, const RenderOptions& options) {
  ActionScope scope;  // for personalities that ask it for the time
  scope.host = &host_.context();
  scope.time = identity.time;
  const ScopeEntry entry(&scope);
  const std::optional<Fetched> fetched = fetchImage(*effect.effect().clip(identity.clip), identity.time, options.scale);
  if (!fetched)
    throw HostError("IdentityWithoutImage", identity.clip + " has no image at " + std::to_string(identity.time));
  Rendered result;
  result.bounds = fetched->facts.bounds;
  result.window = options.window.value_or(result.bounds);
  result.identity = true;
  if (!inside(result.window, result.bounds)) throw HostError("BadWindow", "the window is not within the image");
  const int x = result.bounds.x1;
  const int top = result.bounds.y2;
  const OfxRectI& w = result.window;
  const Picture shown = fetched->facts.blueFirst ? redAndBlueExchanged(fetched->picture) : fetched->picture;
  result.picture = cropped(shown, w.x1 - x, top - w.y2, w.x2 - x, top - w.y1);
  return result;
}

namespace {

ImageFacts factsOfOutput(LiveEffect& effect, const Personality& traits, const Moment& moment, const OfxRectI& bounds) {
  ImageFacts facts;
  facts.clip = kOfxImageEffectOutputClipName;
  facts.time = moment.time;
  facts.bounds = bounds;
  facts.regionOfDefinition = bounds;
  facts.scale = traits.imageScaleLies ? OfxPointD{1, 1} : moment.scale;
  facts.pixelAspect = effect.preferences().clips.at(kOfxImageEffectOutputClipName).pixelAspect;
  facts.premultiplication = effect.preferences().premultiplication;
  facts.blueFirst = traits.blueFirst;
  return facts;
}

/// That of Source.
MemoryLayout layoutOfOutput(LiveEffect& effect, const Personality& traits) {
  const Clip* source = effect.effect().clip(kOfxImageEffectSimpleSourceClipName);
  if (source == nullptr || source->input() == nullptr) return {0, traits.negativeRowBytes};
  const ClipInput& input = *source->input();
  return {input.rowPadding, input.negativeRowBytes.value_or(traits.negativeRowBytes)};
}

}  // namespace

/// Calls the action, then checks and takes the output image.
Rendered Instance::renderAction(LiveEffect& effect, const RenderArgs& prepared, const RenderOptions& options,
                                const OfxRectI& bounds) {
  const Personality& traits = host_.personality();
  const ClipChoice& choice = effect.preferences().clips.at(kOfxImageEffectOutputClipName);
  HostImage output(factsOfOutput(effect, traits, prepared.moment, bounds), componentsFromOfx(choice.components),
                   depthFromOfx(choice.depth), layoutOfOutput(effect, traits));
  AbortScript script;
  script.afterMs = options.abortAfterMs;
  script.afterPolls = options.abortAfterPolls;
  script.external = &record_->abortNow;
  RenderArgs args = prepared;
  args.abort = &script;
  args.output = &output;

  const std::size_t messagesBefore = record_->messageCount();
  const auto start = std::chrono::steady_clock::now();
  const OfxStatus status = effect.render(args);
  const double latency = script.sinceFired();
  Rendered result;
  result.milliseconds = millisecondsSince(start);
  result.bounds = bounds;
  result.window = args.window;
  result.abortPolls = script.polls();

  ActionScope scope;  // what is found from here on belongs to the render action
  scope.host = &host_.context();
  scope.action = kOfxImageEffectActionRender;
  const ScopeEntry entry(&scope);
  output.check();
  if (script.fired()) {
    record_->abortNow = false;
    throw RenderAborted(status, record_->textsSince(messagesBefore), latency);
  }
  if (!worked(status)) throw RenderFailed(status, record_->textsSince(messagesBefore));
  output.checkWritten(args.window);
  result.picture = output.copy(args.window);
  if (traits.through16Bit) result.picture = through16Bit(result.picture);
  return result;
}

Rendered Instance::renderLocked(LiveEffect& effect, double time, const RenderOptions& options, bool inSequence) {
  (void)effect.preferences();
  RenderArgs args;
  args.moment.time = time;
  args.moment.now = now;
  args.moment.scale = options.scale;
  args.interactive = options.interactive;
  args.draft = options.draft;
  const OfxRectI bounds = outputBounds(effect, args.moment);
  args.window = options.window.value_or(bounds);
  if (!inside(args.window, bounds)) throw HostError("BadWindow", "the window is not within the output");
  if (host_.personality().callsIsIdentity) {
    if (const auto same = effect.identity(args.moment, args.window)) return renderIdentity(effect, *same, options);
  }
  const DeclaredFrames declared = effect.framesNeeded(args.moment);
  args.declared = &declared;
  if (host_.personality().region != RegionPolicy::NotCalled) {
    const double x = options.scale.x;
    const double y = options.scale.y;
    (void)effect.regionsOfInterest(args.moment,
                                   {args.window.x1 / x, args.window.y1 / y, args.window.x2 / x, args.window.y2 / y});
  }
  OwnSequence sequence(effect, around(time, options), !inSequence);
  Rendered result;
  try {
    result = renderAction(effect, args, options, bounds);
  } catch (const RenderFailed&) {
    sequence.end();
    throw;
  }
  sequence.end();
  return result;
}

Rendered Instance::renderOn(LiveEffect& effect, double time, const RenderOptions& options, WhenBusy whenBusy,
                            bool inSequence) {
  const ThreadSafety safety = host_.threadSafety(host_.descriptor(context_));
  std::unique_lock<std::mutex> whole(host_.pluginMutex(), std::defer_lock);
  std::unique_lock<std::mutex> one(effect.renderMutex(), std::defer_lock);
  if (safety == ThreadSafety::Unsafe) whole.lock();
  if (safety != ThreadSafety::FullySafe) {
    if (whenBusy == WhenBusy::Wait) one.lock();
    if (whenBusy == WhenBusy::Refuse && !one.try_lock()) {
      throw HostError("ConcurrentRender", "the plugin is not fully safe: one render per instance at a time");
    }
  }
  return renderLocked(effect, time, options, inSequence);
}

bool Instance::freshPerFrame() const {
  return host_.personality().reloadsPerFrame && host_.threadSafety(host_.descriptor(context_)) != ThreadSafety::Unsafe;
}

/// MLT's way with plugins that are not Unsafe: everything anew for each frame.
Rendered Instance::renderFresh(double time, const RenderOptions& options) {
  const Description described = host_.reload();
  const auto prepare = [&](Effect& effect) { fillEffect(effect, &live().effect(), nullptr); };
  LiveEffect fresh(host_, *described.contexts.at(context_), context_, record_, prepare);
  return renderOn(fresh, time, options, WhenBusy::Wait, false);
}

Rendered Instance::render(double time, const RenderOptions& options) {
  const auto once = [&] {
    if (freshPerFrame()) return renderFresh(time, options);
    if (!host_.personality().renderClones) return renderOn(live(), time, options, WhenBusy::Refuse, inSequence_);
    const std::unique_ptr<LiveEffect> clone = copy();
    return renderOn(*clone, time, options, WhenBusy::Wait, false);
  };
  return settled(once);
}

// ---- many frames

void Instance::renderShare(const std::vector<double>& times, const RenderOptions& options,
                           std::atomic<std::size_t>& next, std::vector<Rendered>& results) {
  std::unique_ptr<LiveEffect> clone;
  if (host_.personality().renderClones) clone = copy();
  LiveEffect& effect = clone != nullptr ? *clone : live();
  for (std::size_t i = next++; i < times.size(); i = next++) {
    results[i] = freshPerFrame() ? renderFresh(times[i], options)
                                 : renderOn(effect, times[i], options, WhenBusy::Wait, inSequence_ && clone == nullptr);
  }
}

std::vector<Rendered> Instance::renderMany(const std::vector<double>& times, int threads,
                                           const RenderOptions& options) {
  std::vector<Rendered> results(times.size());
  std::atomic<std::size_t> next{0};
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(std::max(1, threads)));
  const auto work = [&](std::exception_ptr& error) {
    try {
      renderShare(times, options, next, results);
    } catch (...) {
      error = std::current_exception();
      next = times.size();  // the others stop after the frame they are at
    }
  };
  return settled([&] {
    (void)live().preferences();
    std::vector<std::thread> workers;
    for (std::exception_ptr& error : errors) workers.emplace_back(work, std::ref(error));
    for (std::thread& worker : workers) worker.join();
    for (const std::exception_ptr& error : errors) {
      if (error) std::rethrow_exception(error);
    }
    return results;
  });
}

void Instance::beginSequence(const SequenceArgs& args) {
  if (inSequence_.exchange(true)) throw HostError("BadSequence", "a sequence is open already");
  settled([&] {
    (void)live().preferences();
    live().beginSequence(args);
    return true;
  });
}

void Instance::endSequence(const SequenceArgs& args) {
  if (!inSequence_.exchange(false)) throw HostError("BadSequence", "no sequence is open");
  settled([&] {
    live().endSequence(args);
    return true;
  });
}

}  // namespace sparkvsr::host
