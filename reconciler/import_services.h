// The IPVS services of a machine as a document's, by their VIPs.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "reconciler/import_machine.h"
#include "schema/document.h"

namespace twobox {

using FoundVips = std::map<IpAddress, std::vector<Service>>;

struct FoundServices {
  FoundVips by_vip;
  std::set<IpAddress> direct;      // real servers by direct routing
  std::vector<std::string> notes;  // services that a document can't hold
};

FoundServices find_services(const MachineFacts& facts);

}  // namespace twobox
