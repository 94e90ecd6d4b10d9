// SPDX-License-Identifier: Apache-2.0
// The link for Python: benchmarks, and tests that misbehave on the other end. Every call that waits releases the GIL.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <cstring>
#include <string>

#include "sparkvsr/link.hpp"
#include "sparkvsr/link_tuning.hpp"

namespace py = pybind11;

namespace {

using sparkvsr::Depth;
using sparkvsr::Error;
using sparkvsr::PixelFormat;
using sparkvsr::Premultiplication;

template <typename Value, std::size_t Count>
Value named(const char* what, const std::string& text, const std::pair<const char*, Value> (&names)[Count]) {
  std::string all;
  for (const auto& [name, value] : names) {
    if (text == name) return value;
    all += std::string(all.empty() ? "" : ", ") + name;
  }
  throw py::value_error(std::string(what) + ": expected one of " + all + ", got " + text);
}

constexpr std::pair<const char*, Premultiplication> kPremultiplications[] = {
    {"premultiplied", Premultiplication::Premultiplied},
    {"straight", Premultiplication::Straight},
    {"opaque", Premultiplication::Opaque}};
constexpr std::pair<const char*, Depth> kDepths[] = {
    {"byte", Depth::Byte}, {"short", Depth::Short}, {"half", Depth::Half}, {"float", Depth::Float}};
constexpr std::pair<const char*, Depth> kTypes[] = {
    {"uint8", Depth::Byte}, {"uint16", Depth::Short}, {"float16", Depth::Half}, {"float32", Depth::Float}};

py::dtype dtypeOf(Depth depth) {
  for (const auto& [name, value] : kTypes) {
    if (value == depth) return py::dtype(std::string(name));
  }
  throw py::value_error("no dtype for this depth");
}

// ---- errors ----

py::object& linkErrorType() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> storage;
  return storage
      .call_once_and_store_result([] {
        return py::reinterpret_steal<py::object>(PyErr_NewExceptionWithDoc(
            "sparkvsr_bridge.link.LinkError", "A named failure of the link; has name, message, expected and found.",
            nullptr, nullptr));
      })
      .get_stored();
}

[[noreturn]] void raise(const Error& error) {
  py::object exception = linkErrorType()(error.text());
  exception.attr("name") = error.name;
  exception.attr("message") = error.message;
  exception.attr("expected") = error.expected;
  exception.attr("found") = error.found;
  PyErr_SetObject(linkErrorType().ptr(), exception.ptr());
  throw py::error_already_set();
}

template <typename Value>
Value valueOf(sparkvsr::Result<Value> result) {
  if (auto* error = std::get_if<Error>(&result)) raise(*error);
  return std::move(std::get<Value>(result));
}

// ---- pictures ----

PixelFormat formatOf(const py::array& array, const std::string& premultiplication) {
  if (array.ndim() != 3)
    throw py::value_error("expected an array [H, W, C], got " + std::to_string(array.ndim()) + " dimensions");
  PixelFormat format;
  format.height = static_cast<int>(array.shape(0));
  format.width = static_cast<int>(array.shape(1));
  format.components = static_cast<int>(array.shape(2));
  format.depth = named("dtype", py::str(array.dtype()), kTypes);
  format.premultiplication = named("premultiplication", premultiplication, kPremultiplications);
  const auto sample = static_cast<py::ssize_t>(sparkvsr::sampleBytes(format.depth));
  if (array.strides(2) != sample || array.strides(1) != sample * array.shape(2)) {
    throw py::value_error("expected rows without gaps between pixels");
  }
  return format;
}

/// Row 0 of an array is the top: a picture whose rows lead downwards in memory.
sparkvsr::ConstImageView viewOf(const py::array& array, const std::string& premultiplication) {
  const PixelFormat format = formatOf(array, premultiplication);
  const auto* top = static_cast<const char*>(array.data());
  return {format, top + array.strides(0) * (format.height - 1), -array.strides(0)};
}

