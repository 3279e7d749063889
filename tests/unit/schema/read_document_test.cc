// The whole way from text to a valid document: limits, and all faults at once.
#include <doctest/doctest.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "schema/known_parts.h"
#include "schema/validate.h"
#include "tests/unit/schema/documents.h"

using namespace twobox;
using namespace twobox::test;

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("every example is valid") {
  std::size_t examples = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(TWOBOX_SOURCE_DIR) + "/schema/examples")) {
    CAPTURE(entry.path().string());
    const std::string text = text_of(entry.path());
    CHECK(faults_of(text).empty());
    CHECK(std::holds_alternative<ValidDocument>(read_document(text)));
    ++examples;
  }
  CHECK(examples >= 5);
}

TEST_CASE("the document that uses every field is valid") {
  const std::string text =
      text_of(std::string(TWOBOX_TESTS_DIR) + "/support/documents/every-field.json");
  CHECK(faults_of(text).empty());
}

TEST_CASE("every key that a document must have is missed") {
  struct Row {
    std::string pointer;
    std::string allowed;
  };
  const Row rows[] = {
      {"/version", "exactly 1"},
      {"/nodes", "an object of 2 to 16 nodes"},
      {"/vips", "an object of VIPs"},
      {"/nodes/a/addresses", "an array of one or more addresses"},
      {"/nodes/a/macs", "an array of one or more MAC addresses"},
      {"/vips/web/address",
       "an IPv4 or IPv6 address, alone or with a prefix length from /1 to /32 or /128"},
      {"/vips/web/interface",
       "the name of an interface to other machines: 1 to 15 bytes without '/', ':' or white space"},
      {"/vips/web/role",
       "\"master\", \"backup\", \"fault\", or an object with either \"master\" or \"follow\""},
      {"/vips/web/bypass", R"("redirect", "mac-mark", "backup-only" or "none")"},
      {"/vips/web/services", "an array of services"},
      {"/vips/web/services/0/protocol", R"("tcp", "udp" or "sctp")"},
      {"/vips/web/services/0/port", "a whole number from 1 to 65535"},
  };
  for (const Row& row : rows)
    CHECK(faults_of(document_without(row.pointer)) ==
          Lines{row.pointer + ": found nothing, allowed is " + row.allowed});
  for (const std::string optional :
       {"/sysctls", "/vips/web/services/0", "/vips/web/services/0/servers", "/vips/six"})
    CHECK(faults_of(document_without(optional)).empty());
}

TEST_CASE("an unknown key is refused wherever it stands") {
  for (const std::string parent : {"", "/nodes/a", "/vips/web", "/vips/web/role",
                                   "/vips/web/services/0", "/vips/web/services/0/servers/1"}) {
    CAPTURE(parent);
    const Lines faults = faults_of(document_with(parent + "/zzz", "1"));
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].starts_with(parent + "/zzz: found an unknown key, allowed is \""));
  }
  CHECK(faults_of(document_with("/timeouts", R"({"tpc": 1})")) ==
        Lines{R"(/timeouts/tpc: found an unknown key, allowed is "tcp", "tcp_fin" or "udp")"});
  CHECK(
      faults_of(document_with("/timeouts", R"({"tcp_fim": 1})")) ==
      Lines{
          R"(/timeouts/tcp_fim: found an unknown key (did you mean "tcp_fin"?), allowed is "tcp", "tcp_fin" )"
          R"(or "udp")"});
  CHECK(faults_of(document_with("/sync", R"({"interface": "eth1", "syncid": 1})"))[0].starts_with(
      "/sync/syncid: found an unknown key"));
}

TEST_CASE("only an object is a document") {
  for (const std::string text : {"[]", "null", "1", "\"x\""}) {
    const Lines faults = faults_of(text);
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].starts_with("(document): found "));
    CHECK(faults[0].ends_with(", allowed is an object"));
  }
  CHECK(faults_of("{}").size() == 3);
}

