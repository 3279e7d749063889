// The table of checks, the report, and judgements of the document, sockets, firewall and peer.
#include <algorithm>

#include "tests/unit/reconciler/doctor_patient.h"

using namespace twobox;
using namespace twobox::testing;

namespace {

PeerFacts peer_with(const nlohmann::json& document, Role role = Role::kBackup) {
  return {"unix:/b.sock", NodeName("b"), std::map<VipName, Role>{{"web", role}}, document.dump()};
}

DroppingChain dropping_chain() {
  return {"inet", "filter", "input", NftHook::kInput, {}};
}

}  // namespace

TEST_CASE("each check has words of its own for all there is to say") {
  CHECK(doctor_checks().size() == 14);
  std::set<std::string_view> ids;
  for (const DoctorCheck& check : doctor_checks()) {
    CAPTURE(check.id);
    CHECK(ids.insert(check.id).second);
    const std::string text = explanation(check);
    CHECK(text.starts_with(std::string(check.id) + ": " + std::string(check.title) + "\n"));
    for (const std::string_view part : {check.looks_at, check.why, check.fix}) {
      CHECK(part.size() > 20);
      CHECK(text.find(part) != std::string::npos);
    }
    CHECK(find_doctor_check(check.id) == &check);
    CHECK(list_of_checks().find(std::string(check.id) + " ") != std::string::npos);
  }
  CHECK(find_doctor_check("no-such-check") == nullptr);
}

TEST_CASE("a node on which all is well passes every check but that of a peer nobody named") {
  for (const NodeName node : {"a", "b"}) {
    const Patient patient(reference_document(), node);
    const DoctorReport report = examine(patient.facts);
    CHECK_FALSE(has_findings(report));
    CHECK(doctor_text(node, report) ==
          "skipped documents-differ: no --peer was given\n"
          "as seen from " +
              node + ": 0 findings; 13 checks passed, 1 skipped\n");
  }
}

TEST_CASE("no check passes on facts that nobody has read") {
  const ValidDocument document = valid(reference_document());
  const DoctorFacts facts{document, "{}", "a", {{"web", {Role::kMaster, "document"}}}};
  // What is in the document alone is always known; VRRP and tunnels are no matter of this one.
  const std::set<std::string_view> need_nothing = {"no-bypass", "tunnel-mtu"};
  for (const ExaminedCheck& examined : examine(facts)) {
    const std::string_view id = examined.check->id;
    CAPTURE(id);
    CHECK(examined.examination.findings.empty());
    CHECK(examined.examination.skipped.empty() == need_nothing.contains(id));
  }
}

TEST_CASE("a report in words and in JSON") {
  Patient patient;
  patient.facts.listeners->front().listens = false;
  const DoctorReport report = examine(patient.facts);
  CHECK(has_findings(report));
  const std::string text = doctor_text("a", report);
  CHECK(
      text.starts_with("service-not-listening: web: no socket listens on 172.16.0.30:80\n"
                       "  why: A director's packet keeps the VIP"));
  CHECK(text.ends_with("\nas seen from a: 1 finding; 12 checks passed, 1 skipped\n"));
  const auto json = nlohmann::json::parse(doctor_json("a", report));
  CHECK(json["format"] == 1);
  CHECK(json["findings"] == 1);
  CHECK(json["checks"].size() == 14);
  CHECK(json["checks"][0]["id"] == "service-not-listening");
  CHECK(json["checks"][0]["result"] == "found");
  CHECK(json["checks"][0]["findings"][0]["evidence"] == "web: no socket listens on 172.16.0.30:80");
  CHECK(json["checks"][1]["result"] == "passed");
  CHECK(json["checks"][12]["result"] == "skipped");
  CHECK(json["checks"][12]["skipped"][0] == "no --peer was given");
}

TEST_CASE("service-not-listening: the VIP, and with redirect the own address") {
  Patient patient;
  REQUIRE(patient.facts.listeners->size() == 2);
  patient.facts.listeners->back().listens = false;
  CHECK(patient.verdict("service-not-listening") ==
        "web: no socket listens on 172.16.0.31:80 | a backup with redirect answers on its own "
        "address: bind to it, or to every address; what listens is shown by: ss -ltn 'sport = "
        ":80'");
  patient.facts.listeners = kUnreadable;
  CHECK(patient.verdict("service-not-listening") == "skipped read it: Permission denied");
}

TEST_CASE("no-bypass: only where several nodes get the VIP's packets as they are") {
  CHECK(Patient(reference_document({{"/vips/web/bypass", "none"}})).verdict("no-bypass") ==
        "web: a and b are director and server of 172.16.0.30:80, and its bypass is none | set "
        "/vips/web/bypass in the document to mac-mark, redirect or backup-only, then on each "
        "node: twobox apply FILE");
  const auto with_servers = [](const char* servers) {
    return Patient(reference_document(
                       {{"/vips/web/bypass", "none"},
                        {"/vips/web/services/0/servers", nlohmann::json::parse(servers)}}))
        .verdict("no-bypass");
  };
  CHECK(with_servers(R"([{"node": "b"}])") == "");
  CHECK(with_servers(R"([{"node": "a"}, {"node": "b", "forwarding": "masquerade"}])") == "");
  CHECK(with_servers(R"([{"node": "a"}, {"address": "172.16.0.32"}])") != "");
  CHECK(with_servers(R"([{"node": "a"}, {"node": "b", "forwarding": "tunnel"}])") != "");
}

