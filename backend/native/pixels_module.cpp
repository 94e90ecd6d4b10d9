// SPDX-License-Identifier: Apache-2.0
// The extension module sparkvsr_backend._pixels: copies of large pictures for Python.
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "streaming_copy.hpp"

namespace py = pybind11;

namespace {

std::size_t bytesOf(const py::buffer_info& info) {
  py::ssize_t expected = info.itemsize;
  for (py::ssize_t axis = info.ndim - 1; axis >= 0; --axis) {
    const auto place = static_cast<std::size_t>(axis);
    if (info.shape[place] > 1 && info.strides[place] != expected)
      throw py::value_error("expected samples without gaps, found a stride of " + std::to_string(info.strides[place]));
    expected *= info.shape[place];
  }
  return static_cast<std::size_t>(expected);
}

void copy(const py::buffer& target, const py::buffer& source) {
  const py::buffer_info to = target.request(true);
  const py::buffer_info from = source.request();
  const std::size_t bytes = bytesOf(to);
  if (bytesOf(from) != bytes)
    throw py::value_error("expected " + std::to_string(bytes) + " bytes, found " + std::to_string(bytesOf(from)));
  const py::gil_scoped_release others;
  sparkvsr::native::streamBytes(to.ptr, from.ptr, bytes);
  sparkvsr::native::finishStreaming();
}

/// Among floats from 0 up the bits are in the order of the values; those of negatives, of -0 and of NaN lie above.
constexpr std::uint32_t kBitsOfOne = 0x3f800000;
constexpr std::size_t kBlock = 8192;

/// Whether all lie in 0..1, by the sign bit of what is or-ed together: it is set by a number beyond either end.
bool blockWithinUnit(const std::uint32_t* bits, std::size_t count) noexcept {
  std::uint32_t beyond = 0;
  for (std::size_t i = 0; i < count; ++i) beyond |= (kBitsOfOne - bits[i]) | bits[i];
  return (beyond >> 31) == 0;
}

std::size_t floatsOf(const py::buffer_info& info) {
  if (info.itemsize != sizeof(float) || info.format != py::format_descriptor<float>::format())
    throw py::value_error("expected samples of format f, found " + info.format);
  return bytesOf(info) / sizeof(float);
}

bool withinUnit(const py::buffer& samples) {
  const py::buffer_info info = samples.request();
  const std::size_t count = floatsOf(info);
  const auto* bits = static_cast<const std::uint32_t*>(info.ptr);
  const py::gil_scoped_release others;
  for (std::size_t at = 0; at < count; at += kBlock) {
    if (!blockWithinUnit(bits + at, std::min(kBlock, count - at))) return false;
  }
  return true;
}

bool copyWithinUnit(const py::buffer& target, const py::buffer& source) {
  const py::buffer_info to = target.request(true);
  const py::buffer_info from = source.request();
  const std::size_t bytes = floatsOf(from) * sizeof(float);
  if (floatsOf(to) * sizeof(float) != bytes)
    throw py::value_error("expected " + std::to_string(bytes) + " bytes, found " + std::to_string(bytesOf(to)));
  const py::gil_scoped_release others;
  const bool within = sparkvsr::native::streamLooking(
      to.ptr, from.ptr, bytes, [](const unsigned char* part, std::size_t partBytes) noexcept {
        const void* samples = part;
        return blockWithinUnit(static_cast<const std::uint32_t*>(samples), partBytes / sizeof(float));
      });
  sparkvsr::native::finishStreaming();
  return within;
}

}  // namespace

PYBIND11_MODULE(_pixels, module) {
  module.doc() = "Copies of large pictures; use sparkvsr_backend.host_pixels.";
  module.def(
      "copy", &copy, py::arg("target"), py::arg("source"),
      "Copies past the caches, without holding the interpreter. Both lie without gaps and do not overlap. Raises "
      "ValueError otherwise, and where the target is for reading only.");
  module.def("within_unit", &withinUnit, py::arg("samples"),
             "Whether all samples are in 0..1; -0 and NaN are not. They are floats without gaps. Raises ValueError.");
  module.def("copy_within_unit", &copyWithinUnit, py::arg("target"), py::arg("source"),
             "Copies floats as long as they are in 0..1 and says whether all were; if not, the target is undefined.");
}
