// SPDX-License-Identifier: Apache-2.0
// What belongs to the whole process or thread and must be the same after an action as before it.
#pragma once

#include <csignal>
#include <string>

namespace sparkvsr::host {

class ProcessState {
 public:
  ProcessState();
  /// Reports "ProcessStateChanged" for each difference, and puts the arithmetic of this thread right again.
  void reportChanges() const;

 private:
  void restoreArithmetic() const;

  int rounding_;
  unsigned int floatControl_;
  std::string locale_;
  std::string folder_;
  sigset_t blocked_;
};

}  // namespace sparkvsr::host
