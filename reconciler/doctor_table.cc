#include <array>

#include "reconciler/doctor_checks.h"

namespace twobox {
namespace {

constexpr auto kChecks = std::to_array<DoctorCheck>({
    {"service-not-listening", "no server listens where this node has to answer",
     "the listening TCP sockets of this network namespace, for each TCP service that this node "
     "serves by direct routing: on the VIP or on every address; with redirect also on the node's "
     "own address. UDP and SCTP are not looked at.",
     "A director's packet keeps the VIP as its destination, and a redirected one gets the "
     "interface's primary address: the kernel refuses both where no socket takes them, so every "
     "connection that this node is given dies.",
     "Let the server listen on every address, or on both. net.ipv4.ip_nonlocal_bind=1 lets it bind "
     "to a VIP that is not there yet.",
     doctor::listeners},
    {"backup-answers-arp", "a node that is not master tells the wire that the VIP is here",
     "the VIP on this node while it is backup or in fault: on the wire interface, or on lo or "
     "another interface while that interface's arp_ignore and arp_announce let it be told. The "
     "kernel takes the larger value of the interface's and conf/all's (include/linux/inetdevice.h, "
     "IN_DEV_MAXCONF).",
     "Clients and routers believe whoever answered last, so some of the traffic goes past the "
     "director.",
     "arp_ignore=1 and arp_announce=2 on the wire interface where the VIP is to stay on lo (twobox "
     "holds both for mac-mark, backup-only and sync); otherwise take the address away.",
     doctor::arp_of_backup},
    {"no-bypass", "several directors serve a VIP that has no bypass",
     "the document: a VIP with bypass none and a service that two or more nodes serve by direct "
     "routing or tunnel.",
     "What one director has scheduled, the other schedules again, some of it back: about a quarter "
     "of all requests go round until their hop limit is used up.",
     "Choose mac-mark, redirect or backup-only in the document, or let one node serve.",
     doctor::bypass},
    {"all-overrides-interface", "a sysctl of conf/all overrides the interface's",
     "arp_ignore, arp_announce and rp_filter that the document or its bypass holds for a VIP's "
     "interface, beside conf/all: the kernel takes the larger value of both. Also an arp_ignore of "
     "conf/all that nobody asked for and by which a master keeps quiet: 8, or 2 for a /32.",
     "What is written to the interface has no effect: a backup answers for the VIP, or not even the "
     "master does.",
     "Lower conf/all, and look in /etc/sysctl.d for who raises it.", doctor::all_overrides},
    {"reverse-path-filter", "strict reverse path filtering drops what the director forwards",
     "IPv4 rp_filter, the larger of conf/all and the interface: of a VIP's interface when the "
     "default route leaves by another, and of tunnel interfaces where the document has this node "
     "serve by tunnel. Rules of `ip rule` are not looked at.",
     "Forwarded packets come from the director with the client's address as source. Strict "
     "filtering drops a packet that comes in by another interface than answers leave by; clients "
     "see timeouts, and no counter but the kernel's IPReversePathFilter moves.",
     "rp_filter=2 (loose) on the interface: the larger value counts, and 2 is loose.",
     doctor::reverse_path},
    {"network-service-strips-vip", "systemd-networkd or NetworkManager takes the VIP away",
     "the state below /run of systemd-networkd and NetworkManager for the interface of each VIP: "
     "networkd configures it without KeepConfiguration=static or yes in its .network file and "
     "drop-ins, or NetworkManager has a connection active on it.",
     "When it restarts, or configures the interface again, it removes the addresses it did not put "
     "there. twobox puts its own back at once, but connections stall, and keepalived gives up its "
     "role.",
     "networkd: KeepConfiguration=static in a drop-in. NetworkManager: leave the interface to "
     "another service.",
     doctor::address_keepers},
    {"nftables-reload-flushes", "a reload of nftables.service removes everybody's rules",
     "whether nftables.service is enabled, and `flush ruleset` in /etc/nftables.conf, "
     "/etc/sysconfig/nftables.conf and what they include.",
     "Between the flush and the pass that heals it the bypass is gone: packets go round, "
     "connections are reset, and connection tracking begins anew.",
     "Flush the files' own tables instead: `table inet filter` creates it if it is not there, "
     "`delete table inet filter` after that removes it, in one transaction. Reload the service: "
     "Debian's unit flushes all when it is stopped or restarted, whatever the file says.",
     doctor::nftables_reload},
    {"keepalived-owns-ipvs", "keepalived also manages IPVS",
     "virtual_server, virtual_server_group and lvs_flush in /etc/keepalived/*.conf and what these "
     "include.",
     "Both then add, edit and remove the same services, and at its start or stop keepalived may "
     "remove all.",
     "Leave it the VRRP: `twobox render keepalived` prints such a configuration.",
     doctor::keepalived_ipvs},
    {"module-missing", "the kernel lacks IPVS or a scheduler",
     "ip_vs and the module of each scheduler in the document: loaded, built in, or a file below "
     "/lib/modules for the running kernel.",
     "Without it the kernel refuses the service, and a node that becomes master serves nobody.",
     "Install the running kernel's modules, boot the kernel whose modules are installed, or choose "
     "another scheduler.",
     doctor::modules},
    {"peer-mac-differs", "a peer has another MAC than the document says",
     "the kernel's neighbour table for the address of each other node on the interface of each "
     "VIP; who is not in it is asked for by ARP or neighbour discovery first.",
     "mac-mark knows by its MAC what a peer has scheduled already, and a redirect of a followed "
     "role does too: with a wrong one it is scheduled again and goes round.",
     "Put the MAC it sends with into the document, on all nodes; a bond may have several. If the "
     "document is right, another machine has the peer's address.",
     doctor::peer_macs},
    {"vrrp-dropped", "the firewall drops VRRP",
     "nftables chains of others with policy drop, on input and output, that name VRRP in no rule; "
     "only where a VIP's role follows. Legacy iptables and rules under policy accept are not seen.",
     "A node that does not hear the master becomes master too.", "Insert a rule that accepts it.",
     doctor::vrrp},
    {"tunnel-mtu", "packets do not fit into the tunnel to a real server",
     "the MTU of the interface of each VIP with servers that are forwarded to by tunnel: a packet "
     "of 1500 bytes grows by 20 (IPv4) or 40 (IPv6).",
     "The director drops what does not fit and answers with ICMP, which often gets lost: small "
     "requests work, uploads hang.",
     "A larger MTU on the wire, on every node; or let the servers offer clients a smaller MSS.",
     doctor::tunnel_mtu},
    {"documents-differ", "the nodes have different documents",
     "the document in force at the peer (--peer), beside this one; a role that each node has of "
     "its own apart.",
     "Both directors then balance differently, and a failover changes more than the role.",
     "Give every node the same document.", doctor::documents},
    {"two-masters", "more than one node answers for a VIP",
     "with --peer the roles there; without, who on the wire answers an ARP probe (RFC 5227) for "
     "an IPv4 VIP, which needs CAP_NET_RAW. IPv6 needs --peer.",
     "Clients reach now one, now the other, and connections break at each change.",
     "Find why the nodes do not hear each other (vrrp-dropped, the switch, another "
     "virtual_router_id), or which role was set by hand.",
     doctor::masters},
});

}  // namespace

std::span<const DoctorCheck> doctor_checks() {
  return kChecks;
}

}  // namespace twobox
