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
constexpr const char* kKeyframeSourceOptions[] = {"Pictures", "Auto", nullptr};
constexpr const char* kQualityOptions[] = {"Full", "Draft", "Draft while interactive", nullptr};
constexpr const char* kPrecisionOptions[] = {"float32", "bfloat16", nullptr};

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
  KeyframeStrength,
  KeyframeRadius,
  KeyframeSource,
  KeyframeModel,
  KeyframeTransfer,
  PreviousKeyframe,
  NextKeyframe,
  SuggestCount,
  SuggestKeyframes,
  FindCuts,
  PropagateRange,
  ClearCache,
  RestartBackend,
  OpenLog,
  HostReport,
  Grain,
  Sharpness,
  Quality,
  Precision,
  VramBudget,
  RamBudget,
  SourceWidth,
  SourceHeight,
  ActiveLeft,
  ActiveRight,
  ActiveTop,
  ActiveBottom,
  Arithmetic,
  BindArithmetic,
  Count
};
constexpr std::size_t kParamCount = static_cast<std::size_t>(Param::Count);

enum class OutputMode { Auto, Resize, RestoreInPlace, ActiveArea, UndoHostUpscale };
enum class View { Result, Source, Blind, Difference, Confidence, KeyframeInfluence, Split };
enum class OnError { Fail, Bicubic };
enum class KeyframeSource { Pictures, Auto };
enum class Quality { Full, Draft, DraftWhileInteractive };

// Names of the link protocol, in the order of the options. Transfer: Auto has none.
constexpr const char* kEngineNames[] = {"lite", "sparkvsr-5b"};
// Strides of the engines' chunk grids; 0: the engine makes frames one by one.
constexpr int kEngineGrids[] = {0, 24};
constexpr const char* kViewNames[] = {"result", "source", "blind", "difference", "confidence", "influence", "split"};
constexpr const char* kTransferNames[] = {"",      "srgb",  "rec709", "linear",  "acescct", "cineon", "logc3",
                                          "logc4", "slog3", "vlog",   "log3g10", "pq",      "hlg"};

constexpr const char* kPrecisionNames[] = {"float32", "bfloat16"};

constexpr double kPixelLimit = 65536;
constexpr double kMemoryLimit = 1024;  // GiB
constexpr double kFrameLimit = 10'000'000;

