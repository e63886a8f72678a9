// http_parser: reads messages of HTTP/1.1. The sockets are ours.
// SPDX-License-Identifier: MIT
#include <http_parser.h>
