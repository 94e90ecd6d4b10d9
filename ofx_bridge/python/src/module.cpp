// SPDX-License-Identifier: Apache-2.0
// The extension module sparkvsr_bridge._core: every part registers itself.
#include <pybind11/pybind11.h>

void register_errors(pybind11::module_& module);
void register_host(pybind11::module_& module);
#ifdef SPARKVSR_HAS_PLUGIN_CORE
void register_plugin_core(pybind11::module_& module);
#endif
#ifdef SPARKVSR_HAS_LINK
void register_link(pybind11::module_& module);
#endif

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled part of sparkvsr_bridge; use the package, not this module.";
  register_errors(module);
  register_host(module);
#ifdef SPARKVSR_HAS_PLUGIN_CORE
  register_plugin_core(module);
#endif
#ifdef SPARKVSR_HAS_LINK
  register_link(module);
#endif
}