constexpr std::array<Parameter, kParamCount> kParameters = {{
    {"engine", "Engine", Kind::Choice, false, 0, 0, 0, 0, 0,
     "What makes the picture. Lite is built in and works without a GPU.", kEngineOptions},
    {"scale", "Scale", Kind::Integer, false, 4, 1, 4, 1, 4,
     "How many times larger the result is, before it is fitted to the host's frame.", nullptr},
    {"outputMode", "Output mode", Kind::Choice, false, 0, 0, 0, 0, 0,
     "Auto: the output grows where the host lets it, else keeps its size. Resize: it grows. Restore in place: it keeps "
     "its size and gains detail. Active area: the part of the frame inside the margins below is enlarged to fill it. "
     "Undo host upscale: the frame is first reduced to the size that the source had before the host enlarged it.",
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
    {"keyframeStrength", "Strength", Kind::Double, true, 1, 0, 1, 0, 1,
     "How much a keyframe counts. Read at the keyframe's own frame: with a key there it is that keyframe's strength, "
     "without keys that of all. 0: the keyframe adds nothing.",
     nullptr},
    {"keyframeRadius", "Radius", Kind::Integer, false, 0, 0, kFrameLimit, 0, 100,
     "How many frames away a keyframe may reach. 0: any distance. Engines that work in chunks count from the end of "
     "the "
     "chunk.",
     nullptr},
    {"keyframeSource", "Picture from", Kind::Choice, false, 0, 0, 0, 0, 0,
     "Pictures: from the files or the Keyframes clip; a keyframe without one fails. Auto: where there is none, the "
     "image model below makes one of the keyframe's source frame.",
     kKeyframeSourceOptions},
    {"keyframeModel", "Image model", Kind::Text, false, 0, 0, 0, 0, 0,
     "What makes pictures with Auto: blind (the engine itself), the absolute path of a weights file, or a name of your "
     "image_models.json.",
     nullptr},
    {"keyframeTransfer", "File curve", Kind::Choice, false, 0, 0, 0, 0, 0,
     "How the keyframes' files encode light. Auto: integer files sRGB, float files scene-linear, unless the file says "
     "otherwise.",
     kTransferOptions},
    {"previousKeyframe", "Previous", Kind::Button, false, 0, 0, 0, 0, 0, "Go to the keyframe before this frame.",
     nullptr},
    {"nextKeyframe", "Next", Kind::Button, false, 0, 0, 0, 0, 0, "Go to the keyframe after this frame.", nullptr},
    {"suggestCount", "How many", Kind::Integer, false, 3, 1, 1000, 1, 12, "How many keyframes Suggest adds.", nullptr},
    {"suggestKeyframes", "Suggest", Kind::Button, false, 0, 0, 0, 0, 0,
     "Look through the clip and flag the frames that would gain most as keyframes, beside those that are flagged.",
     nullptr},
    {"findCuts", "Find cuts", Kind::Button, false, 0, 0, 0, 0, 0,
     "Look through the clip and write the first frames of its shots into Cuts.", nullptr},
    {"propagateRange", "Propagate", Kind::Button, false, 0, 0, 0, 0, 0,
     "Make every frame of this shot now, so that scrubbing and rendering find them made. Can be cancelled.", nullptr},
    {"clearCache", "Clear cache", Kind::Button, false, 0, 0, 0, 0, 0,
     "The backend forgets all that it has made and been sent; this picture is made anew.", nullptr},
    {"restartBackend", "Restart", Kind::Button, false, 0, 0, 0, 0, 0,
     "End the backend, for all hosts of yours; the next frame starts another.", nullptr},
    {"openLog", "Open log", Kind::Button, false, 0, 0, 0, 0, 0,
     "Say where the backend's log is, and open it where there is a desktop.", nullptr},
    {"hostReport", "Host report", Kind::Button, false, 0, 0, 0, 0, 0,
     "Write down what the plugin finds of this host and of the backend, for a bug report.", nullptr},
    {"grain", "Grain", Kind::Double, true, 0, 0, 2, 0, 2,
     "How much of the grain measured in the source is given back: 0 none, 1 as much as there was.", nullptr},
    {"sharpness", "Sharpness", Kind::Double, true, 0, 0, 2, 0, 2, "How much the result is sharpened: 0 not at all.",
     nullptr},
    {"quality", "Quality", Kind::Choice, false, 0, 0, 0, 0, 0,
     "Draft is quicker and coarser. A final render is always Full, whatever is chosen here.", kQualityOptions},
    {"precision", "Precision", Kind::Choice, false, 0, 0, 0, 0, 0,
     "Arithmetic of the engine, stored with the project since it changes pixels. bfloat16 is quicker where the machine "
     "has it; one that has not refuses.",
     kPrecisionOptions},
    {"vramBudget", "VRAM budget", Kind::Double, false, 0, 0, kMemoryLimit, 0, 48,
     "GiB of GPU memory that the backend may use. 0: as it sees fit. Never changes a picture.", nullptr},
    {"ramBudget", "RAM budget", Kind::Double, false, 0, 0, kMemoryLimit, 0, 128,
     "GiB of memory for the backend's caches. 0: as it sees fit. Never changes a picture.", nullptr},
    {"sourceWidth", "Orig. width", Kind::Integer, false, 0, 0, kPixelLimit, 0, 4096,
     "For Undo host upscale: the source's width in pixels before the host enlarged it. 0: not stated.", nullptr},
    {"sourceHeight", "Orig. height", Kind::Integer, false, 0, 0, kPixelLimit, 0, 4096,
     "For Undo host upscale: the source's height in pixels before the host enlarged it. 0: not stated.", nullptr},
    {"activeLeft", "Left margin", Kind::Integer, false, 0, 0, kPixelLimit, 0, 1000,
     "For Active area and Undo host upscale: pixels at the left of the host's frame that are no picture.", nullptr},
    {"activeRight", "Right margin", Kind::Integer, false, 0, 0, kPixelLimit, 0, 1000,
     "For Active area and Undo host upscale: pixels at the right of the host's frame that are no picture.", nullptr},
    {"activeTop", "Top margin", Kind::Integer, false, 0, 0, kPixelLimit, 0, 1000,
     "For Active area and Undo host upscale: pixels at the top of the host's frame that are no picture.", nullptr},
    {"activeBottom", "Low margin", Kind::Integer, false, 0, 0, kPixelLimit, 0, 1000,
     "For Active area and Undo host upscale: pixels at the bottom of the host's frame that are no picture.", nullptr},
    {"arithmetic", "Machine", Kind::Text, false, 0, 0, 0, 0, 0,
     "The kind of machine that this project is bound to: another one makes slightly other pixels, so it refuses. "
     "Empty: "
     "any.",
     nullptr},
    {"bindArithmetic", "Bind to this", Kind::Button, false, 0, 0, 0, 0, 0,
     "Bind the project to the kind of machine that the backend runs on now.", nullptr},
}};

constexpr const Parameter& face(Param param) { return kParameters[static_cast<std::size_t>(param)]; }

}  // namespace sparkvsr::identity
