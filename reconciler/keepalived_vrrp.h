// What keepalived.conf says beside its virtual servers, as far as a document asks for it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/keepalived_text.h"
#include "reconciler/keepalived_values.h"
#include "schema/document.h"

namespace twobox {

struct KeepalivedVip {
  IpPrefix prefix;
  InterfaceName interface;
  std::string instance;
  bool bypass_by_script = false;  // a notify script of the instance's has "bypass" in its line
  std::string place;              // for notes
};

struct KeepalivedVrrp {
  std::map<IpAddress, KeepalivedVip> vips;
  std::set<IpAddress> directors;  // by unicast_src_ip and unicast_peer
  std::optional<Sync> sync;
  std::optional<Timeouts> timeouts;
  std::optional<std::string> fifo;  // that twobox may read
};

/// Reads global_defs and vrrp_instances; what stands beside them at the top is not looked at.
KeepalivedVrrp read_keepalived_vrrp(const std::vector<KeepalivedLine>& lines,
                                    KeepalivedNotes& notes);

/// "state, interface, priority": the keywords of these lines, each once, without those in `but`.
std::string keywords_of(const std::vector<KeepalivedLine>& lines, std::set<std::string> but = {});

}  // namespace twobox
