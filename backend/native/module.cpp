// SPDX-License-Identifier: Apache-2.0
// The extension module sparkvsr_backend._guard: region_guard.hpp for Python.
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <cstdint>

#include "region_guard.hpp"

namespace py = pybind11;

namespace {

int watch(const py::buffer& memory) {
  const py::buffer_info info = memory.request();
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto bytes = static_cast<std::size_t>(info.size * info.itemsize);
  const std::size_t whole = (bytes + page - 1) / page * page;  // a mapping has whole pages
  if (reinterpret_cast<std::uintptr_t>(info.ptr) % page != 0)
    throw py::value_error("expected the start of a mapping, found an address inside a page");
  return sparkvsr::guard::watch(info.ptr, whole);
}

}  // namespace

PYBIND11_MODULE(_guard, module) {
  module.doc() = "Memory that a peer may take away; use sparkvsr_backend.memory_guard.";
  module.def("watch", &watch, py::arg("memory"),
             "The number of the region, -1 where it cannot be watched. Raises ValueError where no mapping begins.");
  module.def("release", &sparkvsr::guard::release, py::arg("region"), "Ends the watch, before the memory is unmapped.");
  module.def("shrank", &sparkvsr::guard::shrank, py::arg("region"),
             "Whether a page was gone when it was touched: the region then reads as zeros.");
}
