// SPDX-License-Identifier: Apache-2.0
// Where the blocks of a capture go: one file, stdout, or a ring of files of which each can be read
// by itself.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace vethway::cli {

struct CaptureTarget {
    std::string file;               // "-": stdout
    uint64_t bytes = 0;             // a new file then; 0: one file
    unsigned files = 0;             // that are kept; 0: all
    std::function<bool()> give_up;  // asked while nobody takes what is written
};

// "out.pcapng" -> "out.0001.pcapng"
std::string numbered(const std::string& file, unsigned number);

// All of it, or false where its reader has gone or `give_up` says so. Throws ClientError.
bool write_all(int fd, const std::string& name, std::string_view bytes,
               const std::function<bool()>& give_up);

class CaptureFiles {
public:
    explicit CaptureFiles(CaptureTarget target);  // throws ClientError
    ~CaptureFiles();
    CaptureFiles(const CaptureFiles&) = delete;
    CaptureFiles& operator=(const CaptureFiles&) = delete;

    void add(uint32_t type, std::string_view block);
    // What was added; false as write_all().
    bool flush();

private:
    void open_next();
    void close_file();

    const CaptureTarget target_;
    int fd_ = -1;
    unsigned number_ = 0;
    uint64_t size_ = 0;  // of the file, with what is pending
    std::string head_;   // the section and its interfaces, which each file begins with
    std::string pending_, name_;
    std::deque<std::string> kept_;
};

}  // namespace vethway::cli
