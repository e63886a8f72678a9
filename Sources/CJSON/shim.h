// json-c: reads JSON, strictly and to a depth that is told.
// SPDX-License-Identifier: MIT
#include <json-c/json.h>
#include <json-c/json_object_iterator.h>
