// SPDX-License-Identifier: Apache-2.0
// Speaking to the artist: persistent messages where the host has them, else plain ones, each text once.
#pragma once

#include <string>

#include "instance.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::plugin {

enum class Severity { Error, Warning };

/// Shows `text` until cleared or replaced, and remembers it for the status line.
void showMessage(Instance& instance, Severity severity, const std::string& name, const std::string& text);

/// Takes back what showMessage showed.
void clearMessage(Instance& instance);

/// The answer to a button, told once: where somebody is there as a dialog, else in the host's log.
void answerButton(Instance& instance, const std::string& text);
void answerButton(Instance& instance, const Error& error);

/// What is wrong with the keyframes stays shown, whatever renders meanwhile; "" takes it back.
void setWarning(Instance& instance, const std::string& text);

/// An error in the artist's words: the message, what was expected and what came.
void showError(Instance& instance, const Error& error);

}  // namespace sparkvsr::plugin
