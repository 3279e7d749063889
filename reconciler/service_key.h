// Which IPVS service stands for a service of the document.
#pragma once

#include "reconciler/objects.h"
#include "schema/document.h"

namespace twobox {

/// On one node: a mark may be another on each. validate() made sure that there is one.
IpvsServiceKey service_key(const Vip& vip, const Service& service, const NodeName& node);

}  // namespace twobox