TEST_CASE("faults of every kind come at once, those of fields in the order of the text") {
  const std::string text = R"({
    "prune": "none",
    "version": 2,
    "nodes": {
      "b": {"addresses": ["10.0.0.2"], "macs": ["02:00:00:00:00:01"]},
      "a": {"addresses": ["10.0.0.2"], "macs": ["02:00:00:00:00:01"]}
    },
    "vips": {
      "web": {
        "address": "10.0.0.30", "interface": "eth0", "role": {"master": "c"}, "bypass": "mac-mark",
        "services": [
          {"port": 65616, "protocol": "tcp"},
          {"port": 80, "protocol": "tcp", "schedulr": "rr"},
          {"port": 80, "protocol": "tcp", "mark": 3, "mark": 4}
        ]
      },
      "copy": {"address": "10.0.0.30", "interface": "eth0", "role": "fault", "bypass": "none", "services": []}
    }
  })";
  const Lines faults = faults_of(text);
  const Lines beginnings = {
      "/prune: found \"none\"",
      "/version: found 2",
      "/vips/web/services/0/port: found 65616",
      "/vips/web/services/1/schedulr: found an unknown key (did you mean \"scheduler\"?)",
      "/vips/web/services/2/mark: found the key \"mark\" again",
      "/nodes/b/addresses/0: found 10.0.0.2, which is also at /nodes/a/addresses/0",
      "/nodes/b/macs/0: found 02:00:00:00:00:01, which is also at /nodes/a/macs/0",
      "/vips/web/address: found 10.0.0.30, which is also at /vips/copy/address",
      "/vips/web/role/master: found \"c\"",
      "/vips/web/services/2: found tcp port 80, which is also at /vips/web/services/1",
      "/vips/web/services/0/mark: found nothing",
      "/vips/web/services/1/mark: found nothing",
  };
  REQUIRE(faults.size() == beginnings.size());
  for (std::size_t i = 0; i < faults.size(); ++i)
    CHECK(faults[i].substr(0, beginnings[i].size()) == beginnings[i]);
}

