// SPDX-License-Identifier: Apache-2.0
// Who the plugin is: identifier, versions, and every parameter's face, in one place.
//
// Names, types and the order of options are a file format: saved projects refer to them. Parameters and options may be
// appended, never renamed, retyped, reordered or removed within one major version.
//   1.0  the first.
#pragma once

#include <array>
#include <cstddef>

namespace sparkvsr::identity {

constexpr const char* kIdentifier = "com.sparkvsr.SparkVSR";
constexpr unsigned kVersionMajor = 1;
constexpr unsigned kVersionMinor = 0;
constexpr const char* kVersionLabel = "1.0";
constexpr const char* kLabel = "SparkVSR";
constexpr const char* kGrouping = "SparkVSR";
constexpr const char* kDescription =
    "Video super-resolution guided by keyframes. Flag some frames, give high-resolution pictures of them, and their "
    "detail "
    "travels along the motion to the frames between. The work is done by the SparkVSR backend, which is started when "
    "needed.";

constexpr const char* kSourceClip = "Source";
constexpr const char* kKeyframesClip = "Keyframes";
constexpr const char* kOutputClip = "Output";

enum class Kind { Choice, Integer, Double, Text, FilePath, Label, Button };

/// `minimum`, `maximum`, `displayMinimum`, `displayMaximum`, `initial`: numbers; for a choice `initial` is the option's
/// index.
struct Parameter {
  const char* name;
  const char* label;  // short: some hosts cut at about 12 characters
  Kind kind;
  bool animates;
  double initial;
  double minimum, maximum;
  double displayMinimum, displayMaximum;
  const char* hint;
  const char* const* options;  // of a choice, ends with nullptr
};

constexpr const char* kEngineOptions[] = {"Lite", "SparkVSR 5B", nullptr};
constexpr const char* kOutputModeOptions[] = {"Auto", "Resize", "Restore in place", "Active area", "Undo host upscale",
                                              nullptr};
constexpr const char* kViewOptions[] = {"Result", "Source", "Blind", "Difference", "Confidence", "Keyframe influence",
                                        "Split",  nullptr};
constexpr const char* kTransferOptions[] = {"Auto",  "sRGB",   "Rec.709", "Scene-linear", "ACEScct", "Cineon", "LogC3",
                                            "LogC4", "S-Log3", "V-Log",   "Log3G10",      "PQ",      "HLG",    nullptr};
constexpr const char* kOnErrorOptions[] = {"Fail", "Bicubic", nullptr};

/// Index into `kParameters`.
enum class Param : std::size_t {
  Engine,
  Scale,
  OutputMode,
  Keyframe,
  KeyframeList,
  FlagKeyframe,
  UnflagKeyframe,
  KeyframeFiles,
  FrameOffset,
  Guidance,
  Trust,
  View,
  SplitPosition,
  InputTransfer,
  Cuts,
  OnError,
  Backend,
  Status,
  Generation,
  EngineOptions,
  Count
};
constexpr std::size_t kParamCount = static_cast<std::size_t>(Param::Count);

enum class OutputMode { Auto, Resize, RestoreInPlace, ActiveArea, UndoHostUpscale };
enum class View { Result, Source, Blind, Difference, Confidence, KeyframeInfluence, Split };
enum class OnError { Fail, Bicubic };

// Names of the link protocol, in the order of the options. Transfer: Auto has none.
constexpr const char* kEngineNames[] = {"lite", "sparkvsr-5b"};
// Strides of the engines' chunk grids; 0: the engine makes frames one by one.
constexpr int kEngineGrids[] = {0, 24};
constexpr const char* kViewNames[] = {"result", "source", "blind", "difference", "confidence", "influence", "split"};
constexpr const char* kTransferNames[] = {"",      "srgb",  "rec709", "linear",  "acescct", "cineon", "logc3",
                                          "logc4", "slog3", "vlog",   "log3g10", "pq",      "hlg"};

constexpr double kFrameLimit = 10'000'000;

constexpr std::array<Parameter, kParamCount> kParameters = {{
    {"engine", "Engine", Kind::Choice, false, 0, 0, 0, 0, 0,
     "What makes the picture. Lite is built in and works without a GPU.", kEngineOptions},
    {"scale", "Scale", Kind::Integer, false, 4, 1, 4, 1, 4,
     "How many times larger the result is, before it is fitted to the host's frame.", nullptr},
    {"outputMode", "Output mode", Kind::Choice, false, 0, 0, 0, 0, 0,
     "Auto: the output grows where the host lets it, else keeps its size. Resize: it grows. Restore in place: it keeps "
     "its size and "
     "gains detail.",
     kOutputModeOptions},
    {"keyframe", "Keyframe", Kind::Integer, true, 0, 0, 1, 0, 1,
     "A key of value 1 flags that frame as a keyframe: its picture comes from the files below or from the Keyframes "
     "clip.",
     nullptr},
    {"keyframeList", "Keyframes", Kind::Text, false, 0, 0, 0, 0, 0,
     "More keyframes, typed: 1 24 48-60x4. Numbers are the host's frame plus the frame offset.", nullptr},
    {"flagKeyframe", "Flag here", Kind::Button, false, 0, 0, 0, 0, 0, "Make the current frame a keyframe.", nullptr},
    {"unflagKeyframe", "Unflag", Kind::Button, false, 0, 0, 0, 0, 0, "The current frame is no keyframe any more.",
     nullptr},
    {"keyframeFiles", "Pictures", Kind::FilePath, false, 0, 0, 0, 0, 0,
     "Files of the keyframes' pictures: key.%04d.exr, key.####.png, or one file for one keyframe. The number is the "
     "host's frame plus the frame "
     "offset. Where a file is missing the Keyframes clip is used.",
     nullptr},
    {"frameOffset", "Frame offset", Kind::Integer, false, 0, -kFrameLimit, kFrameLimit, -1000, 1000,
     "Added to the host's frame to give the numbers of lists and files: hosts do not all count from the same frame.",
     nullptr},
    {"guidance", "Guidance", Kind::Double, true, 1, 0, 2, 0, 2,
     "How much of the keyframes' detail is added: 0 none, 1 all of it, more exaggerates.", nullptr},
    {"trust", "Trust", Kind::Double, true, 0, 0, 1, 0, 1,
     "How far a keyframe's picture may differ from its own source frame. 0 (Strict): a wrong picture cannot hurt. 1 "
     "(Paint): "
     "painted or graded pictures are carried wherever the motion holds.",
     nullptr},
    {"view", "View", Kind::Choice, false, 0, 0, 0, 0, 0,
     "What is shown. Confidence: where the keyframes' detail holds. Keyframe influence: which keyframe a region comes "
     "from. Split: "
     "source beside result.",
     kViewOptions},
    {"splitPosition", "Split at", Kind::Double, false, 0.5, 0, 1, 0, 1, "Where the Split view divides the picture.",
     nullptr},
    {"inputTransfer", "Transfer", Kind::Choice, false, 0, 0, 0, 0, 0,
     "How the picture's values encode light. Auto: scene-linear for half and float pictures in Nuke, Natron and "
     "Fusion, sRGB elsewhere.",
     kTransferOptions},
    {"cuts", "Cuts", Kind::Text, false, 0, 0, 0, 0, 0,
     "First frames of shots, typed: 101 250. No keyframe reaches across a cut. Numbers are the host's frame plus the "
     "frame offset.",
     nullptr},
    {"onError", "On error", Kind::Choice, false, 0, 0, 0, 0, 0,
     "Fail: the render fails with a message. Bicubic: a plainly enlarged picture stands in, with a warning.",
     kOnErrorOptions},
    {"backend", "Backend", Kind::Text, false, 0, 0, 0, 0, 0,
     "Address of the backend: ipc:// or loopback tcp://. Empty: yours, started when needed.", nullptr},
    {"status", "Status", Kind::Label, false, 0, 0, 0, 0, 0, "The keyframes in use, and what happened last.", nullptr},
    {"generation", "Generation", Kind::Integer, false, 0, 0, kFrameLimit, 0, 100,
     "Counts up to make the host forget stand-in pictures. No part of any result.", nullptr},
    {"engineOptions", "Options", Kind::Text, false, 0, 0, 0, 0, 0,
     "Of SparkVSR 5B, stored with the project since they change pixels: tile=768,color=off. Empty: the usual ones. "
     "Lite "
     "has none.",
     nullptr},
}};

constexpr const Parameter& face(Param param) { return kParameters[static_cast<std::size_t>(param)]; }

}  // namespace sparkvsr::identity
