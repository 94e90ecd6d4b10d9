// SPDX-License-Identifier: Apache-2.0
// The extension module sparkvsr_backend._pixels: copies of large pictures for Python.
#include <pybind11/pybind11.h>

#include <cstddef>
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

}  // namespace

PYBIND11_MODULE(_pixels, module) {
  module.doc() = "Copies of large pictures; use sparkvsr_backend.buffers.copy_pixels.";
  module.def(
      "copy", &copy, py::arg("target"), py::arg("source"),
      "Copies past the caches, without holding the interpreter. Both lie without gaps and do not overlap. Raises "
      "ValueError otherwise, and where the target is for reading only.");
}
