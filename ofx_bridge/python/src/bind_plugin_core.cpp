// SPDX-License-Identifier: Apache-2.0
// Python face of the plugin's pure parts, for tests of equality with their Python twins.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/chunks.hpp"
#include "core/frame_list.hpp"
#include "core/picture_files.hpp"
#include "core/reach.hpp"
#include "identity.hpp"

namespace py = pybind11;

namespace sparkvsr {
namespace {

py::tuple tupleOf(const std::int64_t* begin, const std::int64_t* end) {
  py::tuple result(static_cast<std::size_t>(end - begin));
  for (std::size_t n = 0; begin != end; ++begin, ++n) result[n] = *begin;
  return result;
}

py::tuple parseFrames(const std::string& text) {
  const auto parsed = parseFrameList(text);
  if (const auto* error = std::get_if<FrameListError>(&parsed)) {
    throw py::value_error("expected " + error->expected + ", found " + error->found);
  }
  const auto& frames = std::get<FrameNumbers>(parsed);
  return tupleOf(frames.data(), frames.data() + frames.size());
}

py::tuple reachOf(std::int64_t t, const FrameNumbers& keyframes, const FrameNumbers& cuts,
                  std::optional<std::int64_t> radius) {
  const Reach reach = keyframesInReach(t, keyframes, cuts, radius);
  return tupleOf(reach.begin(), reach.end());
}

std::tuple<std::optional<std::int64_t>, std::optional<std::int64_t>> shot(std::int64_t t, const FrameNumbers& cuts) {
  const FrameSpan span = shotOf(t, cuts);
  return {span.first, span.last};
}

py::tuple chunks(std::int64_t t, std::int64_t grid, const FrameNumbers& cuts, std::int64_t first, std::int64_t last) {
  py::list found;
  for (const Chunk& chunk : chunksAt(t, grid, cuts, {first, last}))
    found.append(py::make_tuple(chunk.first, chunk.last));
  return py::tuple(found);
}

py::tuple keyframesOfChunk(std::int64_t first, std::int64_t last, const FrameNumbers& keyframes,
                           const FrameNumbers& cuts) {
  const FrameNumbers used = keyframesOfChunks({{first, last}}, keyframes, cuts);
  return tupleOf(used.data(), used.data() + used.size());
}

bool fits(std::int64_t t, std::int64_t grid, const FrameNumbers& cuts, std::int64_t first, std::int64_t last) {
  return fitsExactly(t, chunksAt(t, grid, cuts, {first, last}));
}

std::vector<int> engineGrids() { return {std::begin(identity::kEngineGrids), std::end(identity::kEngineGrids)}; }

std::string pictureFile(const std::string& text, std::int64_t number) {
  const auto parsed = parsePicturePattern(text);
  if (const auto* error = std::get_if<PatternError>(&parsed)) {
    throw py::value_error("expected " + error->expected + ", found " + error->found);
  }
  return std::get<PicturePattern>(parsed).file(number);
}

}  // namespace
}  // namespace sparkvsr

void register_plugin_core(py::module_& module) {
  module.def("parse_frame_list", &sparkvsr::parseFrames, py::arg("text"),
             "Frames of a typed list, ascending, each once: '1 24 48-60x4'. Raises ValueError.");
  module.def("keyframes_in_reach", &sparkvsr::reachOf, py::arg("t"), py::arg("keyframes"),
             py::arg("cuts") = std::vector<std::int64_t>(), py::arg("radius") = py::none(),
             "The keyframes that the frame at t uses, ascending.");
  module.def("shot_of", &sparkvsr::shot, py::arg("t"), py::arg("cuts"),
             "First and last frame of the shot that holds t; None: no end on that side.");
  module.def("chunks_at", &sparkvsr::chunks, py::arg("t"), py::arg("grid"), py::arg("cuts"), py::arg("first"),
             py::arg("last"), "First and last frames of the chunks that hold t, in a clip of first to last.");
  module.def("keyframes_of_chunk", &sparkvsr::keyframesOfChunk, py::arg("first"), py::arg("last"), py::arg("keyframes"),
             py::arg("cuts"), "The keyframes that a chunk can use, ascending.");
  module.def("fits_chunks_exactly", &sparkvsr::fits, py::arg("t"), py::arg("grid"), py::arg("cuts"), py::arg("first"),
             py::arg("last"), "Whether a keyframe at t lies in the phase of every chunk that holds it.");
  module.def("engine_grids", &sparkvsr::engineGrids, "Strides of the engines' chunk grids, in the order of the menu.");
  module.def("picture_file", &sparkvsr::pictureFile, py::arg("pattern"), py::arg("number"),
             "The file that a pattern names for a frame. Raises ValueError.");
}
