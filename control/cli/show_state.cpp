// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "control/cli/show.h"
#include "control/cli/table.h"

namespace vethway::cli {

namespace {

std::string mib(const Json& bytes) {
    return fmt::format("{:.1f} MiB", bytes.get<double>() / (1024 * 1024));
}

std::string duration(double seconds) {
    const auto s = static_cast<long>(seconds);
    if (s < 60) return fmt::format("{:.1f} s", seconds);
    if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
    return fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
}

std::string telemetry_line(const Json& t) {
    if (t["problem"] != "") return "none: " + text_of(t["problem"]);
    return t["socket"] == "" ? "off" : text_of(t["socket"]);
}

std::string port_state(const Json& port, bool colour) {
    const auto state = port["state"].get<std::string>();
    const auto reason = port["reason"].get<std::string>();
    return coloured(state, state == "up", colour) + (reason.empty() ? "" : " (" + reason + ')');
}

std::string joined(const Json& list) {
    std::string text;
    for (const Json& item : list) text += (text.empty() ? "" : ",") + text_of(item);
    return text.empty() ? "-" : text;
}

}  // namespace

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string show_status(const Json& s, bool colour) {
    const Json& memory = s["memory"];
    const Json& reload = s["last_reload"];
    std::string out;
    const auto line = [&](const char* name, const std::string& value) {
        out += fmt::format("{:<12}{}\n", name, value);
    };
    line("vethwayd", fmt::format("{} ({}), {}, pid {}", text_of(s["version"]),
                                 text_of(s["revision"]), text_of(s["dpdk"]), text_of(s["pid"])));
    line("up", fmt::format("{}; ready {:.0f} ms after the start", duration(s["uptime_s"]),
                           s["start_to_ready_ms"].get<double>()));
    line("config", text_of(s["config_file"]));
    line("ports",
         fmt::format("{} up of {}", text_of(s["ports"]["up"]), text_of(s["ports"]["total"])));
    line("workers", text_of(s["workers"]));
    line("routes", text_of(s["routes"]));
    line("neighbours", text_of(s["neighbours"]));
    line("memory",
         fmt::format("{} in all: {} resident, {} in hugepages ({}: {})", mib(memory["total_bytes"]),
                     mib(memory["rss_bytes"]), mib(memory["hugepages_bytes"]),
                     text_of(memory["mode"]), text_of(memory["mode_reason"])));
    line("mbufs", fmt::format("{} used of {}", text_of(memory["mbufs"]["used"]),
                              text_of(memory["mbufs"]["total"])));
    line("tables", fmt::format("routes {}, neighbours {}", mib(memory["fib_bytes"]),
                               mib(memory["neighbour_table_bytes"])));
    line("telemetry", telemetry_line(s["telemetry"]));
    line("accounting", accounting_line(s["accounting"], colour));
    if (!reload["ok"].get<bool>())
        line("reload",
             coloured("the last one was refused: ", false, colour) + text_of(reload["error"]));
    return out;
}

std::string show_ports(const Json& answer, bool colour) {
    Table table(
        {"PORT", "STATE", "DRIVER", "MAC", "MTU", "ADDRESSES", "RX", "TX", "DROPPED", "MISSED"});
    std::string notes;
    for (const Json& port : answer["ports"]) {
        const Json& c = port["counters"];
        table.add({text_of(port["name"]), port_state(port, colour), text_of(port["driver"]),
                   text_of(port["mac"]), text_of(port["mtu"]), joined(port["addresses"]),
                   text_of(c["rx_packets"]), text_of(c["tx_packets"]), text_of(c["dropped"]),
                   text_of(c["rx_missed"])});
        if (const std::string note = port.value("note", ""); !note.empty())
            notes += fmt::format("{}: {}\n", text_of(port["name"]), note);
    }
    return table.text() + notes;
}

std::string show_knobs(const Json& answer, bool /*colour*/) {
    std::vector<std::string> columns{"KNOB", "DEFAULT"};
    const Json& rows = answer["ports"];
    if (!rows.empty())
        for (const auto& [port, value] : rows[0]["ports"].items()) columns.push_back(port);
    columns.emplace_back("OF PORTS");
    Table of_ports(columns);
    for (const Json& row : rows) {
        std::vector<std::string> cells{text_of(row["name"]), text_of(row["value"])};
        for (const auto& [port, value] : row["ports"].items()) cells.push_back(text_of(value));
        cells.push_back(text_of(row["help"]));
        of_ports.add(cells);
    }
    Table of_all({"KNOB", "VALUE", "OF THE WHOLE ROUTER"});
    for (const Json& row : answer["ip4"])
        of_all.add({text_of(row["name"]), text_of(row["value"]), text_of(row["help"])});
    return of_ports.text() + '\n' + of_all.text();
}

std::string show_lcores(const Json& answer, bool /*colour*/) {
    Table table({"LCORE", "ROLE", "CPU", "NUMA", "BUSY s", "IDLE s", "SLEEP s", "SWITCHES",
                 "FORCED", "QUEUES"});
    for (const Json& l : answer["lcores"]) {
        const Json& switches = l["context_switches"];
        const bool worker = l["role"] == "worker";
        std::string queues;
        for (const Json& q : l.value("queues", Json::array()))
            queues += fmt::format("{}{}.{}", queues.empty() ? "" : " ", text_of(q["port"]),
                                  text_of(q["queue"]));
        const auto s = [&](const char* key) {
            return worker ? fmt::format("{:.1f}", l[key].get<double>()) : std::string("-");
        };
        table.add({text_of(l["lcore"]), text_of(l["role"]), worker ? text_of(l["cpu"]) : "any",
                   worker ? text_of(l["numa"]) : "-", s("busy_s"), s("idle_s"), s("sleep_s"),
                   text_of(switches["voluntary"]), text_of(switches["involuntary"]),
                   queues.empty() ? "-" : queues});
    }
    return table.text();
}

std::string show_changes(const Json& answer) {
    if (answer.contains("flushed")) return fmt::format("{} flushed\n", text_of(answer["flushed"]));
    std::string out;
    for (const Json& change : answer.value("changes", Json::array())) out += text_of(change) + '\n';
    return out.empty() ? "nothing to change\n" : out;
}

}  // namespace vethway::cli