sparkvsr::ImageView writableViewOf(py::array& array, const std::string& premultiplication) {
  const PixelFormat format = formatOf(array, premultiplication);
  auto* top = static_cast<char*>(array.mutable_data());
  return {format, top + array.strides(0) * (format.height - 1), -array.strides(0)};
}

// ---- callbacks ----

sparkvsr::AbortPoll abortOf(const py::object& abort, const std::optional<double>& afterMs) {
  if (afterMs) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double, std::milli>(*afterMs);
    return [end] { return std::chrono::steady_clock::now() >= end; };
  }
  if (abort.is_none()) return {};
  return [abort] {
    const py::gil_scoped_acquire gil;
    return abort().cast<bool>();
  };
}

sparkvsr::ProgressReport progressOf(const py::object& progress) {
  if (progress.is_none()) return {};
  return [progress](double fraction, const std::string& stage) {
    const py::gil_scoped_acquire gil;
    progress(fraction, stage);
  };
}

// ---- requests ----

sparkvsr::Fingerprint printOf(const py::bytes& bytes) {
  const std::string text = bytes;
  sparkvsr::Fingerprint print{};
  if (text.size() != print.size())
    throw py::value_error("expected a fingerprint of 16 bytes, got " + std::to_string(text.size()));
  std::memcpy(print.data(), text.data(), print.size());
  return print;
}

py::bytes bytesOf(const sparkvsr::Fingerprint& print) {
  return {reinterpret_cast<const char*>(print.data()), print.size()};
}

void apply(sparkvsr::Settings& settings, const std::string& key, const py::handle& value) {
  if (key == "engine")
    settings.engine = value.cast<std::string>();
  else if (key == "scale")
    settings.scale = value.cast<int>();
  else if (key == "guidance")
    settings.guidance = value.cast<double>();
  else if (key == "trust")
    settings.trust = value.cast<double>();
  else if (key == "view")
    settings.view = value.cast<std::string>();
  else if (key == "transfer")
    settings.transfer = value.cast<std::string>();
  else if (key == "precision")
    settings.precision = value.cast<std::string>();
  else if (key == "cuts")
    settings.cuts = value.cast<std::vector<std::int64_t>>();
  else if (key == "grid")
    settings.grid = value.cast<std::int64_t>();
  else if (key == "split")
    settings.split = value.cast<double>();
  else if (key == "generation")
    settings.generation = value.cast<std::int64_t>();
  else if (key == "grain")
    settings.grain = value.cast<double>();
  else if (key == "sharpness")
    settings.sharpness = value.cast<double>();
  else if (key == "quality")
    settings.quality = value.cast<std::string>();
  else if (key == "arithmetic")
    settings.arithmetic = value.cast<std::string>();
  else
    throw py::value_error("no setting has the name " + key);
}

std::string textOf(const py::dict& map, const char* key) {
  return map.contains(key) && !map[key].is_none() ? map[key].cast<std::string>() : std::string();
}

sparkvsr::KeyframeUse keyframeOf(const py::dict& map) {
  sparkvsr::KeyframeUse out;
  out.time = map["time"].cast<std::int64_t>();
  const py::object picture = map.contains("picture") ? py::object(map["picture"]) : py::none();
  if (picture.is_none()) {
    out.picture = sparkvsr::PictureModel{map["model"].cast<std::string>()};
  } else if (py::isinstance<py::bytes>(picture)) {
    out.picture = printOf(picture.cast<py::bytes>());
  } else {
    out.picture = sparkvsr::PictureFile{picture.cast<std::string>(), textOf(map, "transfer")};
  }
  if (map.contains("source") && !map["source"].is_none()) out.source = printOf(map["source"].cast<py::bytes>());
  if (map.contains("strength")) out.strength = map["strength"].cast<double>();
  if (map.contains("label") && !map["label"].is_none()) out.label = map["label"].cast<std::int64_t>();
  return out;
}

