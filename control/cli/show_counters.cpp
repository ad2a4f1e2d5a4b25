// SPDX-License-Identifier: Apache-2.0
// Counters and drops, with what they are a second where that is known.
#include <fmt/format.h>

#include "control/cli/show.h"
#include "control/cli/table.h"

namespace vethway::cli {

namespace {

std::string rate_text(const Json& rate) {
    if (!rate.is_number()) return "-";
    const double value = rate.get<double>();
    return value == 0 || value >= 10 ? fmt::format("{:.0f}", value) : fmt::format("{:.1f}", value);
}

// The row of `rates` that is about the same as `row`, or null.
Json row_of(const Json& rates, const char* list, const Json& row,
            std::initializer_list<const char*> keys) {
    if (!rates.contains(list)) return nullptr;
    for (const Json& candidate : rates[list]) {
        bool same = true;
        for (const char* key : keys) same = same && candidate[key] == row[key];
        if (same) return candidate;
    }
    return nullptr;
}

Json member_of(const Json& object, const std::string& key) {
    return object.is_object() && object.contains(key) ? object[key] : Json(nullptr);
}

// "arp_request 3 (1.5/s), host 1 (0/s)" of an object of counts; what is zero is left out.
std::string kinds(const Json& counts, const Json& rates) {
    std::string text;
    for (const auto& [name, count] : counts.items()) {
        if (count == 0) continue;
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, text_of(count));
        if (!rates.is_null()) text += fmt::format(" ({}/s)", rate_text(member_of(rates, name)));
    }
    return text.empty() ? "-" : text;
}

std::string traffic(const Json& port, const Json& rates, const std::string& way) {
    std::string text = fmt::format("{} packets, {} bytes", text_of(port[way + "_packets"]),
                                   text_of(port[way + "_bytes"]));
    if (!rates.is_null())
        text += fmt::format(" ({} packets/s, {} bytes/s)",
                            rate_text(member_of(rates, way + "_packets")),
                            rate_text(member_of(rates, way + "_bytes")));
    return text;
}

}  // namespace

std::string accounting_line(const Json& a, bool colour) {
    const auto imbalance = a["imbalance"].get<int64_t>();
    const std::string verdict =
        imbalance == 0 ? "balanced" : fmt::format("OUT OF BALANCE by {}", imbalance);
    return fmt::format("rx {} + originated {} = tx {} + consumed {} + dropped {} + held {}: {}",
                       text_of(a["rx"]), text_of(a["originated"]), text_of(a["tx"]),
                       text_of(a["consumed"]), text_of(a["dropped"]), text_of(a["held"]),
                       coloured(verdict, imbalance == 0, colour));
}

std::string show_counters(const Json& answer, const Json& rates, bool colour) {
    std::string out;
    for (const Json& port : answer["ports"]) {
        // With rates but none of this port, as at the first reading: dashes.
        Json of_port = row_of(rates, "ports", port, {"port"});
        if (of_port.is_null() && !rates.is_null()) of_port = Json::object();
        out += fmt::format("{}\n", text_of(port["port"]));
        for (const char* way : {"rx", "tx"})
            out += fmt::format("    {:<12}{}\n", way, traffic(port, of_port, way));
        for (const char* kind : {"consumed", "originated", "dropped"}) {
            Json of_kind = member_of(of_port, kind);
            if (of_kind.is_null() && !rates.is_null()) of_kind = Json::object();
            out += fmt::format("    {:<12}{}\n", kind, kinds(port[kind], of_kind));
        }
    }
    return out + accounting_line(answer["accounting"], colour) + '\n';
}

std::string show_books(const Json& answer, const Json& rates, bool colour) {
    std::vector<std::string> header{"WORKER",   "RX",      "ORIGINATED", "TX",
                                    "CONSUMED", "DROPPED", "HELD",       "IMBALANCE"};
    const bool has_rates = !rates.is_null();
    if (has_rates) header.insert(header.end(), {"RX/S", "TX/S", "DROPPED/S"});
    Table table(header);
    for (const Json& worker : answer["workers"]) {
        std::vector<std::string> row{text_of(worker["worker"])};
        for (const char* key :
             {"rx", "originated", "tx", "consumed", "dropped", "held", "imbalance"})
            row.push_back(text_of(worker[key]));
        const Json rate = row_of(rates, "workers", worker, {"worker"});
        if (has_rates)
            for (const char* key : {"rx", "tx", "dropped"})
                row.push_back(rate_text(member_of(rate, key)));
        table.add(row);
    }
    return table.text() + accounting_line(answer["accounting"], colour) + '\n';
}

std::string show_drops(const Json& answer, const Json& rates, bool /*colour*/) {
    std::vector<std::string> header{"PACKETS", "PORT", "STAGE", "REASON", "MEANING"};
    if (!rates.is_null()) header.insert(header.begin() + 1, "PER S");
    Table table(header);
    for (const Json& row : answer["drops"]) {
        std::vector<std::string> line{text_of(row["packets"]), text_of(row["port"]),
                                      text_of(row["stage"]), text_of(row["reason"]),
                                      text_of(row["help"])};
        if (!rates.is_null()) {
            const Json rate = row_of(rates, "drops", row, {"port", "reason"});
            line.insert(line.begin() + 1, rate_text(member_of(rate, "packets")));
        }
        table.add(line);
    }
    return table.empty() ? "no drops\n" : table.text();
}

std::string show_last_drops(const Json& answer, bool /*colour*/) {
    if (answer["flight_recorder"] == 0)
        return "drops are not recorded: dataplane.flight_recorder is 0\n";
    Table table({"TIME", "PORT", "STAGE", "REASON", "LENGTH", "PACKET"});
    for (const Json& row : answer["drops"]) {
        std::string packet = text_of(row["packet"]);
        if (row["more"] != 0) packet += fmt::format(" (and {} more like it)", text_of(row["more"]));
        table.add({text_of(row["time"]), text_of(row["port"]), text_of(row["stage"]),
                   text_of(row["reason"]), text_of(row["length"]), packet});
    }
    return table.empty() ? "no such drops are recorded\n" : table.text();
}

std::string show_reason(const Json& reason) {
    std::string ports;
    for (const auto& [port, packets] : reason["ports"].items())
        ports += fmt::format("{}{} {}", ports.empty() ? ": " : ", ", port, text_of(packets));
    return fmt::format("{}: {}\n    stage    {}\n    to do    {}\n    packets  {}{}\n",
                       text_of(reason["reason"]), text_of(reason["help"]), text_of(reason["stage"]),
                       text_of(reason["remedy"]), text_of(reason["packets"]), ports);
}

}  // namespace vethway::cli
