// SPDX-License-Identifier: Apache-2.0
// What the host throws, as the exception classes of sparkvsr_bridge.errors.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "host/errors.hpp"

namespace py = pybind11;
namespace host = sparkvsr::host;

namespace {

py::object errorClass(const char* name) { return py::module_::import("sparkvsr_bridge.errors").attr(name); }

void raise(const char* name, const py::object& instance) { PyErr_SetObject(errorClass(name).ptr(), instance.ptr()); }

void raiseAction(const char* name, const host::ActionFailed& error, const py::kwargs& more) {
  raise(name, errorClass(name)(error.name, error.what(), error.action, error.status, host::statusName(error.status),
                               error.messages, **more));
}

py::list violationsOf(const host::PluginViolated& error) {
  py::list all;
  for (const host::Violation& one : error.violations) all.append(py::make_tuple(one.rule, one.action, one.text));
  return all;
}

void translate(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const host::RenderAborted& error) {
    py::kwargs more;
    more["latency_ms"] = error.latencyMs;
    raiseAction("RenderAborted", error, more);
  } catch (const host::RenderFailed& error) {
    raiseAction("RenderFailed", error, {});
  } catch (const host::ActionFailed& error) {
    raiseAction("ActionFailed", error, {});
  } catch (const host::PluginViolated& error) {
    raise("PluginViolated", errorClass("PluginViolated")(error.name, error.what(), violationsOf(error)));
  } catch (const host::LoadFailed& error) {
    raise("LoadFailed", errorClass("LoadFailed")(error.name, error.what()));
  } catch (const host::HostError& error) {
    raise("HostError", errorClass("HostError")(error.name, error.what()));
  }
}

}  // namespace

void register_errors(py::module_&) { py::register_local_exception_translator(&translate); }