struct RenderArguments {
  sparkvsr::RenderRequest request;
  py::array out;
  std::string premultiplication;
};

py::object outcomeOf(sparkvsr::RenderOutcome outcome, const py::array& pixels) {
  if (auto* error = std::get_if<Error>(&outcome)) raise(*error);
  const py::object types = py::module_::import("types").attr("SimpleNamespace");
  if (auto* need = std::get_if<sparkvsr::Need>(&outcome)) {
    py::list prints;
    for (const auto& print : need->fingerprints) prints.append(bytesOf(print));
    return types(py::arg("need") = prints);
  }
  const auto& done = std::get<sparkvsr::Done>(outcome);
  py::list notices;
  for (const auto& notice : done.notices) notices.append(py::make_tuple(notice.name, notice.text));
  return types(py::arg("need") = py::list(), py::arg("pixels") = pixels, py::arg("cached") = done.cached,
               py::arg("confidence_mean") = done.confidenceMean, py::arg("confidence_low") = done.confidenceLow,
               py::arg("notices") = notices);
}

using LinkPtr = std::shared_ptr<sparkvsr::Link>;

py::object render(sparkvsr::Link& link, std::pair<int, int> target, const py::object& window, std::int64_t time,
                  const std::vector<std::pair<std::int64_t, py::bytes>>& frames, const py::list& keyframes,
                  std::array<std::int64_t, 2> range, const py::dict& settings, const std::string& session, int priority,
                  const py::object& out, const std::string& depth, int components, const std::string& premultiplication,
                  const py::object& abort, std::optional<double> abortAfterMs, const py::object& progress) {
  sparkvsr::RenderRequest request;
  request.session = session;
  request.priority = static_cast<sparkvsr::Priority>(priority);
  request.time = time;
  request.range = range;
  request.target = {target.first, target.second, {0, 0, target.first, target.second}};
  if (!window.is_none()) request.target.window = window.cast<std::array<int, 4>>();
  for (const auto& [key, value] : settings) apply(request.settings, key.cast<std::string>(), value);
  for (const auto& [frameTime, print] : frames) request.window.push_back({frameTime, printOf(print)});
  for (const py::handle keyframe : keyframes) request.keyframes.push_back(keyframeOf(keyframe.cast<py::dict>()));
  const auto& part = request.target.window;
  py::array pixels = out.is_none()
                         ? py::array(dtypeOf(named("depth", depth, kDepths)),
                                     std::vector<py::ssize_t>{part[3] - part[1], part[2] - part[0], components})
                         : out.cast<py::array>();
  const sparkvsr::ImageView view = writableViewOf(pixels, premultiplication);
  const auto abortPoll = abortOf(abort, abortAfterMs);
  const auto report = progressOf(progress);
  sparkvsr::RenderOutcome outcome = [&] {
    const py::gil_scoped_release released;
    return link.render(request, view, abortPoll, report);
  }();
  return outcomeOf(std::move(outcome), pixels);
}

py::bytes put(sparkvsr::Link& link, const py::array& array, const std::string& premultiplication, bool likelyKnown,
              bool force, const py::object& abort, std::optional<double> abortAfterMs) {
  const sparkvsr::ConstImageView view = viewOf(array, premultiplication);
  const auto abortPoll = abortOf(abort, abortAfterMs);
  sparkvsr::Result<sparkvsr::Fingerprint> result = [&] {
    const py::gil_scoped_release released;
    return link.put(view, likelyKnown, force, abortPoll);
  }();
  return bytesOf(valueOf(std::move(result)));
}

py::object outcomeOf(sparkvsr::AnalysisOutcome outcome) {
  if (auto* error = std::get_if<Error>(&outcome)) raise(*error);
  py::list need, frames;
  if (const auto* missing = std::get_if<sparkvsr::Need>(&outcome)) {
    for (const auto& print : missing->fingerprints) need.append(bytesOf(print));
  } else {
    for (const std::int64_t frame : std::get<sparkvsr::Analysed>(outcome).frames) frames.append(frame);
  }
  return py::module_::import("types").attr("SimpleNamespace")(py::arg("need") = need, py::arg("frames") = frames);
}

