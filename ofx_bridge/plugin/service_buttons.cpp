// SPDX-License-Identifier: Apache-2.0
// Clear cache, Restart, Open log, Bind to this.
#include "backend_request.hpp"
#include "buttons.hpp"
#include "messages.hpp"
#include "param_writer.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::Param;

std::shared_ptr<Link> linkFor(const ActionCall& call) {
  const Instance& instance = call.instance;
  return linkOf(instance, readParams(instance.suites(), instance.params, call.time()));
}

bool noneRuns(const Error& error) { return error.name == "BackendNotFound"; }

}  // namespace

void clearCache(const ActionCall& call) {
  forgetHostFrames(call.instance);
  const auto cleared = linkFor(call)->clearCaches({});
  const auto* error = std::get_if<Error>(&cleared);
  if (error != nullptr && noneRuns(*error))
    return answerButton(call.instance, "no backend runs, so there is nothing to clear");
  if (error != nullptr) return answerButton(call.instance, *error);
  answerButton(call.instance, "the backend's caches are empty");
}

void restartBackend(const ActionCall& call) {
  forgetHostFrames(call.instance);
  const auto ended = linkFor(call)->shutdownBackend({});
  if (const auto* error = std::get_if<Error>(&ended)) return answerButton(call.instance, *error);
  answerButton(call.instance, std::get<bool>(ended) ? "the backend was ended; the next frame starts another"
                                                    : "no backend runs; the next frame starts one");
}

void openLog(const ActionCall& call) {
  const std::string log = Link::backendLog();
  const bool somebodyThere = !call.instance.host->facts.background;
  const auto opened = somebodyThere ? Link::openOnDesktop(log) : Result<bool>(false);
  if (const auto* error = std::get_if<Error>(&opened)) return answerButton(call.instance, *error);
  answerButton(call.instance, std::string("the backend's log is ") + log);
}

void bindArithmetic(const ActionCall& call) {
  Instance& instance = call.instance;
  const auto serving = linkFor(call)->backend({});
  if (const auto* error = std::get_if<Error>(&serving)) return answerButton(instance, *error);
  const auto& card = std::get<BackendCard>(serving);
  if (card.arithmetic.empty()) {
    return answerButton(instance, Error{"ArithmeticUnknown", "the backend does not say what kind of machine it runs on",
                                        "one that does", card.version});
  }
  if (!writeText(instance, Param::Arithmetic, card.arithmetic)) {
    return answerButton(
        instance, Error{"HostRefusedEdit", "this host does not let the plugin write Machine; it is " + card.arithmetic,
                        "a parameter that takes it", "a refusal"});
  }
  answerButton(instance, "bound to " + card.arithmetic);
}

}  // namespace sparkvsr::plugin
