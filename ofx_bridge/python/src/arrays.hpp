// SPDX-License-Identifier: Apache-2.0
// Pictures of the host as numpy arrays and back, without copying.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "host/clip.hpp"
#include "host/pixels.hpp"

/// An array [H, W, C] of uint8, uint16, float16 or float32, row 0 at the top. Raises ValueError.
[[nodiscard]] sparkvsr::host::Picture pictureOf(const pybind11::array& array);
/// Shares the picture's memory.
[[nodiscard]] pybind11::array arrayOf(const sparkvsr::host::Picture& picture);
/// Pictures of a list, the first one at `first`. Times are rounded to the nearest frame.
[[nodiscard]] sparkvsr::host::FrameSource sourceOfList(const pybind11::list& frames, double first);
/// Pictures of a callable: time -> array or None. Called with the GIL held, from any thread.
[[nodiscard]] sparkvsr::host::FrameSource sourceOfCallable(const pybind11::function& function);