py::object analyse(sparkvsr::Link& link, const std::string& kind,
                   const std::vector<std::pair<std::int64_t, py::bytes>>& frames,
                   const std::vector<std::int64_t>& keyframes, const std::vector<std::int64_t>& cuts,
                   std::int64_t count, const py::dict& settings, const py::object& abort,
                   std::optional<double> abortAfterMs, const py::object& progress) {
  sparkvsr::AnalysisRequest request;
  request.kind = kind;
  for (const auto& [time, print] : frames) request.frames.push_back({time, printOf(print)});
  request.keyframes = keyframes;
  request.cuts = cuts;
  request.count = count;
  for (const auto& [key, value] : settings) apply(request.settings, key.cast<std::string>(), value);
  const auto abortPoll = abortOf(abort, abortAfterMs);
  const auto report = progressOf(progress);
  sparkvsr::AnalysisOutcome outcome = [&] {
    const py::gil_scoped_release released;
    return link.analyse(request, abortPoll, report);
  }();
  return outcomeOf(std::move(outcome));
}

bool wishBudget(sparkvsr::Link& link, double vram, double ram, bool always) {
  sparkvsr::Result<bool> result = [&] {
    const py::gil_scoped_release released;
    return link.wishBudget({vram, ram}, always, {});
  }();
  return valueOf(std::move(result));
}

py::dict backendOf(sparkvsr::Link& link) {
  sparkvsr::Result<sparkvsr::BackendCard> result = [&] {
    const py::gil_scoped_release released;
    return link.backend({});
  }();
  const sparkvsr::BackendCard card = valueOf(std::move(result));
  py::dict out;
  out["version"] = card.version;
  out["device"] = card.device;
  out["arithmetic"] = card.arithmetic;
  out["pid"] = card.pid;
  return out;
}

py::dict countersOf(const sparkvsr::Link& link) {
  const sparkvsr::LinkCounters counters = link.counters();
  py::dict out;
  out["frames_put"] = counters.framesPut;
  out["bytes_put"] = counters.bytesPut;
  out["frames_known"] = counters.framesKnown;
  out["renders"] = counters.renders;
  out["needs"] = counters.needs;
  out["reconnects"] = counters.reconnects;
  out["spawns"] = counters.spawns;
  out["carrier"] = counters.carrier;
  out["carrier_reason"] = counters.carrierReason;
  return out;
}

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

LinkPtr make(const std::string& address, const std::string& bundleResources, const std::string& hostName,
             const std::string& hostVersion, bool allowSpawn, bool allowSharedMemory, double silence, double handshake,
             double start, double slotWait, double idleSegment, std::size_t sharedMemoryBytes) {
  sparkvsr::LinkTuning tuning;
  tuning.silence = milliseconds(silence);
  tuning.handshake = milliseconds(handshake);
  tuning.start = milliseconds(start);
  tuning.slotWait = milliseconds(slotWait);
  tuning.idleSegment = milliseconds(idleSegment);
  tuning.sharedMemoryBytes = sharedMemoryBytes;
  return sparkvsr::makeLink({address, bundleResources, hostName, hostVersion, allowSpawn, allowSharedMemory}, tuning);
}

template <typename Function>
auto waiting(sparkvsr::Link& link, Function function, const py::object& abort, std::optional<double> abortAfterMs) {
  const auto abortPoll = abortOf(abort, abortAfterMs);
  auto result = [&] {
    const py::gil_scoped_release released;
    return (link.*function)(abortPoll);
  }();
  return valueOf(std::move(result));
}

