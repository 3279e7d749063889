#include "http/head.h"

#include <doctest/doctest.h>

#include <string>

using namespace twobox;

namespace {

std::string with(const std::string& lines) {
  return "PUT /v1/document?wait=1s HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n";
}

int status_of(const std::string& bytes) {
  return scan_head(bytes).status;
}

}  // namespace

TEST_CASE("a whole head says what is to come") {
  const std::string head = with("Content-Length: 5\r\nExpect: 100-continue\r\n");
  const HeadScan scan = scan_head(head + "hello");
  REQUIRE(scan.state == HeadState::kWhole);
  CHECK(scan.head.bytes == head.size());
  CHECK(scan.head.method == "PUT");
  CHECK(scan.head.path == "/v1/document");
  CHECK(scan.head.content_length == 5);
  CHECK(scan.head.expects_continue);
  CHECK_FALSE(scan.head.chunked);
  CHECK(scan_head(with("transfer-ENCODING: Chunked\r\n")).head.chunked);
}

TEST_CASE("every beginning of a head is unfinished") {
  const std::string head = with("Content-Length: 5\r\n");
  for (std::size_t length = 0; length < head.size(); ++length)
    CHECK(scan_head(head.substr(0, length)).state == HeadState::kUnfinished);
}

TEST_CASE("what two readers could read in two ways is refused") {
  for (const char* lines :
       {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5\r\ncontent-length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: +5\r\n",
        "Content-Length: 5 5\r\n", "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "no colon\r\n",
        " folded: x\r\n", "Bad Name: x\r\n", "X: a\x01z\r\n", "X: a\nY: b\r\n"}) {
    CAPTURE(lines);
    CHECK(status_of(with(lines)) == 400);
  }
  for (const char* line : {"GET /\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
                           "GET x HTTP/1.1\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n",
                           "GET / a HTTP/1.1\r\n\r\n", "\r\n\r\n"}) {
    CAPTURE(line);
    CHECK(status_of(line) == 400);
  }
}

TEST_CASE("heads are bounded in bytes, lines and the length of a line") {
  std::string many;
  for (std::size_t i = 0; i < kMaxHeaderLines; ++i) many += "X: y\r\n";
  CHECK(status_of(with(many)) == 431);
  CHECK(status_of(with("X: " + std::string(kMaxHeaderLineBytes, 'x') + "\r\n")) == 431);
  CHECK(status_of("GET /" + std::string(kMaxHeadBytes, 'x')) == 431);
  CHECK(scan_head(with(many.substr(0, many.size() - 12))).state == HeadState::kWhole);
}

TEST_CASE("ranges are taken out and nothing else") {
  CHECK(without_ranges("GET / HTTP/1.1\r\nrange: bytes=0-1\r\nA: b\r\nRange: x\r\n\r\n") ==
        "GET / HTTP/1.1\r\nA: b\r\n\r\n");
  CHECK(without_ranges("GET /Range: HTTP/1.1\r\nIf-Range: x\r\n\r\n") ==
        "GET /Range: HTTP/1.1\r\nIf-Range: x\r\n\r\n");
}
