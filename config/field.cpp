// SPDX-License-Identifier: Apache-2.0
#include "config/field.h"

#include <charconv>
#include <cstdio>
#include <set>
#include <tuple>

namespace vethway {

namespace {

// A key's text. A plain `null` is YAML's null, and a driver of ours.
std::string key_text(const YAML::Node& key) {
    if (key.IsNull()) return "null";
    return key.IsScalar() ? key.Scalar() : "";
}

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i);
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({changed, row[j] + 1, row[j - 1] + 1}));
        }
    }
    return row.back();
}

std::string unknown_key(const std::string& key, std::span<const std::string_view> known) {
    std::string why = "unknown key \"" + key.substr(0, 40) + '"';
    if (key.size() > 40 || known.empty()) return why;
    const auto nearest = std::ranges::min_element(
        known, {}, [&](std::string_view k) { return edit_distance(key, k); });
    if (edit_distance(key, *nearest) <= 2)
        why += "; did you mean \"" + std::string(*nearest) + "\"?";
    return why;
}

}  // namespace

void Document::add(const YAML::Mark& at, const std::string& path, const std::string& why) {
    problems_.push_back({at.line + 1, at.column + 1, path, why});  // YAML's marks count from zero
}

bool Document::has_problem_within(const std::string& path) const {
    return std::ranges::any_of(problems_, [&](const At& p) { return p.path.starts_with(path); });
}

bool Document::has_problem_around(std::string path) const {
    for (;;) {
        if (std::ranges::any_of(problems_, [&](const At& p) { return p.path == path; }))
            return true;
        const size_t cut = path.find_last_of(".[");
        if (cut == std::string::npos) return false;
        path.resize(cut);
    }
}

YAML::Mark Document::where(std::string path) const {
    for (;;) {
        const auto found = marks_.find(path);
        if (found != marks_.end()) return found->second;
        const size_t cut = path.find_last_of(".[");
        if (cut == std::string::npos) return {};
        path.resize(cut);
    }
}

// A line is a line, whatever was in the file.
static std::string printable(const std::string& text) {
    std::string out;
    for (const char c : text) {
        char escaped[5];
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f)
            out += c;
        else if (std::snprintf(escaped, sizeof escaped, "\\x%02x", byte) > 0)
            out += escaped;
    }
    return out;
}

std::vector<std::string> Document::lines() const {
    std::vector<At> sorted = problems_;
    std::ranges::stable_sort(sorted, {}, [](const At& p) { return std::tuple(p.line, p.column); });
    std::vector<std::string> out;
    out.reserve(sorted.size());
    for (const At& p : sorted)
        out.push_back(file_ + ':' + std::to_string(p.line) + ':' + std::to_string(p.column) + ": " +
                      printable((p.path.empty() ? "" : p.path + ": ") + p.why));
    return out;
}

bool Field::is_map_of(std::span<const std::string_view> known) const {
    if (!node_.IsMap()) {
        fail(known.empty() ? std::string("expected {}")
                           : "expected a mapping of " + std::string(known.front()) + ", …");
        return false;
    }
    std::set<std::string> seen;
    for (const auto& item : node_) {
        const std::string key = key_text(item.first);
        const std::string path = path_.empty() ? key : path_ + '.' + key;
        if (std::ranges::find(known, key) == known.end())
            document_->add(item.first.Mark(), path_.empty() ? key : path_, unknown_key(key, known));
        else if (!seen.insert(key).second)
            document_->add(item.first.Mark(), path, "given twice");
    }
    return true;
}

std::vector<Field> Field::items() const {
    std::vector<Field> out;
    if (node_.IsNull()) return out;  // "ports:" with nothing behind it
    if (!node_.IsSequence()) {
        fail("expected a list");
        return out;
    }
    size_t i = 0;
    for (const YAML::Node& item : node_)
        out.emplace_back(*document_, item, path_ + '[' + std::to_string(i++) + ']');
    return out;
}

std::optional<Field> Field::find(std::string_view key) const {
    if (!node_.IsMap()) return std::nullopt;
    for (const auto& item : node_)
        if (key_text(item.first) == key)
            return Field(*document_, item.second,
                         path_.empty() ? std::string(key) : path_ + '.' + std::string(key));
    return std::nullopt;
}

std::optional<Field> Field::require(std::string_view key) const {
    auto found = find(key);
    if (!found) fail("missing key \"" + std::string(key) + '"');
    return found;
}

// Whether it can be written out again as it is: not so are bytes that are no UTF-8, and code points
// that stand for no character.
static bool can_be_written(const std::string& value) {
    if (std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; })) return true;
    YAML::Emitter out;
    out << YAML::DoubleQuoted << value;
    return YAML::Load(out.c_str()).Scalar() == value;
}

std::optional<std::string> Field::text() const {
    if (!node_.IsScalar() || node_.Scalar().empty()) {
        fail("expected a value");
        return std::nullopt;
    }
    if (can_be_written(node_.Scalar())) return node_.Scalar();
    fail("not text in UTF-8");
    return std::nullopt;
}

std::optional<bool> Field::boolean() const {
    const auto value = text();
    if (!value) return std::nullopt;
    if (*value == "true") return true;
    if (*value == "false") return false;
    fail("expected true or false, got \"" + *value + '"');
    return std::nullopt;
}

std::optional<uint32_t> Field::number(uint32_t least, uint32_t most) const {
    const auto value = text();
    if (!value) return std::nullopt;
    uint32_t n = 0;
    const char* last = value->data() + value->size();
    const auto [end, error] = std::from_chars(value->data(), last, n);
    if (error == std::errc{} && end == last && n >= least && n <= most) return n;
    fail("expected a number from " + std::to_string(least) + " to " + std::to_string(most) +
         ", got \"" + *value + '"');
    return std::nullopt;
}

}  // namespace vethway
