// SPDX-License-Identifier: Apache-2.0
// Objects on a chosen NUMA node, outside of EAL's memory.
#pragma once

#include <numa.h>

#include <memory>
#include <new>

namespace vethway {

// A page-aligned T on `node`; anywhere if there is no such thing or `node` is negative. Only the
// pages that are written become resident. Throws std::bad_alloc.
template <class T>
T* numa_new(int node) {
    void* at = node >= 0 && numa_available() >= 0 ? numa_alloc_onnode(sizeof(T), node)
                                                  : numa_alloc(sizeof(T));
    if (at == nullptr) throw std::bad_alloc();
    return new (at) T;
}

template <class T>
void numa_delete(T* object) noexcept {
    std::destroy_at(object);
    numa_free(object, sizeof(T));
}

}  // namespace vethway
