#include "schema/duration.h"
#include "schema/fault_text.h"
#include "schema/rules.h"

namespace twobox {
namespace {

bool connects_by_tcp(const Check& check) {
  return std::holds_alternative<TcpCheck>(check.how) ||
         std::holds_alternative<HttpCheck>(check.how);
}

void check_protocol(const RuleCheck& rules, const Service& service, const std::string& pointer) {
  const Check& check = *service.check;
  if (service.protocol == Protocol::kTcp || !rules.known.is_known(pointer + "/protocol")) return;
  const std::string found_with = " with protocol " + in_quotes(to_string(service.protocol));
  if (connects_by_tcp(check) && !check.port)
    rules.refuse(pointer + "/check/port", "nothing" + found_with,
                 "the port that answers the check by TCP");
  if (check.through_vip)
    rules.refuse(pointer + "/check/through_vip", "true" + found_with,
                 "true with protocol \"tcp\" only");
}

void check_check(const RuleCheck& rules, const Service& service, const std::string& pointer) {
  if (!rules.known.is_known(pointer + "/check")) return;
  const Check& check = *service.check;
  if (check.connect_timeout > check.timeout)
    rules.refuse(pointer + "/check/connect_timeout",
                 in_quotes(duration_text(check.connect_timeout)),
                 "at most the \"timeout\", here " + in_quotes(duration_text(check.timeout)));
  check_protocol(rules, service, pointer);
}

void check_quorum(const RuleCheck& rules, const Service& service, const std::string& pointer) {
  if (service.servers ? !rules.known.is_readable(pointer + "/servers")
                      : !rules.known.is_known("/nodes"))
    return;
  const std::size_t servers =
      service.servers ? service.servers->size() : rules.document.nodes.size();
  // 1, the default, also stands in a service that has no server yet.
  if (service.quorum > 1 && service.quorum > servers)
    rules.refuse(pointer + "/quorum", std::to_string(service.quorum),
                 "at most the number of servers, here " + std::to_string(servers));
}

}  // namespace

void check_health_checks(const RuleCheck& check) {
  for (const auto& [name, vip] : check.document.vips)
    for (std::size_t i = 0; i < vip.services.size(); ++i) {
      const std::string pointer = service_pointer(name, i);
      if (vip.services[i].check) check_check(check, vip.services[i], pointer);
      check_quorum(check, vip.services[i], pointer);
    }
}

}  // namespace twobox
