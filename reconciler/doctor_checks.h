// The judgements behind the table in doctor.cc; internal to doctor's files.
#pragma once

#include "reconciler/doctor.h"

namespace twobox::doctor {

void add(Examination& whole, Examination part);

Examination listeners(const DoctorFacts& facts);
Examination arp_of_backup(const DoctorFacts& facts);
Examination bypass(const DoctorFacts& facts);
Examination all_overrides(const DoctorFacts& facts);
Examination reverse_path(const DoctorFacts& facts);
Examination address_keepers(const DoctorFacts& facts);
Examination nftables_reload(const DoctorFacts& facts);
Examination keepalived_ipvs(const DoctorFacts& facts);
Examination modules(const DoctorFacts& facts);
Examination peer_macs(const DoctorFacts& facts);
Examination vrrp(const DoctorFacts& facts);
Examination tunnel_mtu(const DoctorFacts& facts);
Examination documents(const DoctorFacts& facts);
Examination masters(const DoctorFacts& facts);

}  // namespace twobox::doctor
