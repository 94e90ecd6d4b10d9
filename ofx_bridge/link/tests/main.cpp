// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

int main(int argc, char** argv) { return check::run(argc, argv) == 0 ? 0 : 1; }
