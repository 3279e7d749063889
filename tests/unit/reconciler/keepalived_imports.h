// keepalived's configurations to import: the reference set-up, and what one more line makes of it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reconciler/import_keepalived.h"

namespace twobox::test {

inline const MacsByAddress kMacs = {
    {*IpAddress::parse("172.16.0.31"), *MacAddress::parse("08:00:27:77:84:ef")},
    {*IpAddress::parse("172.16.0.32"), *MacAddress::parse("08:00:27:e1:3c:c5")}};

inline Import import_of(const std::string& text, const MacsByAddress& macs = kMacs) {
  const auto lines = read_keepalived({"k", text}, [](const auto&, const auto&) {
    return Result<std::vector<KeepalivedFile>>(std::vector<KeepalivedFile>());
  });
  REQUIRE(lines);
  return import_keepalived(*lines, macs);
}

inline constexpr char kInstance[] = R"(vrrp_instance VI_1 {
  state MASTER
  interface enp0s3
  virtual_router_id 51
  priority 100
  virtual_ipaddress {
    172.16.0.30
  }
}
)";

/// The reference set-up with these lines in its virtual_server (from the 11th on) and in its first
/// real_server.
inline std::string reference(const std::string& in_service = "", const std::string& in_server = "",
                             const std::string& head = "172.16.0.30 80") {
  return kInstance + ("virtual_server " + head) + " {\n" + in_service +
         "\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n"
         "  real_server 172.16.0.31 80 {\n" +
         in_server + "\n  }\n  real_server 172.16.0.32 80 {\n" + in_server + "\n  }\n}\n";
}

inline const Service& only_service(const Import& import) {
  REQUIRE(import.document.vips.size() == 1);
  REQUIRE(import.document.vips.at("vip-1").services.size() == 1);
  return import.document.vips.at("vip-1").services.front();
}

inline Service service_of(const std::string& in_service, const std::string& in_server = "") {
  return only_service(import_of(reference(in_service, in_server)));
}

inline bool has_note(const Import& import, const std::string& place, const std::string& part) {
  return std::ranges::any_of(import.notes, [&](const std::string& note) {
    return note.starts_with("k:" + place + ": ") && note.find(part) != std::string::npos;
  });
}

}  // namespace twobox::test
