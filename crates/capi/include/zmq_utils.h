/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* What was declared here is in zmq.h. This file is for programs that still
 * include it. */

#include "zmq.h"