TEST_CASE("vrrp-dropped: where a role follows") {
  Patient patient;
  patient.facts.kernel->dropping_chains = {{dropping_chain()}};
  CHECK(patient.verdict("vrrp-dropped") == "");
  const ValidDocument document =
      valid(reference_document({{"/vips/web/role", {{"follow", "address"}}}}));
  DoctorFacts facts{document, "", "a", {{"web", {Role::kBackup, "address"}}}};
  facts.kernel = *patient.facts.kernel;
  const Examination found = find_doctor_check("vrrp-dropped")->examine(facts);
  REQUIRE(found.findings.size() == 1);
  CHECK(found.findings[0].evidence ==
        "inet filter input drops VRRP by its policy, and no rule of it accepts protocol 112");
  CHECK(found.findings[0].fix.starts_with("nft insert rule inet filter input iifname enp0s3"));
  facts.kernel->dropping_chains.reset();
  CHECK(find_doctor_check("vrrp-dropped")->examine(facts).skipped ==
        std::vector<std::string>{"the nftables chains of others can't be read"});
}

TEST_CASE("peer-mac-differs: what answers for a peer's address") {
  Patient patient;
  patient.facts.neighbours.insert_or_assign({kWire, address_of_text("172.16.0.32")},
                                            mac_of_text("08:00:27:00:00:99"));
  CHECK(patient.verdict("peer-mac-differs") ==
        "172.16.0.32 of b on enp0s3 has the MAC 08:00:27:00:00:99; the document says "
        "08:00:27:e1:3c:c5 | put 08:00:27:00:00:99 into /nodes/b/macs of the document; or find "
        "whose it is: ip neighbour show to 172.16.0.32 dev enp0s3");
  patient.facts.neighbours.clear();
  CHECK(patient.verdict("peer-mac-differs") ==
        "skipped 172.16.0.32 of b on enp0s3 does not answer");
}

TEST_CASE("documents-differ: what differs, and where") {
  Patient patient;
  patient.facts.peer = peer_with(reference_document());
  CHECK(patient.verdict("documents-differ") == "");
  patient.facts.peer = peer_with(
      reference_document({{"/vips/web/services/0/scheduler", "rr"}, {"/vips/web/bypass", "none"}}));
  CHECK(patient.verdict("documents-differ") ==
        "a and b differ at /vips/web/bypass: \"redirect\" here, \"none\" there; "
        "/vips/web/services/0/scheduler: nothing here, \"rr\" there | twobox put FILE --api "
        "unix:/b.sock, or here, with the one that is right");
  // A default that is spelled out is the same document.
  patient.facts.peer = peer_with(reference_document({{"/vips/web/services/0/scheduler", "wlc"}}));
  CHECK(patient.verdict("documents-differ") == "");
  patient.facts.peer = peer_with({{"version", 9}});
  CHECK(patient.verdict("documents-differ")
            .starts_with("skipped the document of b is none to this version of twobox: "));
  patient.facts.peer->document = Error{ErrorKind::kUnavailable, 0, "no daemon answers"};
  CHECK(patient.verdict("documents-differ") == "skipped no daemon answers");
}

TEST_CASE("documents-differ: a role that each node has of its own is no difference") {
  const auto with_role = [](const char* role) {
    return reference_document({{"/vips/web/role", role}});
  };
  const ValidDocument document = valid(with_role("master"));
  DoctorFacts facts{
      document, with_role("master").dump(), "a", {{"web", {Role::kMaster, "document"}}}};
  facts.peer = peer_with(with_role("backup"));
  CHECK(find_doctor_check("documents-differ")->examine(facts) == Examination{});
  facts.peer = peer_with(reference_document());
  CHECK(find_doctor_check("documents-differ")->examine(facts).findings.size() == 1);
}

TEST_CASE("two-masters: by the peer's own word") {
  Patient patient;
  patient.facts.claimants.clear();
  patient.facts.peer = peer_with(reference_document(), Role::kBackup);
  CHECK(patient.verdict("two-masters") == "");
  patient.facts.peer = peer_with(reference_document(), Role::kMaster);
  CHECK(patient.verdict("two-masters") ==
        "web: a (by document) and b are both master | twobox role web backup, on one of them, "
        "until the cause is found");
  patient.facts.roles.at("web").role = Role::kBackup;
  CHECK(patient.verdict("two-masters") == "");
  patient.facts.peer->roles = kUnreadable;
  CHECK(patient.verdict("two-masters") == "skipped read it: Permission denied");
}

TEST_CASE("two-masters: by who answers ARP") {
  Patient master;
  master.facts.claimants.at("web") = std::set<MacAddress>{mac_of_text(kMacOfB)};
  CHECK(master.verdict("two-masters") ==
        "web: 172.16.0.30 is answered for by a and b | twobox role web backup, on one of them, "
        "until the cause is found");
  master.facts.claimants.at("web") = kUnreadable;
  CHECK(master.verdict("two-masters") == "skipped web: read it: Permission denied");

  Patient backup(reference_document(), "b");
  backup.facts.claimants.at("web") = std::set<MacAddress>{mac_of_text(kMacOfA)};
  CHECK(backup.verdict("two-masters") == "");
  backup.facts.claimants.at("web")->insert(mac_of_text("08:00:27:00:00:99"));
  CHECK(backup.verdict("two-masters")
            .starts_with("web: 172.16.0.30 is answered for by 08:00:27:00:00:99 and a |"));
}
