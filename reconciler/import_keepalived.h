// keepalived's configuration as a document: render keepalived's way back, and more, since it also
// reads what keepalived would hold in IPVS.
#pragma once

#include <vector>

#include "reconciler/import.h"
#include "reconciler/keepalived_text.h"

namespace twobox {

/// VIPs are the addresses of vrrp_instances; keepalived goes on to move them, and the document
/// follows it. Nodes are the directors that unicast_src_ip and unicast_peer name, or else the real
/// servers by direct routing. A file knows no MACs: `macs` are what somebody else found out.
///
/// Each setting is in the document or in a note; settings of VRRP, which stay keepalived's, are
/// named in one note for their block.
Import import_keepalived(const std::vector<KeepalivedLine>& lines, const MacsByAddress& macs);

}  // namespace twobox
