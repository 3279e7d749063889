#include "twobox/history_file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/history_entries.h"
#include "tests/support/temporary_directory.h"
#include "twobox/files.h"

using namespace twobox;
using twobox::testing::history_entry;
using twobox::testing::refused_entry;
using twobox::testing::TemporaryDirectory;

namespace {

constexpr HistoryBounds kSmall{.entries = 5, .bytes = 10'000};

std::string path_of(const TemporaryDirectory& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
    if (entry.path().extension() == ".jsonl") return entry.path();
  return "";
}

std::string text_of(const TemporaryDirectory& directory) {
  return *read_file(path_of(directory), std::size_t{1} << 20);
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// A directory whose file has the changes 1, 2 and 3.
struct ThreeChanges {
  TemporaryDirectory directory;
  ThreeChanges() {
    auto [file, history, complaint] = HistoryFile::open(directory.path(), kSmall);
    for (const char* key : {"1", "2"}) history.add(history_entry(key));
    REQUIRE(file.append(history).has_value());
    history.add(refused_entry("3"));
    REQUIRE(file.append(history).has_value());
  }
};

std::vector<std::string> keys(const History& history) {
  std::vector<std::string> keys;
  for (const HistoryEntry& entry : history.entries()) keys.push_back(entry.key);
  return keys;
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("history file: nothing yet, and nothing made by looking") {
  const TemporaryDirectory directory;
  const auto opened = HistoryFile::open(directory.path());
  CHECK(opened.history.entries().empty());
  CHECK_FALSE(opened.complaint.has_value());
  CHECK(path_of(directory) == "");
}

TEST_CASE("history file: the next run goes on where the last one ended") {
  const ThreeChanges three;
  auto [file, history, complaint] = HistoryFile::open(three.directory.path(), kSmall);
  CHECK_FALSE(complaint.has_value());
  CHECK(keys(history) == Keys{"1", "2", "3"});
  CHECK(history.entries()[2].error->errno_value == EPERM);
  const std::string before = text_of(three.directory);
  CHECK(file.append(history).has_value());
  CHECK(text_of(three.directory) == before);  // nothing new, nothing written
  history.add(history_entry("4"));
  CHECK(file.append(history).has_value());
  CHECK(keys(HistoryFile::open(three.directory.path(), kSmall).history) ==
        Keys{"1", "2", "3", "4"});
}

TEST_CASE("history file: cut at any byte, what was whole is read and the next change is kept") {
  const ThreeChanges three;
  const std::string path = path_of(three.directory);
  const std::string whole = text_of(three.directory);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    write(path, whole.substr(0, length));
    auto [file, history, complaint] = HistoryFile::open(three.directory.path(), kSmall);
    const std::size_t found = history.entries().size();
    CHECK(found <= 3);
    history.add(history_entry("new"));
    REQUIRE(file.append(history).has_value());
    const auto again = HistoryFile::open(three.directory.path(), kSmall);
    CHECK(again.history.entries().size() == found + 1);
    CHECK(keys(again.history).back() == "new");
  }
}

TEST_CASE("history file: damage costs the damaged lines, and is said") {
  const ThreeChanges three;
  const std::string path = path_of(three.directory);
  std::string text = text_of(three.directory);
  write(path, text.replace(text.find('\n') + 1, 5, "\xff\xff\xff\xff\xff"));
  const auto opened = HistoryFile::open(three.directory.path(), kSmall);
  CHECK(keys(opened.history) == Keys{"1", "3"});
  REQUIRE(opened.complaint.has_value());
  CHECK(opened.complaint->find("1 damaged line") != std::string::npos);
}

TEST_CASE("history file: one that is no history at all is replaced by the first change") {
  const ThreeChanges three;
  const std::string path = path_of(three.directory);
  for (const std::string& nonsense : {std::string("\0\0\0", 3), std::string(1'000'000, 'x')}) {
    write(path, nonsense);
    auto [file, history, complaint] = HistoryFile::open(three.directory.path(), kSmall);
    CHECK(complaint.has_value());
    CHECK(history.entries().empty());
    history.add(history_entry("first"));
    REQUIRE(file.append(history).has_value());
    const auto again = HistoryFile::open(three.directory.path(), kSmall);
    CHECK(keys(again.history) == Keys{"first"});
    CHECK_FALSE(again.complaint.has_value());
  }
}

TEST_CASE("history file: it stays within twice the ring's bounds") {
  const TemporaryDirectory directory;
  auto [file, history, complaint] = HistoryFile::open(directory.path(), kSmall);
  std::size_t most = 0;
  for (int i = 1; i <= 100; ++i) {
    history.add(history_entry(std::to_string(i)));
    REQUIRE(file.append(history).has_value());
    const std::string text = text_of(directory);
    most = std::max(most, static_cast<std::size_t>(std::ranges::count(text, '\n')));
  }
  CHECK(most == 2 * kSmall.entries);
  const auto opened = HistoryFile::open(directory.path(), kSmall);
  CHECK(keys(opened.history) == Keys{"96", "97", "98", "99", "100"});
  CHECK(opened.history.last_sequence() == 100);
}

TEST_CASE("history file: what a full disk left out is written when there is room again") {
  const ThreeChanges three;
  auto [file, history, complaint] = HistoryFile::open(three.directory.path(), kSmall);
  history.add(history_entry("4"));
  // A limit on the size of files stands for the disk's end: the write is cut short.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto was = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{text_of(three.directory).size() + 20, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const Status cut = file.append(history);
  const Status full = file.append(history);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, was);
  CHECK_FALSE(cut.has_value());
  CHECK_FALSE(full.has_value());
  history.add(history_entry("5"));
  CHECK(file.append(history).has_value());
  CHECK(keys(HistoryFile::open(three.directory.path(), kSmall).history) ==
        Keys{"1", "2", "3", "4", "5"});
}

TEST_CASE("history file: a directory that is not there is an error to say, no more") {
  auto [file, history, complaint] = HistoryFile::open("/nonexistent/twobox");
  history.add(history_entry("1"));
  CHECK_FALSE(file.append(history).has_value());
}
