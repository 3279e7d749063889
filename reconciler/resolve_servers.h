// Which real servers a service should have, and with which weights: document, health and drains.
#pragma once

#include "reconciler/objects.h"
#include "reconciler/resolve.h"
#include "schema/document.h"

namespace twobox {

class ServerResolver {
 public:
  ServerResolver(const Document& document, const ServerEvidence& evidence)
      : document_(document), evidence_(evidence) {}

  /// Adds the real servers of a service to `desired`, and all that there is to say about them.
  void add(const Vip& vip, const Service& service, const IpvsServiceKey& key,
           DesiredState& desired) const;

 private:
  struct Candidate;
  struct Pool;

  Candidate candidate(const Vip& vip, const Service& service, const IpvsServiceKey& key,
                      const Server& server) const;
  Pool pool(const Vip& vip, const Service& service, const IpvsServiceKey& key) const;
  ServerHealth health_of(const Service& service, const RealServerKey& server) const;
  std::optional<Drain> drain_of(const Service& service, const Server& server,
                                const RealServerKey& key) const;
  std::uint32_t weight_of(const Service& service, const Candidate& server,
                          std::optional<SteadyTime>& next_change) const;
  void place(const Service& service, const Candidate& server, bool on_fallback,
             DesiredState& desired) const;

  const Document& document_;
  const ServerEvidence& evidence_;
};

}  // namespace twobox
