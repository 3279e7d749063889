#include "backends/probe/listeners.h"

#include <doctest/doctest.h>

using namespace twobox;

TEST_CASE("who would accept a connection") {
  struct Row {
    const char* bound;
    bool ipv6_only;
    const char* address;
    bool want;
  };
  const Row rows[] = {
      {"172.16.0.30", false, "172.16.0.30", true},
      {"172.16.0.31", false, "172.16.0.30", false},
      {"0.0.0.0", false, "172.16.0.30", true},
      {"0.0.0.0", false, "fd00::30", false},
      {"::", false, "172.16.0.30", true},
      {"::", true, "172.16.0.30", false},
      {"::", false, "fd00::30", true},
      {"::", true, "fd00::30", true},
      {"fd00::30", false, "fd00::30", true},
      {"fd00::30", false, "172.16.0.30", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bound);
    CAPTURE(row.address);
    const ListeningSockets sockets = {{*IpAddress::parse(row.bound), 80, row.ipv6_only}};
    const IpAddress address = *IpAddress::parse(row.address);
    CHECK(would_accept(sockets, address, *Port::from_number(80)) == row.want);
    CHECK_FALSE(would_accept(sockets, address, *Port::from_number(81)));
    CHECK_FALSE(would_accept({}, address, *Port::from_number(80)));
  }
}
