// SPDX-License-Identifier: Apache-2.0
#include "dataplane/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include <cstdio>
#include <utility>

namespace vethway {

namespace {

std::string list(const std::vector<unsigned>& cpus) {
    std::string text;
    for (const unsigned cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
    return text;
}

std::vector<std::string> arguments(const EalOptions& options, bool telemetry) {
    std::string lcores = "0@(" + list(options.control_cpus) + ')';
    for (size_t i = 0; i < options.worker_cpus.size(); ++i)
        lcores += ',' + std::to_string(i + 1) + '@' + std::to_string(options.worker_cpus[i]);
    std::vector<std::string> args{"vethwayd", "--lcores=" + lcores, "--main-lcore=0",
                                  "--iova-mode=va", "--log-level=lib.eal:notice",
                                  // That nobody uses the telemetry of old is no news.
                                  "--log-level=lib.telemetry:error",
                                  std::string("--file-prefix=") + TelemetrySocket::kFilePrefix};
    if (!telemetry) args.emplace_back("--no-telemetry");
    if (options.hugepages)
        // Nothing in hugetlbfs to leave behind or to clash over; one file a segment list, so that
        // memif can share it (doc/guides/nics/memif.rst).
        args.insert(args.end(), {"--in-memory", "--single-file-segments"});
    else
        args.insert(args.end(),
                    {"--no-huge", "--no-shconf", "-m", std::to_string(options.memory_mib)});
    if (options.pci.empty()) args.emplace_back("--no-pci");
    for (const std::string& device : options.pci) args.insert(args.end(), {"-a", device});
    return args;
}

std::string last_lines(const std::string& words) {
    std::string line = words.substr(0, words.find_last_not_of('\n') + 1);
    for (char& c : line)
        if (c == '\n') c = ';';
    return line;
}

}  // namespace

Eal::Eal(const EalOptions& options, std::function<void(std::string_view)> log)
    : log_(std::move(log)) {
    const cookie_io_functions_t io{
        .read = nullptr,
        .write =
            [](void* self, const char* data, size_t size) {
                (*static_cast<std::function<void(std::string_view)>*>(self))({data, size});
                return static_cast<ssize_t>(size);
            },
        .seek = nullptr,
        .close = nullptr};
    std::function<void(std::string_view)> later =
        std::exchange(log_, [this](std::string_view text) { words_ += text; });
    FILE* stream = fopencookie(&log_, "w", io);
    if (stream == nullptr) throw EalError("no stream for DPDK's log");
    setvbuf(stream, nullptr, _IOLBF, 0);
    rte_openlog_stream(stream);

    TelemetrySocket::remove_directory_at_exit();
    if (options.telemetry) telemetry_.emplace();
    const bool telemetry = telemetry_ && telemetry_->problem().empty();
    std::vector<std::string> args = arguments(options, telemetry);
    std::vector<char*> argv;
    argv.reserve(args.size());
    for (std::string& arg : args) argv.push_back(arg.data());
    if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
        std::fflush(stream);
        const std::string why = "DPDK did not start: " + std::string(rte_strerror(rte_errno)) +
                                ": " + last_lines(words_);
        if (rte_errno == ENOMEM) throw MemoryError(why);
        throw EalError(why);
    }
    std::fflush(stream);
    if (telemetry) telemetry_->find();
    log_ = std::move(later);
}

Eal::~Eal() {
    if (telemetry_) telemetry_->close();
    rte_eal_cleanup();
}

}  // namespace vethway
