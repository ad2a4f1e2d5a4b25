// SPDX-License-Identifier: Apache-2.0
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "control/cli/capture_files.h"
#include "control/cli/commands.h"

namespace vethway::cli {

namespace {

// The blocks that it looks into (control/watch/pcapng.h).
constexpr uint32_t kPacketBlock = 6, kStatisticsBlock = 5, kLineBlock = 0x40000bad;
constexpr uint16_t kDropCount = 4, kInterfaceDrops = 5;  // their options
constexpr size_t kLeastBlock = 12;

struct CaptureOptions {
    std::vector<std::string> filter, ports;
    std::string point, reason, file;
    std::optional<uint64_t> count, seconds, snaplen;
    uint64_t size_mb = 0;
    unsigned files = 0;
    bool print = false;
};

// What a signal does: no more than to tell the daemon that it is enough. What it then sends is the
// end of a whole file.
volatile std::sig_atomic_t stop_asked = 0, stream_fd = -1;

void on_stop(int) {
    stop_asked = 1;
    if (stream_fd >= 0) shutdown(stream_fd, SHUT_WR);
}

void catch_signals() {
    struct sigaction action {};
    action.sa_handler = on_stop;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second one ends it at once
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

template <class T>
T number_at(std::string_view bytes, size_t at) {
    T value{};
    if (at + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

// The number that a block has as its option `code`; options begin at `at`.
std::optional<uint64_t> number_option(std::string_view block, size_t at, uint16_t code) {
    while (at + 4 <= block.size() - sizeof(uint32_t)) {
        const auto option = number_at<uint16_t>(block, at);
        const auto length = number_at<uint16_t>(block, at + 2);
        if (option == 0) return std::nullopt;
        if (option == code) return number_at<uint64_t>(block, at + 4);
        at += 4 + (size_t{length} + 3) / 4 * 4;
    }
    return std::nullopt;
}

// Who takes the stream apart: blocks to the files, lines to the terminal.
class Capturing {
public:
    explicit Capturing(const CaptureOptions& options) : options_(options) {}

    void begin() {
        if (!options_.file.empty())
            files_.emplace(CaptureTarget{.file = options_.file,
                                         .bytes = options_.size_mb * 1'000'000,
                                         .files = options_.files,
                                         .give_up = [this] { return has_waited_enough(); }});
        std::cerr << "vethway: capturing, Ctrl-C ends it" << std::endl;
    }
    // False: nobody takes it any more.
    bool take(const char* data, size_t size) {
        bytes_.append(data, size);
        std::string_view rest = bytes_;
        while (rest.size() >= kLeastBlock) {
            const auto length = number_at<uint32_t>(rest, 4);
            if (length < kLeastBlock) throw ClientError({"vethwayd sent what is no pcapng"});
            if (rest.size() < length) break;
            take_block(rest.substr(0, length));
            rest.remove_prefix(length);
        }
        bytes_.erase(0, bytes_.size() - rest.size());
        taken_ = (!files_ || files_->flush()) && print();
        return taken_;
    }
    bool taken() const { return taken_; }
    std::string summary() const {
        uint64_t lost = 0;
        for (const auto& [interface, records] : lost_) lost += records;
        return fmt::format("{} packets captured, {} lost by the capture", packets_, lost);
    }

private:
    void take_block(std::string_view block) {
        const auto type = number_at<uint32_t>(block, 0);
        if (type == kLineBlock) {
            line_ = block.substr(12, block.size() - 16);
            line_.resize(line_.find_last_not_of('\0') + 1);
            return;
        }
        if (type == kPacketBlock) take_packet(block);
        if (type == kStatisticsBlock)
            if (const auto lost = number_option(block, 20, kInterfaceDrops))
                lost_[number_at<uint32_t>(block, 8)] = *lost;
        if (files_) files_->add(type, block);
    }
    void take_packet(std::string_view block) {
        ++packets_;
        const size_t captured = number_at<uint32_t>(block, 20);
        if (const auto lost = number_option(block, 28 + (captured + 3) / 4 * 4, kDropCount))
            lost_[number_at<uint32_t>(block, 8)] += *lost;
        if (!options_.print) return;
        const uint64_t ns =
            uint64_t{number_at<uint32_t>(block, 12)} << 32 | number_at<uint32_t>(block, 16);
        const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
        lines_ += fmt::format("{:%H:%M:%S}.{:06} {}\n", fmt::localtime(seconds),
                              ns / 1000 % 1'000'000, line_);
    }
    bool print() {
        const bool written = write_all(STDOUT_FILENO, "stdout", std::exchange(lines_, {}),
                                       [this] { return has_waited_enough(); });
        return written;
    }
    // Once it is to end, the reader of a full pipe has this long.
    bool has_waited_enough() {
        constexpr auto kGrace = std::chrono::seconds(2);
        const auto now = std::chrono::steady_clock::now();
        if (stop_asked == 0) return false;
        if (!asked_at_) asked_at_ = now;
        return now - *asked_at_ >= kGrace;
    }

    const CaptureOptions& options_;
    std::optional<CaptureFiles> files_;
    std::string bytes_, line_, lines_;
    uint64_t packets_ = 0;
    std::map<uint32_t, uint64_t> lost_;  // by interface
    bool taken_ = true;
    std::optional<std::chrono::steady_clock::time_point> asked_at_;
};

Client::Parameters parameters_of(const CaptureOptions& o) {
    Client::Parameters p;
    std::string filter;
    for (const std::string& word : o.filter) filter += (filter.empty() ? "" : " ") + word;
    const auto add_text = [&](const char* key, const std::string& value) {
        if (!value.empty()) p.emplace(key, value);
    };
    const auto add_number = [&](const char* key, const std::optional<uint64_t>& value) {
        if (value) p.emplace(key, std::to_string(*value));
    };
    add_text("filter", filter);
    for (const std::string& port : o.ports) p.emplace("port", port);
    add_text("point", o.point);
    add_text("reason", o.reason);
    add_number("count", o.count);
    add_number("seconds", o.seconds);
    add_number("snaplen", o.snaplen);
    if (o.print) p.emplace("lines", "1");
    return p;
}

void check_options(CaptureOptions& o) {
    if (o.file.empty()) o.print = true;
    const bool to_stdout = o.file == "-";
    if (to_stdout && o.print) throw ClientError({"capture: -w - and --print both want stdout"});
    if (to_stdout && isatty(STDOUT_FILENO) == 1)
        throw ClientError({"capture: -w - writes binary, and stdout is a terminal"});
    if (o.size_mb != 0 && (to_stdout || o.file.empty()))
        throw ClientError({"capture: --size is for files: it needs -w FILE"});
    if (o.files != 0 && o.size_mb == 0)
        throw ClientError({"capture: --ring needs --size, after which a file is full"});
}

// Runs until the daemon has sent all, or nobody wants it.
int run_capture(const Session& session, const CaptureOptions& options) {
    Capturing capturing(options);
    std::exception_ptr failed;
    // httplib is not to be left by an exception.
    const auto guarded = [&](const auto& work) {
        try {
            return work();
        } catch (const std::exception&) {
            failed = std::current_exception();
            return false;
        }
    };
    const bool whole =
        session.client().stream("/capture", parameters_of(options),
                                {.on_begin =
                                     [&](int fd) {
                                         stream_fd = fd;
                                         if (stop_asked != 0) shutdown(fd, SHUT_WR);
                                         return guarded([&] {
                                             capturing.begin();
                                             return true;
                                         });
                                     },
                                 .on_data =
                                     [&](const char* data, size_t size) {
                                         return guarded([&] { return capturing.take(data, size); });
                                     }});
    stream_fd = -1;
    if (failed) std::rethrow_exception(failed);
    std::cerr << capturing.summary() << std::endl;
    if (whole || !capturing.taken()) return 0;
    throw ClientError({"vethwayd has ended, and the capture with it"});
}

// The status of what is refused is 1, as tcpdump's is.
int capture(const Session& session, CaptureOptions options) {
    try {
        if (session.json)
            throw ClientError({"capture: there is no --json; capture -w - | tshark -T json -r -"});
        check_options(options);
        catch_signals();
        return run_capture(session, options);
    } catch (const ClientError& e) {
        for (const std::string& line : e.lines) std::cerr << "vethway: " << line << '\n';
        return 1;
    }
}

}  // namespace

void add_capture_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand(
        "capture", "Packets as they pass, with what became of them: pcapng, or lines");
    auto o = std::make_shared<CaptureOptions>();
    command->add_option("FILTER", o->filter, "Which packets, as for tcpdump (man 7 pcap-filter)");
    command
        ->add_option("-p,--port", o->ports, "Only what this port receives, sends or drops; several")
        ->allow_extra_args(false);
    command->add_option("--point", o->point, "Where: rx, tx, drop or all (default all)")
        ->check(CLI::IsMember({"rx", "tx", "drop", "all"}));
    command->add_option("--reason", o->reason, "Only packets dropped for this (show drops)");
    command->add_option("-w,--write", o->file, "Write pcapng to this file; -: to stdout");
    command->add_flag("--print", o->print,
                      "Print a line a packet, which is what is done without -w");
    command->add_option("-c,--count", o->count, "End after so many")
        ->check(CLI::Range(uint64_t{1}, UINT64_MAX));
    command->add_option("--seconds", o->seconds, "End after so long")
        ->check(CLI::Range(1, 10'000'000));
    command->add_option("-s,--snaplen", o->snaplen, "Bytes of each frame (default all)")
        ->check(CLI::Range(1, 65535));
    command->add_option("--size", o->size_mb, "Begin another file after so many MB (FILE.0001.…)")
        ->check(CLI::Range(1, 1'000'000));
    command->add_option("--ring", o->files, "Keep so many of these files, the last ones")
        ->check(CLI::Range(1, 9999));
    command->callback(
        [&session, o] { session.action = [&session, o] { return capture(session, *o); }; });
}

}  // namespace vethway::cli
