// SPDX-License-Identifier: Apache-2.0
// The packets that ports saw during a step of a lab, and what was claimed of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/cli/lab/lab.h"

namespace vethway::cli {

// A line of `vethway capture --print`, or of `tcpdump -n -i any`, which both begin so:
// HH:MM:SS.ffffff PORT DIRECTION PACKET.
struct SeenPacket {
    std::string line;  // as it was printed
    double at_s = 0;   // of the day
    std::string port;
    std::string what;  // direction and packet, one space between words
};

// The lines in their order; what is no packet is left out, as is a drop of what came in a line
// before (capture shows it at rx and at drop).
std::vector<SeenPacket> seen_packets(const std::vector<std::string>& lines);

// What the commands of one side printed, and its ports saw.
struct LabEvidence {
    std::vector<std::string> printed;
    std::vector<SeenPacket> seen;
};

// Why a claim does not hold; empty: it does.
std::string refuted(const LabClaim& claim, const LabEvidence& evidence);

}  // namespace vethway::cli
