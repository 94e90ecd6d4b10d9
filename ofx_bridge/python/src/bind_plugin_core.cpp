// SPDX-License-Identifier: Apache-2.0
// Python face of the plugin's pure parts, for tests of equality with their Python twins.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/frame_list.hpp"
#include "core/picture_files.hpp"
#include "core/reach.hpp"

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
  module.def("picture_file", &sparkvsr::pictureFile, py::arg("pattern"), py::arg("number"),
             "The file that a pattern names for a frame. Raises ValueError.");
}
