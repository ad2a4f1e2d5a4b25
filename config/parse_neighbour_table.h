// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"

namespace vethway {

class Field;
NeighbourTableConfig parse_neighbour_table(const Field& f);

}  // namespace vethway
