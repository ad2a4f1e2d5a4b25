// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/stable_mac.h"

#include <unistd.h>

namespace vethway {

Mac stable_mac(const std::string& port, const std::string& devargs) {
    char host[256]{};
    gethostname(host, sizeof host - 1);
    uint64_t h = 0xcbf29ce484222325;  // FNV-1a
    for (const char c : std::string(host) + '/' + port + '/' + devargs)
        h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    Mac mac = Mac::from_u48(h >> 16);
    mac.bytes[0] = 0x02;  // locally administered, unicast
    return mac;
}

}  // namespace vethway
