// SPDX-License-Identifier: Apache-2.0
#include "control/watch/capture_writer.h"

#include <fmt/format.h>

#include "control/packet_words.h"

namespace vethway {

namespace {

constexpr const char* kDropInterface = "drop";

const char* way_of(Point point) {
    return point == Point::rx ? "In " : point == Point::tx ? "Out" : "X  ";
}

pcapng::Direction direction_of(Point point) {
    using enum pcapng::Direction;
    return point == Point::rx ? inbound : point == Point::tx ? outbound : unknown;
}

uint16_t port_of(const Captured& frame) {
    return frame.point == Point::tx ? frame.record.egress : frame.record.port;
}

}  // namespace

CaptureWriter::CaptureWriter(WriterOptions options, Clock clock)
    : options_(std::move(options)), clock_(std::move(clock)) {
    pcapng::add_section(out_, options_.application);
}

uint32_t CaptureWriter::interface_of(const std::string& name, std::string_view description) {
    const auto [at, is_new] =
        interfaces_.try_emplace(name, static_cast<uint32_t>(interfaces_.size()));
    if (is_new) {
        pcapng::add_interface(out_, {name, description, options_.snaplen});
        counted_.emplace_back();
    }
    return at->second;
}

void CaptureWriter::add_ports(const PortNames& names) {
    for (const auto& [index, name] : names) interface_of(name, {});
}

void CaptureWriter::add_drop() { interface_of(kDropInterface, "what the switch dropped"); }

uint32_t CaptureWriter::interface_of(const Captured& frame, const PortNames& names) {
    if (frame.point == Point::drop) return interface_of(kDropInterface, {});
    return interface_of(name_of(names, port_of(frame)), {});
}

// The clock is set while it runs, by little: time does not go back for that.
uint64_t CaptureWriter::time_of(uint64_t tsc) {
    constexpr uint64_t kLittle = 1'000'000;
    const uint64_t ns = clock_(tsc);
    if (ns >= last_ns_ || last_ns_ - ns > kLittle) last_ns_ = ns;
    return last_ns_;
}

std::string CaptureWriter::line_of(const Captured& frame, const PortNames& names) const {
    std::string line =
        fmt::format("{:<5} {} {}", name_of(names, port_of(frame)), way_of(frame.point),
                    describe_frame(frame.frame, frame.record.length));
    if (!frame.outcome.empty()) line += " -- " + frame.outcome;
    return line;
}

void CaptureWriter::write(const Captured& frame, const PortNames& names) {
    if (is_full()) return;
    ++written_;
    const uint32_t interface = interface_of(frame, names);
    const uint64_t lost_before = lost_ - told_lost_;
    told_lost_ = lost_;
    ++counted_[interface].received;
    counted_[interface].lost += lost_before;
    if (options_.lines) pcapng::add_line(out_, line_of(frame, names));
    pcapng::add_packet(out_, {.interface = interface,
                              .ns = time_of(frame.record.tsc),
                              .frame = frame.frame,
                              .length = frame.record.length,
                              .direction = direction_of(frame.point),
                              .lost_before = lost_before,
                              .id = frame.record.packet,
                              .comment = frame.outcome});
}

void CaptureWriter::write_statistics(uint64_t tsc) {
    if (counted_.empty()) return;
    counted_.front().lost += lost_ - told_lost_;
    told_lost_ = lost_;
    const uint64_t ns = clock_(tsc);
    for (uint32_t i = 0; i < counted_.size(); ++i)
        pcapng::add_statistics(out_, {i, ns, counted_[i].received, counted_[i].lost});
}

}  // namespace vethway