TEST_CASE("a rule says nothing about what could not be read") {
  struct Row {
    std::string pointer;
    std::string value;
  };
  const Row rows[] = {
      {"/nodes", "7"},
      {"/nodes/a", "7"},
      {"/nodes/a/addresses", "7"},
      {"/nodes/a/addresses/1", "7"},
      {"/nodes/a/macs/0", "7"},
      {"/vips/web", "7"},
      {"/vips/web/address", "7"},
      {"/vips/web/interface", "7"},
      {"/vips/web/role", "7"},
      {"/vips/web/role/master", "7"},
      {"/vips/web/bypass", "7"},
      {"/vips/web/services", "7"},
      {"/vips/web/services/0", "7"},
      {"/vips/web/services/0/protocol", "7"},
      {"/vips/web/services/0/servers", "7"},
      {"/vips/web/services/0/servers/0", "7"},
      {"/vips/web/services/0/servers/0/node", "7"},
      {"/vips/web/services/0/servers/0/weight", "-1"},
      {"/vips/web/services/0/port", "0"},
      {"/vips/web/services/0/persistence_timeout", "-1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.pointer);
    const std::string document = document_with("/vips/web/services/0/persistence_timeout", "1");
    const std::string with_netmask =
        with(document, "/vips/web/services/0/persistence_netmask", "24");
    CHECK(faults_of(with(with_netmask, row.pointer, row.value)).size() == 1);
  }
}

TEST_CASE("parts are known unless a fault is at, beneath or above them") {
  const KnownParts known({{"/a/b", "x"}, {"/c-d", "x"}});
  for (const std::string_view pointer : {"/a/b", "/a/b/0", "/a", "", "/c-d"})
    CHECK_FALSE(known.is_known(pointer));
  for (const std::string_view pointer : {"/a/bc", "/a/c", "/c", "/d"})
    CHECK(known.is_known(pointer));
  CHECK(known.is_readable("/a"));
  CHECK_FALSE(known.is_readable("/a/b"));
  CHECK(KnownParts().is_known("/a"));
}

TEST_CASE("1 MiB is read, a byte more is not, and 64 MiB on request") {
  std::string text = valid_document();
  text.resize(kMaxDocumentBytes, ' ');
  CHECK(faults_of(text).empty());
  text += ' ';
  CHECK(faults_of(text) ==
        Lines{"(document): found 1048577 bytes, allowed is at most 1048576 bytes"});
  CHECK(std::holds_alternative<ValidDocument>(read_document(text, kMaxLargeDocumentBytes)));
}

TEST_CASE("a small hostile text makes no large answer") {
  const std::string key(250, 'k');
  std::string elements = "1";
  while (elements.size() < kMaxDocumentBytes - 4096) elements += ",1";
  const std::string texts[] = {
      R"({"vips": {")" + key + R"(": {"services": [)" + elements + "]}}}",
      R"({"nodes": {")" + key + R"(": {"addresses": [)" + elements + "]}}}",
  };
  for (const std::string& text : texts) {
    const auto read = read_document(text);
    const auto* const faults = std::get_if<Faults>(&read);
    REQUIRE(faults != nullptr);
    CHECK(faults->size() <= 10001);
    CHECK(faults->back().detail == "found more faults than are listed, allowed is none");
  }
}

TEST_CASE("nor do the rules, whatever the number of nodes and services") {
  const std::string node = R"({"addresses": ["192.0.2.1"], "macs": ["08:00:27:77:84:ef"]})";
  const auto many = [](int count, const auto& make) {
    std::string list;
    for (int i = 1; i <= count; ++i) list += (i == 1 ? "" : ",") + make(std::to_string(i));
    return list;
  };
  const auto nodes = [&](int count) {
    return "{" + many(count, [&](const auto& i) { return "\"n" + i + "\": " + node; }) + "}";
  };
  const auto services = [&](int count, const std::string& mark) {
    return "[" +
           many(count,
                [&](const auto& i) {
                  return R"({"protocol": "tcp", "port": )" + i + R"(, "mark": )" +
                         (mark.empty() ? i : mark) + "}";
                }) +
           "]";
  };
  const std::string marked = document_with("/vips/web/bypass", "\"mac-mark\"");
  const std::string texts[] = {
      with(with(marked, "/nodes", nodes(8000)), "/vips/web/services", services(8000, "")),
      with(with(marked, "/nodes", nodes(16)), "/vips/web/services", services(16000, "{}")),
      with(marked, "/vips/web/services", services(16000, "7")),
  };
  for (const std::string& text : texts) {
    // Of the processor, so that other programs of the machine do not count.
    const std::clock_t begin = std::clock();
    const auto read = read_document(text);
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    const auto* const faults = std::get_if<Faults>(&read);
    REQUIRE(faults != nullptr);
    CHECK(faults->size() <= 2 * 10001);
    CHECK(seconds < 5);
  }
}

TEST_CASE("a key repeated without end, deep within, is not followed to the end") {
  std::string text;
  for (int i = 0; i < 31; ++i) text += "{\"" + std::string(255, 'k') + "\": ";
  text += "{\"a\": 1";
  while (text.size() < kMaxDocumentBytes - 4096) text += ", \"a\": 1";
  text += std::string(32, '}');
  const auto read = read_document(text);
  const auto* const faults = std::get_if<Faults>(&read);
  REQUIRE(faults != nullptr);
  CHECK(faults->size() == 10001);
  CHECK(faults->back().detail == "found more faults than are listed, allowed is none");
}

TEST_CASE("the time to read a document grows no faster than the document") {
  const auto seconds_for = [](int services) {
    std::string list;
    for (int i = 0; i < services; ++i)
      list += std::string(i == 0 ? "" : ",") + R"({"protocol": ")" + (i % 2 == 0 ? "tcp" : "udp") +
              R"(", "port": )" + std::to_string(i / 2 + 1) + "}";
    const std::string text = document_with("/vips/web/services", "[" + list + "]");
    const auto begin = std::chrono::steady_clock::now();
    CHECK(std::holds_alternative<ValidDocument>(read_document(text, kMaxLargeDocumentBytes)));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const double small = seconds_for(1000);
  const double large = seconds_for(64000);
  // 64 times for a straight line, 4096 for a square; a busy machine lies between.
  CHECK(large < 0.5 + small * 64 * 8);
}
