// SPDX-License-Identifier: Apache-2.0
#include "control/snooping/membership.h"

#include <algorithm>
#include <bit>

#include "dataplane/l2/payload.h"
#include "dataplane/net/checksum.h"
#include "dataplane/net/headers.h"

namespace vethway {

namespace {

using Bytes = std::span<const std::byte>;
using std::chrono::milliseconds;

struct IgmpHeader {  // RFC 2236 2
    uint8_t type, code;
    Be16 checksum;
    Be32 group;
};
struct MldHeader {  // RFC 2710 3
    uint8_t type, code;
    Be16 checksum, max_response, reserved;
    std::array<uint8_t, 16> group;
};
struct QueryTail {  // of IGMP 3 and MLD 2, RFC 3376 4.1
    uint8_t flags, interval_code;
    Be16 sources;
};
struct RecordHead {  // RFC 3376 4.2, RFC 3810 5.2; behind it the group and the sources
    uint8_t type, auxiliary_words;
    Be16 sources;
};
static_assert(sizeof(IgmpHeader) == 8 && sizeof(MldHeader) == 24 && sizeof(QueryTail) == 4 &&
              sizeof(RecordHead) == 4);

constexpr uint8_t kIgmpQuery = 0x11, kIgmp1Report = 0x12, kIgmp2Report = 0x16, kIgmpLeave = 0x17,
                  kIgmp3Report = 0x22, kMrdAdvertisement = 0x30, kMrdTermination = 0x32;
constexpr uint8_t kMldQuery = 130, kMldReport = 131, kMldDone = 132, kMld2Report = 143,
                  kMrd6Advertisement = 151, kMrd6Termination = 153;
constexpr uint8_t kPimHello = 0x20;  // version 2, type 0

constexpr Ip4 kAllSystems{224, 0, 0, 1}, kAllPimRouters{224, 0, 0, 13},
    kAllSnoopers{224, 0, 0, 106};
constexpr Ip6 kAllNodes{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
constexpr Ip6 kAllPimRouters6{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0d}};
constexpr Ip6 kAllSnoopers6{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x6a}};

constexpr uint8_t kSuppressFlag = 8, kSaidRobustness = 2;
constexpr size_t kLeastFrame = 60;

template <class T>
const T& at(Bytes bytes, size_t offset = 0) {
    return *reinterpret_cast<const T*>(bytes.data() + offset);
}

MembershipReading fault(const char* why) { return {{}, why}; }

// RFC 3376 4.1.1 and 4.1.7: a number, or from `bits` on one with an exponent.
unsigned decode_time(unsigned code, unsigned mantissa_bits) {
    const unsigned exponent_at = mantissa_bits, top = 1U << (mantissa_bits + 3);
    if (code < top) return code;
    const unsigned mantissa = code & ((1U << mantissa_bits) - 1),
                   exponent = code >> exponent_at & 7;
    return (mantissa | 1U << mantissa_bits) << (exponent + 3);
}
unsigned encode_time(unsigned value, unsigned mantissa_bits) {
    const unsigned top = 1U << (mantissa_bits + 3);
    if (value < top) return value;
    const unsigned most = decode_time(2 * top - 1, mantissa_bits);
    if (value >= most) return 2 * top - 1;
    const auto exponent = static_cast<unsigned>(std::bit_width(value)) - mantissa_bits - 1 - 3;
    const unsigned mantissa = value >> (exponent + 3) & ((1U << mantissa_bits) - 1);
    return top | exponent << mantissa_bits | mantissa;
}
constexpr unsigned kOctetMantissa = 4, kWordMantissa = 12;

// What is the same in both: the records of a report, whose groups have `kGroup` bytes.
template <class Group>
MembershipReading read_records(Bytes rest, unsigned count, size_t address_bytes,
                               Group (*group_at)(Bytes)) {
    MembershipReport report;
    for (; count > 0; --count) {
        if (rest.size() < sizeof(RecordHead) + address_bytes) return fault("a report is cut off");
        const auto& head = at<RecordHead>(rest);
        const size_t sources = head.sources;
        const size_t size = sizeof head + address_bytes * (1 + sources) +
                            size_t{head.auxiliary_words} * sizeof(uint32_t);
        if (rest.size() < size) return fault("a report is cut off");
        const Group group = group_at(rest.subspan(sizeof head));
        // RFC 3376 4.2.12: what is it, the change to it, and single sources that come or go.
        enum : uint8_t { kIs = 1, kIsNot, kToOnly, kToAllBut, kAllow, kBlock };
        const bool only = head.type == kIs || head.type == kToOnly;
        if (head.type >= kIs && head.type <= kBlock && group.is_multicast() &&
            (head.type < kAllow || (head.type == kAllow && sources > 0)))
            report.records.push_back({group, !only || sources > 0});
        rest = rest.subspan(size);
    }
    return {report, ""};
}

// Whom a query is about: of a general one, that is to all, nobody. Null, or what is wrong.
template <class Group>
const char* check_group(const Group& group, bool is_to_all, MembershipQuery& query) {
    if (group == Group{}) return is_to_all ? nullptr : "a general query is not to all hosts";
    if (!group.is_multicast()) return "a query is about no group";
    query.group = group;
    return nullptr;
}

// What the newer version of either has behind the older one's query (RFC 3376 7.1, RFC 3810 8.1).
MembershipReading read_tail(Bytes rest, milliseconds newer_response, MembershipQuery& query) {
    if (rest.empty()) return {query, ""};
    if (rest.size() < sizeof(QueryTail)) return fault("a query is of no version");
    const auto& tail = at<QueryTail>(rest);
    query.max_response = newer_response;
    query.interval = std::chrono::seconds(decode_time(tail.interval_code, kOctetMantissa));
    query.suppress = (tail.flags & kSuppressFlag) != 0;
    return {query, ""};
}

// --- IPv4 --------------------------------------------------------------------------------------
Ip4 ip4_at(Bytes bytes) { return Ip4{at<Be32>(bytes)}; }

MembershipReading read_igmp_query(const Ip4Header& ip, Bytes bytes) {
    const auto& head = at<IgmpHeader>(bytes);
    MembershipQuery query{.source = Ip4{ip.src}};
    if (const char* why = check_group(Ip4{head.group}, Ip4{ip.dst} == kAllSystems, query))
        return fault(why);
    constexpr milliseconds kTenth{100}, kVersion1{10'000};  // RFC 2236 4
    query.max_response = head.code == 0 ? kVersion1 : kTenth * head.code;
    return read_tail(bytes.subspan(sizeof head), kTenth * decode_time(head.code, kOctetMantissa),
                     query);
}

MembershipReading read_igmp(const Ip4Header& ip, Bytes bytes) {
    if (bytes.size() < sizeof(IgmpHeader)) return fault("an IGMP message is cut off");
    if (internet_checksum(bytes) != 0) return fault("an IGMP checksum is wrong");
    const auto& head = at<IgmpHeader>(bytes);
    const Ip4 group{head.group};
    switch (head.type) {
        case kIgmpQuery:
            return read_igmp_query(ip, bytes);
        case kIgmp1Report:
        case kIgmp2Report:
        case kIgmpLeave:
            if (!group.is_multicast()) return fault("a report is about no group");
            return {MembershipReport{{{group, head.type != kIgmpLeave}}}, ""};
        case kIgmp3Report:
            return read_records<Ip4>(bytes.subspan(sizeof head), head.group & 0xffff, sizeof(Be32),
                                     ip4_at);
        default:
            return fault("");
    }
}

MembershipReading read_ip4(Bytes packet) {
    const auto inner = payload_of_ip4(packet);
    if (!inner) return fault("an IP header is broken");
    const auto& ip = at<Ip4Header>(packet);
    const size_t total = ip.total_length, header = ip.header_bytes();
    if (internet_checksum(packet.first(header)) != 0) return fault("an IP checksum is wrong");
    if (ip.is_fragment()) return fault("a message about groups is in fragments");
    if (total < header || total > packet.size()) return fault("an IP packet is cut off");
    const Bytes bytes = packet.subspan(header, total - header);
    if (inner->protocol == kProtocolIgmp) {
        // RFC 4286 5: by its address, since others may use the type.
        const auto type = bytes.empty() ? uint8_t{0} : static_cast<uint8_t>(bytes[0]);
        if (Ip4{ip.dst} == kAllSnoopers && (type == kMrdAdvertisement || type == kMrdTermination)) {
            if (internet_checksum(bytes) != 0) return fault("an advertisement's checksum is wrong");
            return {MulticastRouterSeen{.leaves = type == kMrdTermination}, ""};
        }
        return read_igmp(ip, bytes);
    }
    if (inner->protocol == kProtocolPim && Ip4{ip.dst} == kAllPimRouters && !bytes.empty() &&
        bytes[0] == std::byte{kPimHello})
        return {MulticastRouterSeen{}, ""};
    return fault("");
}

// --- IPv6 --------------------------------------------------------------------------------------
Ip6 ip6_at(Bytes bytes) {
    Ip6 address;
    std::memcpy(address.bytes.data(), bytes.data(), address.bytes.size());
    return address;
}
constexpr bool is_link_local(const Ip6& ip) {
    return ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80;
}

// RFC 8200 8.1.
uint16_t icmp6_checksum(const Ip6Header& ip, Bytes bytes) {
    ChecksumSum sum;
    sum.add(std::as_bytes(std::span(ip.src)));
    sum.add(std::as_bytes(std::span(ip.dst)));
    sum.add32(static_cast<uint32_t>(bytes.size()));
    sum.add32(kProtocolIcmp6);
    sum.add(bytes);
    return sum.checksum();
}

MembershipReading read_mld_query(const Ip6Header& ip, Bytes bytes) {
    const auto& head = at<MldHeader>(bytes);
    MembershipQuery query{.version = IpVersion::ip6, .source = Ip6{ip.src}};
    if (!is_link_local(Ip6{ip.src})) return fault("an MLD query is not from the link");
    if (const char* why = check_group(Ip6{head.group}, Ip6{ip.dst} == kAllNodes, query))
        return fault(why);
    query.max_response = milliseconds(head.max_response);
    return read_tail(bytes.subspan(sizeof head),
                     milliseconds(decode_time(head.max_response, kWordMantissa)), query);
}

MembershipReading read_mld(const Ip6Header& ip, Bytes bytes) {
    const auto type = bytes.empty() ? uint8_t{0} : static_cast<uint8_t>(bytes[0]);
    const bool is_mrd = type == kMrd6Advertisement || type == kMrd6Termination;
    if (!is_mrd && type != kMldQuery && type != kMldReport && type != kMldDone &&
        type != kMld2Report)
        return fault("");
    if (ip.hop_limit != 1) return fault("a hop limit is not 1");  // RFC 3810 5, RFC 4286 5
    if (icmp6_checksum(ip, bytes) != 0) return fault("an ICMPv6 checksum is wrong");
    if (is_mrd) {
        if (Ip6{ip.dst} != kAllSnoopers6) return fault("");
        return {MulticastRouterSeen{.leaves = type == kMrd6Termination}, ""};
    }
    if (type == kMld2Report) {
        if (bytes.size() < sizeof(IgmpHeader)) return fault("a report is cut off");
        return read_records<Ip6>(bytes.subspan(sizeof(IgmpHeader)),
                                 at<IgmpHeader>(bytes).group & 0xffff, sizeof(Ip6), ip6_at);
    }
    if (bytes.size() < sizeof(MldHeader)) return fault("an MLD message is cut off");
    if (type == kMldQuery) return read_mld_query(ip, bytes);
    const Ip6 group{at<MldHeader>(bytes).group};
    if (!group.is_multicast()) return fault("a report is about no group");
    return {MembershipReport{{{group, type == kMldReport}}}, ""};
}

MembershipReading read_ip6(Bytes packet) {
    if (packet.size() < sizeof(Ip6Header)) return fault("an IPv6 header is cut off");
    const auto& ip = at<Ip6Header>(packet);
    const size_t total = sizeof ip + ip.payload_length;
    if (total > packet.size()) return fault("an IPv6 packet is cut off");
    const auto inner = payload_of_ip6(packet.first(total));
    if (!inner || inner->is_later_fragment) return fault("an IPv6 header is broken");
    if (inner->protocol == kProtocolIcmp6) return read_mld(ip, inner->bytes);
    if (inner->protocol == kProtocolPim && Ip6{ip.dst} == kAllPimRouters6 &&
        !inner->bytes.empty() && inner->bytes[0] == std::byte{kPimHello})
        return {MulticastRouterSeen{}, ""};
    return fault("");
}

// --- What we ask -------------------------------------------------------------------------------
struct RouterAlert4 {  // RFC 2113
    uint8_t type = 0x94, bytes = 4, value[2] = {0, 0};
};
struct HopByHopAlert {  // RFC 2711, and twice Pad1
    uint8_t next = kProtocolIcmp6, words = 0, type = 5, bytes = 2, value[2] = {0, 0},
            padding[2] = {0, 0};
};
constexpr uint8_t kInternetControl = 0xc0;

QueryTail tail_of(const MembershipQuery& q) {
    const auto interval = static_cast<unsigned>(q.interval.count());
    return {.flags = q.suppress ? uint8_t{kSaidRobustness | kSuppressFlag} : kSaidRobustness,
            .interval_code = static_cast<uint8_t>(encode_time(interval, kOctetMantissa)),
            .sources = 0};
}

std::vector<std::byte> igmp_query(const MembershipQuery& q, Mac from) {
    struct Packet {
        EtherHeader ether;
        Ip4Header ip;
        RouterAlert4 alert;
        IgmpHeader igmp;
        QueryTail tail;
    };
    const Ip4 to = q.group ? std::get<Ip4>(*q.group) : kAllSystems;
    constexpr size_t kIpBytes = sizeof(Packet) - sizeof(EtherHeader);
    Packet p{};
    p.ether = {group_mac(to), from, kEtherTypeIp4};
    p.ip.version_ihl = 0x46;
    p.ip.tos = kInternetControl;
    p.ip.total_length = kIpBytes;
    p.ip.fragment = Ip4Header::kDontFragment;
    p.ip.ttl = 1;
    p.ip.protocol = kProtocolIgmp;
    p.ip.src = std::get<Ip4>(q.source).value;
    p.ip.dst = to.value;
    const auto tenths = static_cast<unsigned>(q.max_response / milliseconds(100));
    p.igmp = {kIgmpQuery, static_cast<uint8_t>(encode_time(tenths, kOctetMantissa)), 0,
              q.group ? to.value : 0};
    p.tail = tail_of(q);
    const auto bytes = std::as_bytes(std::span(&p, 1));
    p.igmp.checksum = internet_checksum(bytes.subspan(offsetof(Packet, igmp)));
    p.ip.checksum =
        internet_checksum(bytes.subspan(offsetof(Packet, ip), sizeof p.ip + sizeof p.alert));
    std::vector<std::byte> frame(bytes.begin(), bytes.end());
    frame.resize(std::max(frame.size(), kLeastFrame));
    return frame;
}

std::vector<std::byte> mld_query(const MembershipQuery& q, Mac from) {
    struct Packet {
        EtherHeader ether;
        Ip6Header ip;
        HopByHopAlert alert;
        MldHeader mld;
        QueryTail tail;
    };
    constexpr uint8_t kHopByHop = 0;
    constexpr size_t kMldBytes = sizeof(MldHeader) + sizeof(QueryTail);
    const Ip6 to = q.group ? std::get<Ip6>(*q.group) : kAllNodes;
    Packet p{};
    p.ether = {group_mac(to), from, kEtherTypeIp6};
    p.ip = {.version_class_label = 0x6000'0000,
            .payload_length = sizeof p.alert + kMldBytes,
            .next_header = kHopByHop,
            .hop_limit = 1,
            .src = std::get<Ip6>(q.source).bytes,
            .dst = to.bytes};
    p.mld = {.type = kMldQuery,
             .code = 0,
             .checksum = 0,
             .max_response = static_cast<uint16_t>(
                 encode_time(static_cast<unsigned>(q.max_response.count()), kWordMantissa)),
             .reserved = 0,
             .group = q.group ? to.bytes : Ip6{}.bytes};
    p.tail = tail_of(q);
    const auto bytes = std::as_bytes(std::span(&p, 1));
    p.mld.checksum = icmp6_checksum(p.ip, bytes.subspan(offsetof(Packet, mld), kMldBytes));
    return {bytes.begin(), bytes.end()};
}

}  // namespace

std::string to_string(const IpAddress& address) {
    return std::visit([](const auto& a) { return a.to_string(); }, address);
}
Mac group_mac(const IpAddress& group) noexcept {
    return std::visit([](const auto& g) { return group_mac(g); }, group);
}

MembershipReading read_membership(Bytes frame) {
    if (frame.size() < sizeof(EtherHeader)) return fault("a frame is cut off");
    const Payload payload = payload_of(frame);
    switch (payload.kind) {
        case PayloadKind::ip4:
            return read_ip4(payload.bytes);
        case PayloadKind::ip6:
            return read_ip6(payload.bytes);
        default:
            return fault("");
    }
}

std::vector<std::byte> write_query(const MembershipQuery& query, Mac from) {
    return query.version == IpVersion::ip4 ? igmp_query(query, from) : mld_query(query, from);
}

}  // namespace vethway
