// SPDX-License-Identifier: Apache-2.0
#include "arrays.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;
using sparkvsr::host::Depth;
using sparkvsr::host::FrameSource;
using sparkvsr::host::Picture;

namespace {

/// Keeps a Python object alive from threads that do not hold the GIL.
std::shared_ptr<py::object> keptAlive(py::object object) {
  return {new py::object(std::move(object)), [](py::object* held) {
            const py::gil_scoped_acquire gil;
            delete held;
          }};
}

Depth depthOf(const py::array& array) {
  const char kind = array.dtype().kind();
  const py::ssize_t size = array.itemsize();
  if (kind == 'u' && size == 1) return Depth::Byte;
  if (kind == 'u' && size == 2) return Depth::Short;
  if (kind == 'f' && size == 2) return Depth::Half;
  if (kind == 'f' && size == 4) return Depth::Float;
  throw py::value_error("expected uint8, uint16, float16 or float32, found " +
                        py::str(array.dtype()).cast<std::string>());
}

const char* dtypeOf(Depth depth) {
  switch (depth) {
    case Depth::Byte:
      return "uint8";
    case Depth::Short:
      return "uint16";
    case Depth::Half:
      return "float16";
    case Depth::Float:
      break;
  }
  return "float32";
}

/// Rows may be anywhere; the pixels of a row must be packed.
py::array withPackedRows(const py::array& array) {
  const bool packed = array.strides(2) == array.itemsize() && array.strides(1) == array.shape(2) * array.itemsize();
  return packed ? array : py::array(py::module_::import("numpy").attr("ascontiguousarray")(array));
}

}  // namespace

Picture pictureOf(const py::array& array) {
  if (array.ndim() != 3 || (array.shape(2) != 3 && array.shape(2) != 4)) {
    throw py::value_error("expected an array [height, width, 3 or 4], found shape " +
                          py::str(array.attr("shape")).cast<std::string>());
  }
  const py::array packed = withPackedRows(array);
  Picture picture;
  picture.height = static_cast<int>(packed.shape(0));
  picture.width = static_cast<int>(packed.shape(1));
  picture.components = static_cast<int>(packed.shape(2));
  picture.depth = depthOf(packed);
  picture.top = static_cast<const std::byte*>(packed.data());
  picture.rowBytes = packed.strides(0);
  picture.owner = keptAlive(packed);
  return picture;
}

py::array arrayOf(const Picture& picture) {
  auto* held = new std::shared_ptr<const void>(picture.owner);
  const py::capsule owner(held, [](void* pointer) { delete static_cast<std::shared_ptr<const void>*>(pointer); });
  const py::dtype dtype(dtypeOf(picture.depth));
  const std::vector<py::ssize_t> shape = {picture.height, picture.width, picture.components};
  const std::vector<py::ssize_t> strides = {picture.rowBytes, static_cast<py::ssize_t>(picture.pixelBytes()),
                                            dtype.itemsize()};
  return {dtype, shape, strides, picture.top, owner};
}

FrameSource sourceOfList(const py::list& frames, double first) {
  std::vector<Picture> pictures;
  for (const py::handle& frame : frames) pictures.push_back(pictureOf(py::cast<py::array>(frame)));
  return [pictures = std::move(pictures), first](double time) -> std::optional<Picture> {
    const double index = std::floor(time - first + 0.5);
    if (index < 0 || index >= static_cast<double>(pictures.size())) return std::nullopt;
    return pictures[static_cast<std::size_t>(index)];
  };
}

FrameSource sourceOfCallable(const py::function& function) {
  return [held = keptAlive(function)](double time) -> std::optional<Picture> {
    const py::gil_scoped_acquire gil;
    const py::object result = (*held)(time);
    if (result.is_none()) return std::nullopt;
    return pictureOf(py::cast<py::array>(result));
  };
}
