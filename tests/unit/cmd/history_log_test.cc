#include "twobox/history_log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/support/datagram_socket.h"
#include "tests/support/history_entries.h"
#include "tests/support/temporary_directory.h"
#include "twobox/history_text.h"

using namespace twobox;
using twobox::testing::DatagramSocket;
using twobox::testing::history_entry;
using twobox::testing::refused_entry;
using twobox::testing::TemporaryDirectory;

TEST_CASE("journal: a change arrives as fields") {
  const TemporaryDirectory directory;
  const DatagramSocket listener(directory.file("socket"));
  const Journal journal(directory.file("socket"));
  REQUIRE(journal.send(journal_fields(history_entry("net.x"), 7)).has_value());
  CHECK(listener.receive() ==
        "MESSAGE=update sysctl net.x: held by the document\nPRIORITY=6\n"
        "SYSLOG_IDENTIFIER=twobox\nTWOBOX_ACTION=update\nTWOBOX_KIND=sysctl\n"
        "TWOBOX_OBJECT=sysctl net.x\nTWOBOX_CAUSE=drift\nTWOBOX_GENERATION=7\nTWOBOX_ERRNO=0\n");
}

TEST_CASE("journal: a refusal is an error with its errno") {
  const std::string record = journal_record(journal_fields(refused_entry("net.x"), 1));
  CHECK(record.starts_with("MESSAGE=sysctl net.x: write: Operation not permitted\nPRIORITY=3\n"));
  CHECK(record.ends_with("TWOBOX_ERRNO=1\n"));
}

TEST_CASE("journal: a value of several lines is told by its length") {
  const std::string record = journal_record({{"A", "1"}, {"MESSAGE", "two\nlines"}});
  CHECK(record == std::string("A=1\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n", 30));
}

TEST_CASE("journal: without a listener there is an error, at once") {
  const TemporaryDirectory directory;
  CHECK_FALSE(Journal(directory.file("socket")).send({{"MESSAGE", "x"}}).has_value());
}

TEST_CASE("journal: stderr is it only when it is the stream that was named") {
  const TemporaryDirectory directory;
  const FileDescriptor fd(::open(directory.file("log").c_str(), O_WRONLY | O_CREAT, 0600));
  struct stat status {};
  REQUIRE(::fstat(fd.get(), &status) == 0);
  const std::string name = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  CHECK(is_journal_stream(fd.get(), name.c_str()));
  CHECK_FALSE(is_journal_stream(fd.get(), "1:2"));
  CHECK_FALSE(is_journal_stream(fd.get(), nullptr));
  CHECK_FALSE(is_journal_stream(-1, name.c_str()));
}

TEST_CASE("a change as a line for a person") {
  CHECK(history_text(history_entry("net.x")) ==
        "2026-01-02T03:04:05.678Z drift: update sysctl net.x: held by the document (after 12 ms)");
  CHECK(history_text(refused_entry("net.x")) ==
        "2026-01-02T03:04:05.678Z drift: update sysctl net.x: REFUSED: write: Operation not "
        "permitted");
}
