// SPDX-License-Identifier: Apache-2.0
// Objects on a chosen NUMA node, outside of EAL's memory.
#pragma once

#include <numa.h>

#include <memory>
#include <new>
#include <type_traits>

namespace vethway {

// Zeroed pages on `node`; anywhere if there is no such thing or `node` is negative. Throws
// std::bad_alloc.
inline void* numa_pages(size_t bytes, int node) {
    void* at =
        node >= 0 && numa_available() >= 0 ? numa_alloc_onnode(bytes, node) : numa_alloc(bytes);
    if (at == nullptr) throw std::bad_alloc();
    return at;
}

// A page-aligned T on `node`; anywhere if there is no such thing or `node` is negative. Only the
// pages that are written become resident. Throws std::bad_alloc.
template <class T>
T* numa_new(int node) {
    return new (numa_pages(sizeof(T), node)) T;
}

template <class T>
void numa_delete(T* object) noexcept {
    std::destroy_at(object);
    numa_free(object, sizeof(T));
}

// The same of many, of whose T zeros are one.
struct NumaFree {
    size_t bytes;
    void operator()(void* at) const noexcept { numa_free(at, bytes); }
};
template <class T>
using NumaArray = std::unique_ptr<T[], NumaFree>;
template <class T>
NumaArray<T> numa_array(size_t count, int node) {
    static_assert(std::is_trivially_destructible_v<T>);
    const size_t bytes = count * sizeof(T);
    return {static_cast<T*>(numa_pages(bytes, node)), NumaFree{bytes}};
}

}  // namespace vethway
