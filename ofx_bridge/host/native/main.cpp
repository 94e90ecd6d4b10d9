// SPDX-License-Identifier: Apache-2.0
// sparkvsr-host: the headless host without Python, for sanitizers, profilers and debuggers.
#include <cstdio>
#include <exception>
#include <iostream>

#include "host/instance.hpp"
#include "host/native/arguments.hpp"
#include "host/native/pattern.hpp"

namespace sparkvsr::host::native {
namespace {

HostOptions hostOptions(const Arguments& arguments) {
  HostOptions options;
  options.path = arguments.bundle;
  options.identifier = arguments.identifier;
  options.personality = personality(arguments.personality);
  for (const auto& [field, value] : arguments.overrides) applyOverride(options.personality, field, value);
  return options;
}

void describe(const Host& host) {
  std::printf("%s %u.%u\n", host.plugin().pluginIdentifier, host.plugin().pluginVersionMajor,
              host.plugin().pluginVersionMinor);
  for (const auto& [context, effect] : host.description().contexts) {
    std::printf("%s\n", context.c_str());
    for (const auto& clip : effect->clips()) {
      std::printf("  clip %s%s\n", clip->name().c_str(), clip->isOptional() ? " (optional)" : "");
    }
    for (const auto& param : effect->params().all()) {
      std::printf("  param %s (%s)\n", param->name().c_str(), param->type().c_str());
    }
  }
}

std::shared_ptr<ClipInput> clipOf(const Arguments& arguments, int enlargement) {
  auto input = std::make_shared<ClipInput>();
  input->frames = [arguments, enlargement](double frame) -> std::optional<Picture> {
    return pattern(frame, arguments.width, arguments.height, enlargement, arguments.components, arguments.depth);
  };
  input->first = arguments.first;
  input->last = arguments.first + arguments.frames - 1;
  input->depth = arguments.depth;
  input->components = arguments.components;
  input->premultiplication = arguments.components == 3 ? kOfxImageOpaque : kOfxImagePreMultiplied;
  input->rowPadding = static_cast<std::size_t>(arguments.padding);
  return input;
}

void apply(Instance& instance, const Edit& edit) {
  if (!edit.value) return instance.press(edit.param, edit.time);
  const ParamValue value = instance.param(edit.param).parsed(*edit.value);
  if (edit.time) return instance.setKey(edit.param, *edit.time, value);
  instance.set(edit.param, value);
}

std::shared_ptr<Instance> prepared(Host& host, const Arguments& arguments) {
  std::shared_ptr<Instance> instance = host.createInstance(arguments.context, nullptr);
  instance->connect(kOfxImageEffectSimpleSourceClipName, clipOf(arguments, 1));
  if (arguments.keyframeScale > 0) instance->connect("Keyframes", clipOf(arguments, arguments.keyframeScale));
  for (const Edit& edit : arguments.edits) apply(*instance, edit);
  return instance;
}

std::vector<double> timesOf(Instance& instance, const Arguments& arguments) {
  std::vector<double> times = arguments.times;
  for (int i = 0; arguments.times.empty() && i < arguments.frames; ++i) {
    times.push_back(instance.hostTime(arguments.first + i));
  }
  return times;
}

void print(double time, const Rendered& rendered) {
  const Picture& picture = rendered.picture;
  std::printf("time %g: %dx%d, %d components, %s, %.1f ms%s, %016llx\n", time, picture.width, picture.height,
              picture.components, depthName(picture.depth), rendered.milliseconds,
              rendered.identity ? " (identity)" : "", static_cast<unsigned long long>(checksum(picture)));
}

/// Renders that are aborted, one after the other; an abort is not a failure here.
void renderAborted(Instance& instance, const std::vector<double>& times, const RenderOptions& options) {
  for (const double time : times) {
    try {
      print(time, instance.render(time, options));
    } catch (const RenderAborted& aborted) {
      std::printf("time %g: aborted, returned after %.1f ms\n", time, aborted.latencyMs);
    }
  }
}

void renderAll(Instance& instance, const Arguments& arguments) {
  const std::vector<double> times = timesOf(instance, arguments);
  RenderOptions options;
  options.abortAfterMs = arguments.abortAfterMs;
  if (options.abortAfterMs) return renderAborted(instance, times, options);
  const std::vector<Rendered> all = instance.renderMany(times, arguments.threads, options);
  for (std::size_t i = 0; i < all.size(); ++i) print(times[i], all[i]);
}

void runRound(const Arguments& arguments) {
  Host host(hostOptions(arguments));
  if (arguments.describe) describe(host);
  const std::shared_ptr<Instance> instance = prepared(host, arguments);
  renderAll(*instance, arguments);
  instance->destroy();
  host.unload();
}

int run(const Arguments& arguments) {
  if (arguments.help) {
    std::cout << usage();
    return 0;
  }
  for (int i = 0; i < arguments.rounds; ++i) runRound(arguments);
  return 0;
}

int guarded(const std::vector<std::string>& words) {
  try {
    return run(parseArguments(words));
  } catch (const UsageError& error) {
    std::cerr << "sparkvsr-host: " << error.what() << '\n' << usage();
    return 2;
  } catch (const PluginViolated& error) {
    std::cerr << error.what() << '\n';
    return 3;
  } catch (const std::exception& error) {
    std::cerr << "sparkvsr-host: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace
}  // namespace sparkvsr::host::native

int main(int count, char** words) { return sparkvsr::host::native::guarded({words + 1, words + count}); }
