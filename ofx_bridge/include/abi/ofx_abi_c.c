// SPDX-License-Identifier: Apache-2.0
// The headers and their checks, compiled as C.
#include "ofx_abi.h"