void bindRequests(py::class_<sparkvsr::Link, LinkPtr>& type) {
  using py::arg;
  const py::arg_v noAbort = arg("abort") = py::none();
  const py::arg_v noTimer = arg("abort_after_ms") = py::none();
  type.def("put", &put, arg("array"), py::kw_only(), arg("premultiplication") = "straight", arg("likely_known") = false,
           arg("force") = false, noAbort, noTimer,
           "Makes an array [H, W, C] (row 0 on top) known; returns its fingerprint.");
  type.def("render", &render, py::kw_only(), arg("target"), arg("window") = py::none(), arg("time") = 0,
           arg("frames") = py::list(), arg("keyframes") = py::list(), arg("range") = std::array<std::int64_t, 2>{0, 0},
           arg("settings") = py::dict(), arg("session") = "python", arg("priority") = 0, arg("out") = py::none(),
           arg("depth") = "float", arg("components") = 4, arg("premultiplication") = "straight", noAbort, noTimer,
           arg("progress") = py::none(),
           "Renders one frame; the result has `need` (fingerprints) or `pixels` and the summary.");
  type.def("analyse", &analyse, py::kw_only(), arg("kind"), arg("frames"), arg("keyframes") = py::list(),
           arg("cuts") = py::list(), arg("count") = 0, arg("settings") = py::dict(), noAbort, noTimer,
           arg("progress") = py::none(), "Looks at many frames; the result has `need` (fingerprints) or `frames`.");
  type.def("wish_budget", &wishBudget, py::kw_only(), arg("vram") = 0.0, arg("ram") = 0.0, arg("always") = false,
           "GiB of the backend's caches; sent once for each connection.");
  type.def("backend", &backendOf, "Version, device, arithmetic and pid of the backend that runs.");
  type.def(
      "status",
      [](sparkvsr::Link& link, const py::object& abort, std::optional<double> afterMs) {
        return py::module_::import("json").attr("loads")(waiting(link, &sparkvsr::Link::status, abort, afterMs));
      },
      noAbort, noTimer);
  type.def(
      "clear_caches",
      [](sparkvsr::Link& link, const py::object& abort, std::optional<double> afterMs) {
        return waiting(link, &sparkvsr::Link::clearCaches, abort, afterMs);
      },
      noAbort, noTimer);
  type.def(
      "shutdown_backend",
      [](sparkvsr::Link& link, const py::object& abort, std::optional<double> afterMs) {
        return waiting(link, &sparkvsr::Link::shutdownBackend, abort, afterMs);
      },
      noAbort, noTimer);
  type.def("counters", &countersOf);
}

}  // namespace

void register_link(py::module_& module) {
  using py::arg;
  py::module_ link = module.def_submodule("link", "The backend link, as the plugin uses it.");
  link.attr("LinkError") = linkErrorType();
  py::class_<sparkvsr::Link, LinkPtr> type(link, "Link", py::module_local(),
                                           "A link of its own; deadlines in seconds.");
  type.def(py::init(&make), py::kw_only(), arg("address") = "", arg("bundle_resources") = "",
           arg("host_name") = "python", arg("host_version") = "0", arg("allow_spawn") = true,
           arg("allow_shared_memory") = true, arg("silence") = 10.0, arg("handshake") = 10.0, arg("start") = 120.0,
           arg("slot_wait") = 10.0, arg("idle_segment") = 60.0, arg("shared_memory_bytes") = std::size_t{2} << 30);
  bindRequests(type);
  link.def(
      "process_link",
      [](const std::string& hostName) {
        sparkvsr::LinkOptions options;
        options.hostName = hostName;
        return sparkvsr::Link::process(options);
      },
      arg("host_name") = "python", "The process-wide link with default options.");
  link.def("shutdown_all", &sparkvsr::Link::shutdownAll, py::call_guard<py::gil_scoped_release>());
  link.def(
      "fingerprint",
      [](const py::array& array, const std::string& premultiplication) {
        const sparkvsr::ConstImageView view = viewOf(array, premultiplication);
        return bytesOf(sparkvsr::fingerprint(view));
      },
      arg("array"), arg("premultiplication") = "straight", "The fingerprint of docs/protocol.md, section 4.");
}
