// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/netdev_port.h"

namespace vethway {

void NetdevPort::settle() {
    netdev_.describe(info_);
    info_.partial_checksums = true;
}

}  // namespace vethway
