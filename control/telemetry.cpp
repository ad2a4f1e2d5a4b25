// SPDX-License-Identifier: Apache-2.0
#include "control/telemetry.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <mutex>

namespace vethway {

namespace {

// An answer has 16 KiB (MAX_OUTPUT_LEN of telemetry.c), and DPDK leaves out what does not fit
// without a word. What is not counted in a row, quotes around fractions, fits the rest.
constexpr size_t kAnswerRoom = 14 << 10;
constexpr size_t kAroundRow = 8;  // its number, quotes, a comma

// Who may be asked. DPDK can't unregister a command, and its threads end with the process only:
// what they meet is never destroyed.
struct Gate {
    std::mutex mutex;
    std::condition_variable left;
    EventLoop* loop = nullptr;
    Controller* controller = nullptr;
    unsigned inside = 0;
};
Gate& gate() {
    static Gate& only = *new Gate;
    return only;
}

// Inside: the loop and the controller stay.
class Visit {
public:
    Visit() {
        const std::lock_guard lock(gate().mutex);
        loop_ = gate().loop;
        controller_ = gate().controller;
        if (loop_ != nullptr) ++gate().inside;
    }
    ~Visit() {
        const std::lock_guard lock(gate().mutex);
        if (loop_ != nullptr && --gate().inside == 0) gate().left.notify_all();
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    template <class F>
    Json ask(F work) const {
        if (loop_ == nullptr) throw std::runtime_error("vethwayd is stopping");
        return loop_->call([&] { return work(*controller_); });
    }

private:
    EventLoop* loop_;
    Controller* controller_;
};

size_t row_number(const std::string& text) {
    size_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument("expected a number");
    return n;
}

Json worker_rows(Controller& controller) {
    Json lcores = lcores_view(controller)["lcores"];
    std::erase_if(lcores.get_ref<Json::array_t&>(),
                  [](const Json& l) { return l["role"] != "worker"; });
    return lcores;
}

Json port_named(Controller& controller, const std::string& name) {
    const Json ports = ports_view(controller)["ports"];
    for (const Json& port : ports)
        if (port["name"] == name) return port;
    throw std::invalid_argument("no such port");
}

struct Command {
    const char *name, *help;  // at most 63 characters of help
    // Of the words behind the command's comma.
    Json (*answer)(Controller& controller, const std::string& words);
    bool is_list;  // then the words are the number of the first row
};
constexpr Command kCommands[] = {
    {"/vethway/ports", "Ports, as the API has them. Parameters: number of the first",
     [](Controller& c, const std::string&) -> Json { return ports_view(c)["ports"]; }, true},
    {"/vethway/port", "One port. Parameters: its name",
     [](Controller& c, const std::string& words) { return port_named(c, words); }, false},
    {"/vethway/drops", "Packets dropped, by port. Parameters: number of the first",
     [](Controller& c, const std::string&) -> Json { return drops_view(c, false)["drops"]; }, true},
    {"/vethway/workers", "Workers: CPU, queues, time. Parameters: number of the first",
     [](Controller& c, const std::string&) { return worker_rows(c); }, true},
    {"/vethway/books", "Packets by what became of them. No parameters",
     [](Controller& c, const std::string&) { return json_of(c.books()); }, false},
    {"/vethway/neighbours", "Who is on the links. Parameters: number of the first",
     [](Controller& c, const std::string&) -> Json { return neighbours_view(c)["neighbours"]; },
     true}};

// DPDK's thread. What it returns below 0 is a null for whoever asked.
int answer_command(const char* name, const char* params, rte_tel_data* out) noexcept {
    try {
        const auto* command = std::ranges::find_if(
            kCommands, [&](const Command& c) { return std::strcmp(c.name, name) == 0; });
        if (command == std::end(kCommands)) return -ENOENT;
        const std::string words = params == nullptr ? "" : params;
        const size_t from = command->is_list && !words.empty() ? row_number(words) : 0;
        const Json json = Visit().ask([&](Controller& c) { return command->answer(c, words); });
        to_telemetry(command->is_list ? telemetry_page(json, from) : json, *out);
        return 0;
    } catch (const std::exception&) {
        return -EINVAL;
    }
}

// DPDK keeps 128 bytes of a text, and refuses what is longer.
std::string telemetry_text(const Json& value) {
    std::string text = value.is_string() ? value.get<std::string>()
                       : value.is_null() ? ""
                                         : value.dump();
    if (text.size() >= RTE_TEL_MAX_STRING_LEN) {
        text.resize(RTE_TEL_MAX_STRING_LEN - 1);
        while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80)
            text.pop_back();  // not in the midst of a character
    }
    return text;
}

bool all_of(const Json& list, bool (*is)(const Json&)) {
    return std::all_of(list.begin(), list.end(), is);
}
bool is_count(const Json& value) {
    return value.is_number_unsigned() || (value.is_number_integer() && value >= 0);
}

void add_entry(rte_tel_data& to, const std::string& key, const Json& value);

// What is in another: an object, or a list.
rte_tel_data* nested(const Json& json) {
    rte_tel_data* data = rte_tel_data_alloc();
    if (data == nullptr) throw std::bad_alloc();
    if (json.is_object()) {
        rte_tel_data_start_dict(data);
        for (const auto& [key, value] : json.items()) add_entry(*data, key, value);
    } else if (!json.empty() && all_of(json, is_count)) {
        rte_tel_data_start_array(data, RTE_TEL_U64_VAL);
        for (const Json& value : json) rte_tel_data_add_array_u64(data, value.get<uint64_t>());
    } else if (all_of(json, [](const Json& value) { return !value.is_structured(); })) {
        rte_tel_data_start_array(data, RTE_TEL_STRING_VAL);
        for (const Json& value : json)
            rte_tel_data_add_array_string(data, telemetry_text(value).c_str());
    } else {
        rte_tel_data_start_dict(data);
        for (size_t i = 0; i < json.size(); ++i) add_entry(*data, std::to_string(i), json[i]);
    }
    return data;
}

void add_entry(rte_tel_data& to, const std::string& key, const Json& value) {
    if (value.is_structured()) {
        rte_tel_data* data = nested(value);
        if (rte_tel_data_add_dict_container(&to, key.c_str(), data, 0) != 0)
            rte_tel_data_free(data);
    } else if (is_count(value)) {
        rte_tel_data_add_dict_u64(&to, key.c_str(), value.get<uint64_t>());
    } else if (value.is_boolean()) {
        rte_tel_data_add_dict_int(&to, key.c_str(), value.get<bool>() ? 1 : 0);
    } else if (value.is_number_integer() && value >= INT32_MIN) {
        rte_tel_data_add_dict_int(&to, key.c_str(), value.get<int>());
    } else {
        rte_tel_data_add_dict_string(&to, key.c_str(), telemetry_text(value).c_str());
    }
}

}  // namespace

Json telemetry_page(const Json& rows, size_t from) {
    Json page = Json::object();
    size_t bytes = 0, at = from;
    for (; at < rows.size() && page.size() + 2 < RTE_TEL_MAX_DICT_ENTRIES; ++at) {
        bytes += rows[at].dump().size() + kAroundRow;
        if (bytes > kAnswerRoom && at > from) break;
        page[std::to_string(at)] = rows[at];
    }
    if (at < rows.size()) {
        page["left_off"] = rows.size() - at;
        page["next"] = at;
    }
    return page;
}

void to_telemetry(const Json& json, rte_tel_data& out) {
    rte_tel_data_start_dict(&out);
    for (const auto& [key, value] : json.items()) add_entry(out, key, value);
}

Telemetry::Telemetry(EventLoop& loop, Controller& controller) {
    // DPDK would take a command twice, and list it twice.
    [[maybe_unused]] static const bool kRegistered = [] {
        for (const Command& c : kCommands)
            rte_telemetry_register_cmd(c.name, answer_command, c.help);
        return true;
    }();
    const std::lock_guard lock(gate().mutex);
    gate().loop = &loop;
    gate().controller = &controller;
}

Telemetry::~Telemetry() {
    std::unique_lock lock(gate().mutex);
    gate().loop = nullptr;
    gate().controller = nullptr;
    gate().left.wait(lock, [] { return gate().inside == 0; });
}

}  // namespace vethway
