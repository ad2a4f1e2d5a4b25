// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_eal.h>

#include <array>

namespace vethway::test {

// DPDK without hugepages, files or devices of the machine. Once a process; below 0: it failed.
inline int init_eal() {
    static std::array<char[24], 9> words = {{"test", "--no-huge", "-m", "64", "--no-pci",
                                             "--no-shconf", "--no-telemetry", "--iova-mode=va",
                                             "--log-level=3"}};
    static std::array<char*, words.size() + 1> argv{};
    for (size_t i = 0; i < words.size(); ++i) argv[i] = words[i];
    return rte_eal_init(static_cast<int>(words.size()), argv.data());
}

}  // namespace vethway::test
