// keepalived's virtual_server blocks as a document's services.
#pragma once

#include <optional>
#include <set>

#include "reconciler/keepalived_text.h"
#include "reconciler/keepalived_values.h"
#include "schema/document.h"

namespace twobox {

struct KeepalivedService {
  Service service;                      // its port is 1 and means nothing; servers by address
  std::optional<AddressFamily> family;  // ip_family's, or its servers'
  std::set<IpAddress> direct;           // servers by direct routing
};

/// Every line of the block is in the service or in a note. Servers have their port always: what the
/// service's own is, the head of the block says. Source: keepalived.conf(5) of keepalived 2.2.7.
KeepalivedService read_keepalived_service(const KeepalivedLine& block, KeepalivedNotes& notes);

}  // namespace twobox
