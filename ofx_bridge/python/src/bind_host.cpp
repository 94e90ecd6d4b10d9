// SPDX-License-Identifier: Apache-2.0
// The headless host for Python. Every call that can enter an action releases the GIL.
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "host/instance.hpp"

namespace py = pybind11;
using namespace sparkvsr::host;

namespace {

using NoGil = py::call_guard<py::gil_scoped_release>;

// ---- values

py::object pythonOf(const Scalar& value) {
  if (const int* whole = std::get_if<int>(&value)) return py::int_(*whole);
  if (const double* real = std::get_if<double>(&value)) return py::float_(*real);
  if (const std::string* text = std::get_if<std::string>(&value)) return py::str(*text);
  return py::bool_(std::get<void*>(value) != nullptr);
}

/// Property name -> list of values; pointers as "is it set".
py::dict pythonOf(const PropertySet& properties) {
  py::dict all;
  for (const auto& [name, values] : properties.snapshot()) {
    py::list list;
    for (const Scalar& value : values) list.append(pythonOf(value));
    all[py::str(name)] = list;
  }
  return all;
}

py::object number(const Param& param, double value) {
  if (param.type() == kOfxParamTypeBoolean) return py::bool_(value != 0);
  if (param.isWhole()) return py::int_(static_cast<long long>(value));
  return py::float_(value);
}

py::object pythonOf(const Param& param, const ParamValue& value) {
  if (const std::string* text = std::get_if<std::string>(&value)) return py::str(*text);
  const auto& numbers = std::get<std::vector<double>>(value);
  if (numbers.size() == 1) return number(param, numbers[0]);
  py::tuple all(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) all[i] = number(param, numbers[i]);
  return all;
}

/// int, float, bool, str or a tuple of numbers; a choice also by its label.
ParamValue valueOf(const Param& param, const py::object& value) {
  if (py::isinstance<py::str>(value)) {
    const auto text = value.cast<std::string>();
    if (param.type() != kOfxParamTypeChoice) return text;
    return std::vector<double>{param.optionNumber(text)};
  }
  if (py::isinstance<py::tuple>(value) || py::isinstance<py::list>(value)) return value.cast<std::vector<double>>();
  return std::vector<double>{value.cast<double>()};
}

// ---- project

py::dict pythonOf(const Project& project, Instance& instance) {
  py::dict params;
  for (const auto& [name, saved] : project.params) {
    const Param& param = instance.param(name);
    py::list keys;
    for (const Key& key : saved.keys) keys.append(py::make_tuple(key.time, pythonOf(param, key.value)));
    py::dict one;
    one["type"] = saved.type;
    one["value"] = pythonOf(param, saved.value);
    one["keys"] = keys;
    params[py::str(name)] = one;
  }
  py::dict all;
  all["identifier"] = project.identifier;
  all["version"] = py::make_tuple(project.major, project.minor);
  all["context"] = project.context;
  all["params"] = params;
  return all;
}

ParamValue savedValue(const py::handle& value) {
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (py::isinstance<py::sequence>(value)) return value.cast<std::vector<double>>();
  return std::vector<double>{value.cast<double>()};
}

Project projectOf(const py::dict& saved) {
  Project project;
  project.identifier = saved["identifier"].cast<std::string>();
  const auto version = saved["version"].cast<std::vector<int>>();
  project.major = version.at(0);
  project.minor = version.at(1);
  project.context = saved["context"].cast<std::string>();
  for (const auto& [name, entry] : saved["params"].cast<py::dict>()) {
    SavedParam param{entry["type"].cast<std::string>(), savedValue(entry["value"]), {}};
    for (const py::handle& key : entry["keys"]) {
      const auto pair = key.cast<py::sequence>();
      param.keys.push_back({pair[0].cast<double>(), savedValue(py::object(pair[1]))});
    }
    project.params.emplace(name.cast<std::string>(), std::move(param));
  }
  return project;
}

// ---- host

/// Destroys without the GIL: the plugin may wait for a thread that needs it.
struct HostBox {
  std::unique_ptr<Host> host;
  explicit HostBox(HostOptions options) {
    const py::gil_scoped_release noGil;
    host = std::make_unique<Host>(std::move(options));
  }
  ~HostBox() {
    const py::gil_scoped_release noGil;
    host.reset();
  }
};

struct InstanceBox {
  std::shared_ptr<Instance> instance;
  InstanceBox(std::shared_ptr<Instance> made) : instance(std::move(made)) {}
  InstanceBox(InstanceBox&&) = default;
  InstanceBox(const InstanceBox&) = delete;
  InstanceBox& operator=(const InstanceBox&) = delete;
  ~InstanceBox() {
    if (instance == nullptr) return;
    const py::gil_scoped_release noGil;
    instance.reset();
  }
};

using FailingMap = std::map<std::string, std::tuple<int, int, int>>;

std::unique_ptr<HostBox> makeHost(const std::string& path, const std::string& identifier, const std::string& name,
                                  const std::map<std::string, OverrideValue>& overrides,
                                  const std::set<std::string>& missingSuites,
                                  const std::set<std::string>& nullFunctions, const FailingMap& failing,
                                  const std::set<std::string>& refusedProperties, bool raiseViolations) {
  HostOptions options;
  options.path = path;
  options.identifier = identifier;
  options.personality = personality(name);
  for (const auto& [field, value] : overrides) applyOverride(options.personality, field, value);
  options.faults.missingSuites = missingSuites;
  options.faults.nullFunctions = nullFunctions;
  options.faults.refusedProperties = refusedProperties;
  for (const auto& [function, fault] : failing) {
    options.faults.failing[function] = {std::get<0>(fault), std::get<1>(fault), std::get<2>(fault)};
  }
  options.raiseViolations = raiseViolations;
  return std::make_unique<HostBox>(std::move(options));
}

py::dict describeContext(const Effect& effect) {
  py::dict clips;
  for (const auto& clip : effect.clips()) clips[py::str(clip->name())] = pythonOf(clip->properties());
  py::dict params;
  for (const auto& param : effect.params().all()) params[py::str(param->name())] = pythonOf(param->properties());
  py::dict all;
  all["clips"] = clips;
  all["params"] = params;
  all["properties"] = pythonOf(effect.properties());
  return all;
}

py::dict describe(const HostBox& box) {
  const OfxPlugin& plugin = box.host->plugin();
  py::dict contexts;
  for (const auto& [name, effect] : box.host->description().contexts)
    contexts[py::str(name)] = describeContext(*effect);
  py::dict all;
  all["identifier"] = plugin.pluginIdentifier;
  all["version"] = py::make_tuple(plugin.pluginVersionMajor, plugin.pluginVersionMinor);
  all["properties"] = pythonOf(box.host->description().base->properties());
  all["contexts"] = contexts;
  return all;
}

py::list violations(const HostBox& box) {
  py::list all;
  for (const Violation& one : box.host->context().violations.since(0)) {
    all.append(py::make_tuple(one.rule, one.action, one.text));
  }
  return all;
}

py::tuple pythonOf(const Message& message) { return py::make_tuple(message.kind, message.id, message.text); }

py::list pythonOf(const std::vector<Message>& messages) {
  py::list all;
  for (const Message& message : messages) all.append(pythonOf(message));
  return all;
}

std::map<std::string, int> calls(HostBox& box) {
  const std::lock_guard lock(box.host->context().mutex);
  return box.host->context().calls;
}

std::unique_ptr<InstanceBox> createInstance(HostBox& box, const std::string& context,
                                            const std::optional<py::dict>& saved) {
  std::optional<Project> project;
  if (saved) project = projectOf(*saved);
  const py::gil_scoped_release noGil;
  return std::make_unique<InstanceBox>(box.host->createInstance(context, project ? &*project : nullptr));
}

// ---- instance

std::string premultiplicationName(const std::string& name) {
  if (name == "premultiplied") return kOfxImagePreMultiplied;
  if (name == "straight") return kOfxImageUnPreMultiplied;
  if (name == "opaque") return kOfxImageOpaque;
  if (name.empty()) return name;
  throw HostError("BadPremultiplication", "expected premultiplied, straight or opaque, found " + name);
}

struct ClipArguments {
  double first;
  double last;
  std::string depth;
  int components;
  std::string premultiplication;
  double par;
  std::pair<int, int> origin;
  std::size_t rowPadding;
  std::optional<bool> negativeRowBytes;
  double frameRate;
  bool nullImages;
  std::optional<std::array<double, 4>> region;
  std::string field;
};

std::shared_ptr<ClipInput> inputOf(FrameSource frames, const ClipArguments& given) {
  auto input = std::make_shared<ClipInput>();
  input->frames = std::move(frames);
  input->first = given.first;
  input->last = given.last;
  input->depth = depthFromName(given.depth);
  input->components = given.components;
  input->premultiplication = premultiplicationName(given.premultiplication);
  input->pixelAspect = given.par;
  input->origin = {given.origin.first, given.origin.second};
  input->rowPadding = given.rowPadding;
  input->negativeRowBytes = given.negativeRowBytes;
  input->frameRate = given.frameRate;
  input->nullImages = given.nullImages;
  if (given.region)
    input->region = OfxRectD{(*given.region)[0], (*given.region)[1], (*given.region)[2], (*given.region)[3]};
  input->field = given.field;
  return input;
}

void connect(InstanceBox& box, const std::string& clip, const py::object& frames, double first, double last,
             const std::string& depth, int components, const std::string& premultiplication, double par,
             std::pair<int, int> origin, std::size_t rowPadding, std::optional<bool> negativeRowBytes, double frameRate,
             bool nullImages, std::optional<std::array<double, 4>> region, const std::string& field) {
  const bool callable = py::isinstance<py::function>(frames);
  FrameSource source = callable ? sourceOfCallable(frames.cast<py::function>()) : sourceOfList(frames, first);
  auto input = inputOf(std::move(source), {first, last, depth, components, premultiplication, par, origin, rowPadding,
                                           negativeRowBytes, frameRate, nullImages, region, field});
  const py::gil_scoped_release noGil;
  box.instance->connect(clip, std::move(input));
}

void setParam(InstanceBox& box, const std::string& name, const py::object& value) {
  const ParamValue converted = valueOf(box.instance->param(name), value);
  const py::gil_scoped_release noGil;
  box.instance->set(name, converted);
}

void setKey(InstanceBox& box, const std::string& name, double time, const py::object& value) {
  const ParamValue converted = valueOf(box.instance->param(name), value);
  const py::gil_scoped_release noGil;
  box.instance->setKey(name, time, converted);
}

py::object getParam(InstanceBox& box, const std::string& name, std::optional<double> time) {
  return pythonOf(box.instance->param(name), box.instance->get(name, time));
}

py::list getKeys(InstanceBox& box, const std::string& name) {
  py::list all;
  for (const Key& key : box.instance->keys(name)) {
    all.append(py::make_tuple(key.time, pythonOf(box.instance->param(name), key.value)));
  }
  return all;
}

py::dict save(InstanceBox& box) {
  std::optional<Project> project;
  {
    const py::gil_scoped_release noGil;
    project = box.instance->save();
  }
  return pythonOf(*project, *box.instance);
}

RenderOptions optionsOf(std::optional<std::array<int, 4>> window, std::pair<double, double> scale,
                        std::optional<double> abortAfterMs, std::optional<int> abortAfterPolls, bool interactive,
                        bool draft) {
  RenderOptions options;
  if (window) options.window = OfxRectI{(*window)[0], (*window)[1], (*window)[2], (*window)[3]};
  options.scale = {scale.first, scale.second};
  options.abortAfterMs = abortAfterMs;
  options.abortAfterPolls = abortAfterPolls;
  options.interactive = interactive;
  options.draft = draft;
  return options;
}

py::tuple tupleOf(const OfxRectI& r) { return py::make_tuple(r.x1, r.y1, r.x2, r.y2); }
py::tuple tupleOf(const OfxRectD& r) { return py::make_tuple(r.x1, r.y1, r.x2, r.y2); }

py::dict pythonOf(const Rendered& rendered) {
  py::dict all;
  all["picture"] = arrayOf(rendered.picture);
  all["bounds"] = tupleOf(rendered.bounds);
  all["window"] = tupleOf(rendered.window);
  all["identity"] = rendered.identity;
  all["milliseconds"] = rendered.milliseconds;
  all["abort_polls"] = rendered.abortPolls;
  return all;
}

py::dict render(InstanceBox& box, double time, std::optional<std::array<int, 4>> window,
                std::pair<double, double> scale, std::optional<double> abortAfterMs, std::optional<int> abortAfterPolls,
                bool interactive, bool draft) {
  Rendered rendered;
  {
    const py::gil_scoped_release noGil;
    rendered = box.instance->render(time, optionsOf(window, scale, abortAfterMs, abortAfterPolls, interactive, draft));
  }
  return pythonOf(rendered);
}

py::list renderMany(InstanceBox& box, const std::vector<double>& times, int threads, std::pair<double, double> scale) {
  std::vector<Rendered> all;
  {
    const py::gil_scoped_release noGil;
    all = box.instance->renderMany(times, threads, optionsOf({}, scale, {}, {}, false, false));
  }
  py::list results;
  for (const Rendered& one : all) results.append(pythonOf(one));
  return results;
}

py::dict pythonOf(const ClipPreferences& made) {
  py::dict clips;
  for (const auto& [name, choice] : made.clips) {
    py::dict one;
    one["depth"] = depthName(depthFromOfx(choice.depth));
    one["components"] = choice.components == kOfxImageComponentRGB ? "RGB" : "RGBA";
    one["par"] = choice.pixelAspect;
    clips[py::str(name)] = one;
  }
  py::dict all;
  all["clips"] = clips;
  all["premultiplication"] = made.premultiplication;
  all["frame_rate"] = made.frameRate;
  all["frame_varying"] = made.frameVarying;
  all["continuous_samples"] = made.continuousSamples;
  all["format"] = made.format ? py::object(py::cast(*made.format)) : py::object(py::none());
  return all;
}

py::dict clipPreferences(InstanceBox& box) {
  std::optional<ClipPreferences> made;
  {
    const py::gil_scoped_release noGil;
    made = box.instance->clipPreferences();
  }
  return pythonOf(*made);
}

py::tuple regionOfDefinition(InstanceBox& box, double time, std::pair<double, double> scale) {
  OfxRectD region{};
  {
    const py::gil_scoped_release noGil;
    region = box.instance->regionOfDefinition(time, {scale.first, scale.second});
  }
  return tupleOf(region);
}

std::map<std::string, std::vector<std::pair<double, double>>> framesNeeded(InstanceBox& box, double time) {
  std::map<std::string, std::vector<std::pair<double, double>>> all;
  for (const auto& [clip, ranges] : box.instance->framesNeeded(time)) {
    for (const TimeRange& range : ranges) all[clip].emplace_back(range.first, range.last);
  }
  return all;
}

std::map<std::string, std::array<double, 4>> regionsOfInterest(InstanceBox& box, double time,
                                                               std::array<double, 4> region) {
  std::map<std::string, std::array<double, 4>> all;
  const OfxRectD asked{region[0], region[1], region[2], region[3]};
  for (const auto& [clip, r] : box.instance->regionsOfInterest(time, asked)) all[clip] = {r.x1, r.y1, r.x2, r.y2};
  return all;
}

std::optional<std::pair<std::string, double>> identity(InstanceBox& box, double time) {
  const std::optional<Identity> found = box.instance->identity(time);
  if (!found) return std::nullopt;
  return std::pair(found->clip, found->time);
}

SequenceArgs sequenceOf(double first, double last, double step, bool interactive) {
  SequenceArgs args;
  args.first = first;
  args.last = last;
  args.step = step;
  args.interactive = interactive;
  return args;
}

/// A copy of the record: pulls, messages, the persistent message, progress, times gone to.
py::dict record(InstanceBox& box) {
  Record& kept = box.instance->record();
  const std::lock_guard lock(kept.mutex);
  py::list pulls;
  for (const Pull& pull : kept.pulls) pulls.append(py::make_tuple(pull.clip, pull.time));
  py::list progress;
  for (const ProgressEvent& event : kept.progress)
    progress.append(py::make_tuple(event.kind, event.fraction, event.text));
  py::dict all;
  all["pulls"] = pulls;
  all["messages"] = pythonOf(kept.messages);
  all["persistent"] = kept.persistent ? py::object(pythonOf(*kept.persistent)) : py::object(py::none());
  all["progress"] = progress;
  all["goto_times"] = kept.gotoTimes;
  return all;
}

void forget(InstanceBox& box) {
  Record& kept = box.instance->record();
  const std::lock_guard lock(kept.mutex);
  kept.pulls.clear();
  kept.messages.clear();
  kept.progress.clear();
  kept.gotoTimes.clear();
}

// ---- classes

void registerHostClass(py::module_& module) {
  py::class_<HostBox, std::unique_ptr<HostBox>>(module, "Host")
      .def(py::init(&makeHost), py::arg("path"), py::arg("identifier"), py::arg("personality"), py::arg("overrides"),
           py::arg("missing_suites"), py::arg("null_functions"), py::arg("failing"), py::arg("refused_properties"),
           py::arg("raise_violations"))
      .def("describe", &describe)
      .def("create_instance", &createInstance, py::arg("context"), py::arg("project"), py::keep_alive<0, 1>())
      .def(
          "unload", [](HostBox& box) { box.host->unload(); }, NoGil())
      .def("violations", &violations)
      .def("clear_violations", [](HostBox& box) { box.host->clearViolations(); })
      .def("raise_violations", [](HostBox& box) { box.host->raiseViolations(); })
      .def("messages", [](HostBox& box) { return pythonOf(box.host->messages()); })
      .def("calls", &calls)
      .def_property_readonly("loaded", [](const HostBox& box) { return box.host->loaded(); });
}

using InstanceClass = py::class_<InstanceBox, std::unique_ptr<InstanceBox>>;

void defineEdits(InstanceClass& type) {
  type.def("connect", &connect, py::arg("clip"), py::arg("frames"), py::arg("first"), py::arg("last"), py::arg("depth"),
           py::arg("components"), py::arg("premultiplication"), py::arg("par"), py::arg("origin"),
           py::arg("row_padding"), py::arg("negative_row_bytes"), py::arg("frame_rate"), py::arg("null_images"),
           py::arg("region"), py::arg("field"))
      .def(
          "disconnect", [](InstanceBox& box, const std::string& clip) { box.instance->connect(clip, nullptr); },
          py::arg("clip"), NoGil())
      .def(
          "set_project",
          [](InstanceBox& box, std::array<double, 4> r) { box.instance->setProject({r[0], r[1], r[2], r[3]}); },
          py::arg("region"), NoGil())
      .def(
          "host_time", [](InstanceBox& box, double frame) { return box.instance->hostTime(frame); }, py::arg("frame"))
      .def("set", &setParam, py::arg("name"), py::arg("value"))
      .def("set_at", &setKey, py::arg("name"), py::arg("time"), py::arg("value"))
      .def("get", &getParam, py::arg("name"), py::arg("time"))
      .def("keys", &getKeys, py::arg("name"))
      .def(
          "delete_key", [](InstanceBox& box, const std::string& n, double t) { box.instance->deleteKey(n, t); },
          py::arg("name"), py::arg("time"), NoGil())
      .def(
          "delete_all_keys", [](InstanceBox& box, const std::string& n) { box.instance->deleteAllKeys(n); },
          py::arg("name"), NoGil())
      .def(
          "press", [](InstanceBox& box, const std::string& n, std::optional<double> t) { box.instance->press(n, t); },
          py::arg("name"), py::arg("time"), NoGil())
      .def(
          "set_linear",
          [](InstanceBox& box, const std::string& n, bool linear) {
            box.instance->setInterpolation(n, linear ? Interpolation::Linear : Interpolation::Step);
          },
          py::arg("name"), py::arg("linear"))
      .def(
          "param_properties",
          [](InstanceBox& box, const std::string& n) { return pythonOf(box.instance->param(n).properties()); },
          py::arg("name"))
      .def("save", &save);
}

void defineQuestions(InstanceClass& type) {
  type.def("clip_preferences", &clipPreferences)
      .def("region_of_definition", &regionOfDefinition, py::arg("time"), py::arg("scale"))
      .def("frames_needed", &framesNeeded, py::arg("time"), NoGil())
      .def("regions_of_interest", &regionsOfInterest, py::arg("time"), py::arg("region"), NoGil())
      .def("is_identity", &identity, py::arg("time"), NoGil())
      .def("record", &record)
      .def("forget", &forget)
      .def_property_readonly("context", [](const InstanceBox& box) { return box.instance->contextName(); })
      .def_property_readonly("alive", [](const InstanceBox& box) { return box.instance->alive(); })
      .def_property(
          "time", [](const InstanceBox& box) { return box.instance->now; },
          [](InstanceBox& box, double time) { box.instance->now = time; });
}

void defineRendering(InstanceClass& type) {
  type.def("render", &render, py::arg("time"), py::arg("window"), py::arg("scale"), py::arg("abort_after_ms"),
           py::arg("abort_after_polls"), py::arg("interactive"), py::arg("draft"))
      .def("render_many", &renderMany, py::arg("times"), py::arg("threads"), py::arg("scale"))
      .def(
          "begin_sequence",
          [](InstanceBox& box, double first, double last, double step, bool interactive) {
            box.instance->beginSequence(sequenceOf(first, last, step, interactive));
          },
          py::arg("first"), py::arg("last"), py::arg("step"), py::arg("interactive"), NoGil())
      .def(
          "end_sequence",
          [](InstanceBox& box, double first, double last, double step, bool interactive) {
            box.instance->endSequence(sequenceOf(first, last, step, interactive));
          },
          py::arg("first"), py::arg("last"), py::arg("step"), py::arg("interactive"), NoGil())
      .def("abort", [](InstanceBox& box) { box.instance->abort(); })
      .def(
          "cancel_progress", [](InstanceBox& box, bool on) { box.instance->record().cancelProgress = on; },
          py::arg("on"))
      .def(
          "simple_action", [](InstanceBox& box, const std::string& action) { box.instance->simple(action); },
          py::arg("action"), NoGil())
      .def("destroy", [](InstanceBox& box) { box.instance->destroy(); }, NoGil());
}

}  // namespace

void register_host(py::module_& module) {
  registerHostClass(module);
  InstanceClass instance(module, "Instance");
  defineEdits(instance);
  defineQuestions(instance);
  defineRendering(instance);
  module.def("personality_names", &personalityNames);
  module.def("override_names", &overrideNames);
  module.def("status_name", &statusName, py::arg("status"));
}
