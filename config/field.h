// SPDX-License-Identifier: Apache-2.0
// A YAML node that knows where it is, and the document that collects what is wrong.
#pragma once

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vethway {

class Document {
public:
    explicit Document(std::string file) : file_(std::move(file)) {}

    void add(const YAML::Mark& at, const std::string& path, const std::string& why);
    void remember(const std::string& path, const YAML::Mark& at) { marks_[path] = at; }
    bool has(const std::string& path) const { return marks_.contains(path); }
    // Where `path` stands in the file, or the nearest thing around it.
    YAML::Mark where(std::string path) const;
    bool has_problems() const { return !problems_.empty(); }
    bool has_problem_within(const std::string& path) const;  // at it, or at what is in it
    bool has_problem_around(std::string path) const;         // at it, or at what it is in
    // "FILE:LINE:COLUMN: PATH: why", in the order of the file.
    std::vector<std::string> lines() const;

private:
    struct At {
        int line, column;
        std::string path, why;
    };
    std::string file_;
    std::vector<At> problems_;
    std::map<std::string, YAML::Mark> marks_;
};

class Field {
public:
    Field(Document& document, const YAML::Node& node, std::string path)
        : document_(&document), node_(node), path_(std::move(path)) {
        if (node_.IsDefined()) document_->remember(path_, node_.Mark());
    }

    // False, and a problem, unless it is a mapping of some of `known`, each at most once.
    bool is_map_of(std::span<const std::string_view> known) const;
    bool is_map_of(std::initializer_list<std::string_view> known) const {
        return is_map_of(std::span(known.begin(), known.size()));
    }
    // Its items; a problem unless it is a list. Nothing for what is not there.
    std::vector<Field> items() const;
    std::optional<Field> find(std::string_view key) const;
    std::optional<Field> require(std::string_view key) const;  // a problem when missing

    bool is_map() const { return node_.IsMap(); }
    bool is_list() const { return node_.IsSequence(); }
    bool is_null() const { return node_.IsNull(); }
    // A value's text; a problem when it is a list, a mapping or nothing.
    std::optional<std::string> text() const;
    std::optional<bool> boolean() const;
    std::optional<uint32_t> number(uint32_t least, uint32_t most) const;
    // By a parser that knows only good and bad; `wanted` is what it wants.
    template <class T>
    std::optional<T> as(std::optional<T> (*parse)(std::string_view), const char* wanted) const {
        const auto value = text();
        if (!value) return std::nullopt;
        auto parsed = parse(*value);
        if (!parsed) fail(std::string("expected ") + wanted + ", got \"" + *value + '"');
        return parsed;
    }
    void fail(const std::string& why) const { document_->add(node_.Mark(), path_, why); }
    const std::string& path() const { return path_; }

private:
    Document* document_;
    YAML::Node node_;
    std::string path_;
};

// Where there is a value; a default stays otherwise.
template <class T, class Value>
void assign(T& to, const std::optional<Value>& value) {
    if (value) to = static_cast<T>(*value);
}

}  // namespace vethway
