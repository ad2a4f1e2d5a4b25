// SPDX-License-Identifier: Apache-2.0
// Any text as a configuration: it is refused in lines that stand alone, or what it means survives
// being written out and read again.
#include <cstdio>
#include <cstdlib>

#include "config/parse.h"

namespace {

[[noreturn]] void fail(const char* what, const std::string& text) {
    std::fprintf(stderr, "%s:\n%s\n", what, text.c_str());
    std::abort();
}

void check_refusal(const vethway::ConfigError& e) {
    if (e.lines().empty()) fail("refused without a reason", "");
    for (const std::string& line : e.lines())
        if (!line.starts_with("f:") || line.find('\n') != std::string::npos)
            fail("not one line that names the file", line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const vethway::Config config = vethway::parse_config(text, "f");
        const std::string yaml = vethway::to_yaml(config);
        try {
            if (vethway::parse_config(yaml, "again") != config) fail("reads back as another", yaml);
        } catch (const vethway::ConfigError& e) {
            fail(e.what(), yaml);
        }
    } catch (const vethway::ConfigError& e) {
        check_refusal(e);
    }
    return 0;
}
