#include "twobox/document_store.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/support/kept_documents.h"
#include "tests/support/temporary_directory.h"
#include "twobox/files.h"

using namespace twobox;
using twobox::testing::full_record;
using twobox::testing::TemporaryDirectory;

namespace {

std::string path_of(const TemporaryDirectory& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
    return entry.path();
  return "";
}

}  // namespace

TEST_CASE("document store: nothing yet, and nothing made by looking") {
  const TemporaryDirectory directory;
  const auto opened = DocumentStore::open(directory.path());
  CHECK(opened.store.record() == DocumentRecord{});
  CHECK_FALSE(opened.complaint.has_value());
  CHECK(path_of(directory) == "");
}

TEST_CASE("document store: what was saved is there for the next process, for its owner only") {
  const TemporaryDirectory directory;
  REQUIRE(DocumentStore::open(directory.path()).store.save(full_record()).has_value());
  CHECK(DocumentStore::open(directory.path()).store.record() == full_record());
  struct stat status {};
  REQUIRE(::stat(path_of(directory).c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("document store: killed before the rename, the old record counts") {
  const TemporaryDirectory directory;
  REQUIRE(DocumentStore::open(directory.path()).store.save(full_record()).has_value());
  const std::string path = path_of(directory);
  const std::string whole = *read_file(path, 1 << 20);
  for (const std::size_t written : {std::size_t{0}, whole.size() / 2, whole.size()}) {
    REQUIRE(replace_file(path + ".new", whole.substr(0, written)).has_value());
    CHECK(DocumentStore::open(directory.path()).store.record() == full_record());
    CHECK(DocumentStore::open(directory.path()).store.save({}).has_value());
    CHECK(DocumentStore::open(directory.path()).store.record() == DocumentRecord{});
    REQUIRE(DocumentStore::open(directory.path()).store.save(full_record()).has_value());
  }
}

TEST_CASE("document store: a damaged record is none, and that is said") {
  const TemporaryDirectory directory;
  REQUIRE(DocumentStore::open(directory.path()).store.save(full_record()).has_value());
  const std::string path = path_of(directory);
  for (const char* text : {"", "{\"format\": 1", "{\"format\": 2}", "\xff\xfe"}) {
    CAPTURE(text);
    REQUIRE(replace_file(path, text).has_value());
    auto opened = DocumentStore::open(directory.path());
    CHECK(opened.store.record() == DocumentRecord{});
    REQUIRE(opened.complaint.has_value());
    CHECK(opened.complaint->find(path) != std::string::npos);
    CHECK(opened.store.save(full_record()).has_value());
    CHECK_FALSE(DocumentStore::open(directory.path()).complaint.has_value());
  }
}

TEST_CASE("document store: what can't be written does not count, unless it is so all the same") {
  auto [store, complaint] = DocumentStore::open("/nonexistent/twobox");
  CHECK_FALSE(store.save(full_record()).has_value());
  CHECK(store.record() == DocumentRecord{});
  store.assume(full_record());
  CHECK(store.record() == full_record());
}
