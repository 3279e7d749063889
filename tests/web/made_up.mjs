// What a busy master would tell: two VIPs, three services, some drift healed.
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

export const DOCUMENT = `${JSON.stringify(
  {
    version: 1,
    nodes: {
      a: { addresses: ["172.16.0.31"], macs: ["08:00:27:77:84:ef"] },
      b: { addresses: ["172.16.0.32"], macs: ["08:00:27:e1:3c:c5"] },
    },
    vips: {
      web: {
        address: "172.16.0.30",
        interface: "enp0s3",
        role: { master: "a" },
        bypass: "redirect",
        services: [{ protocol: "tcp", port: 80, scheduler: "rr" }],
      },
    },
  },
  null,
  2,
)}\n`;

const condition = (type, holds, reason, message) => ({ type, status: holds ? "True" : "False", reason, message, since: ago(4000) });

export const conditions = (converged = true) => [
  condition("Converged", converged, converged ? "InSync" : "Differs", converged ? "the kernel is as the document wants it" : "1 difference left"),
  condition("DocumentValid", true, "Accepted", "generation 7 is in force"),
  condition("KernelReadable", true, "Read", "addresses, ipvs, nftables and sysctls were read"),
  condition("Ready", converged, converged ? "Converged" : "NotConverged", converged ? "the kernel is as the document in force wants it" : "1 difference left"),
];

const serverEntry = (server, health, drain = null) => ({
  vip: "web",
  service: "tcp 172.16.0.30:80",
  server,
  health: { ...health, since: ago(300) },
  drain,
  fallback: false,
});

export const status = () => ({
  format: 1,
  node: "a",
  document: "/etc/twobox/document.json",
  generation: 7,
  observed_generation: 7,
  ready: true,
  vips: {
    dns: { role: "backup", source: "document", since: ago(90000) },
    web: { role: "master", source: "keepalived", since: ago(4000) },
  },
  conditions: conditions(),
  last_pass: { at: ago(2), duration_ms: 1.732, changes: 0, error: null },
  refused: [],
  missing: [],
  servers: [
    serverEntry("172.16.0.31:80", { verdict: "up", cause: "", transitions: 2 }),
    serverEntry("172.16.0.32:80", { verdict: "up", cause: "", transitions: 0 }, { since: ago(12), until: ago(-48), connections: 109 }),
    serverEntry("172.16.0.33:80", { verdict: "down", cause: "connect to 172.16.0.33:80: connection refused", transitions: 5 }),
  ],
  foreign: [],
  history: [],
});

const change = (sequence, seconds, cause, action, kind, key, reason, duration_ms, error = null) => ({
  sequence,
  at: ago(seconds),
  cause,
  action,
  kind,
  key,
  object: `${kind} ${key}`,
  before: null,
  after: null,
  reason,
  duration_ms,
  error,
});

export const history = () => [
  ...["nft_table inet twobox", "nft_chain inet twobox bypass", "nft_set inet twobox redirect-ipv4", "nft_rule inet twobox bypass redirect-ipv4"].map(
    (object, i) => change(i + 1, 90000, "document", "create", object.split(" ")[0], object.slice(object.indexOf(" ") + 1), "part of the bypass, not in the kernel", 21.4),
  ),
  change(5, 4000, "role", "delete", "nft_element", "inet twobox redirect-ipv4 172.16.0.30 . tcp . 80", "this node is master of vip web", 8.2),
  change(6, 4000, "role", "create", "address", "enp0s3 172.16.0.30/32", "this node is master of vip web", 8.4),
  change(7, 1250, "drift", "create", "ipvs_server", "tcp 172.16.0.30:80 -> 172.16.0.32:80", "in the document, not in the kernel", 2741),
  change(8, 600, "drift", "update", "sysctl", "net.ipv4.ip_forward", "held at 1 by the document", 3.1),
  change(9, 75, "drift", "create", "address", "enp0s3 172.16.0.30/32", "this node is master of vip web", 6.9, { errno: 1, message: "Operation not permitted" }),
];

const server = (node, address, port, weight, active, inactive, packets) => ({
  node,
  address,
  port,
  forwarding: "direct",
  weight,
  active_connections: active,
  inactive_connections: inactive,
  connections: Math.round(packets / 7),
  packets_in: packets,
  bytes_in: packets * 310,
});

const service = (protocol, port, scheduler, packets, servers, mark = 0) => ({
  protocol,
  port,
  mark,
  scheduler,
  connections: Math.round(packets / 7),
  packets_in: packets,
  bytes_in: packets * 310,
  packets_out: 0,
  bytes_out: 0,
  servers,
});

const step = (name, state, text, packets = null) => ({ step: name, state, text, packets });

/** `packets` is what web has taken so far; `broken` replaces steps of web's path. */
export function traffic(at, packets, broken = {}) {
  const path = [
    step("arp", "active", "this machine answers ARP for 172.16.0.30 on enp0s3"),
    step("redirect", "idle", "no redirect on the master: packets go on to IPVS", 0),
    step("ipvs", "active", "IPVS schedules by rr to 2 real servers", packets),
    step("deliver", "active", "every other connection stays here, the others go to b by direct routing"),
  ].map((each) => ({ ...each, ...broken[each.step] }));
  const half = Math.round(packets / 2);
  return {
    format: 1,
    at: at.toISOString(),
    node: "a",
    nodes: {
      a: { addresses: ["172.16.0.31", "2001:db8::31"], macs: ["08:00:27:77:84:ef"], self: true },
      b: { addresses: ["172.16.0.32", "2001:db8::32"], macs: ["08:00:27:e1:3c:c5"], self: false },
    },
    vips: {
      dns: {
        address: "2001:db8::30",
        interface: "enp0s3",
        role: "backup",
        master: "b",
        bypass: "redirect",
        path: [
          step("arp", "idle", "b answers for 2001:db8::30; this machine keeps silent"),
          step("redirect", "active", "what b forwards goes to this machine itself, past IPVS", 1204),
          step("ipvs", "idle", "IPVS sees nothing while the redirect holds"),
          step("deliver", "active", "the server on this machine answers"),
        ],
        services: [service("udp", 53, "wlc", 0, [server("a", "2001:db8::31", 53, 1, 0, 0, 0), server("b", "2001:db8::32", 53, 1, 0, 0, 0)])],
      },
      web: {
        address: "172.16.0.30",
        interface: "enp0s3",
        role: "master",
        master: "a",
        bypass: "redirect",
        path,
        services: [
          service("tcp", 80, "rr", packets, [server("a", "172.16.0.31", 80, 1, 112, 340, half), server("b", "172.16.0.32", 80, 1, 109, 351, half)]),
          service("tcp", 443, "wlc", packets * 2, [server("a", "172.16.0.31", 443, 3, 401, 12, packets), server("b", "172.16.0.32", 443, 0, 0, 3, packets)]),
        ],
      },
    },
  };
}

/** Four minutes and a half of the past, one reading a second, with a hole where nothing came. */
export function pastTraffic() {
  let packets = 1_200_000;
  return Array.from({ length: 270 }, (_, i) => {
    packets += i > 150 && i < 172 ? 3 : Math.round(900 + 350 * Math.sin(i / 21) + 60 * Math.sin(i * 1.7));
    return traffic(new Date(Date.now() - (270 - i) * 1000), packets);
  });
}

export const noDiff = () => ({ format: 1, node: "a", in_sync: true, changes: [], foreign: [] });

export const someDiff = () => ({
  format: 1,
  node: "a",
  in_sync: false,
  changes: [
    {
      action: "update",
      kind: "ipvs_server",
      key: "tcp 172.16.0.30:80 -> 172.16.0.32:80",
      before: { forwarding: "direct", weight: 1 },
      after: { forwarding: "direct", weight: 5 },
      reason: "other than the document wants",
      command: "ipvsadm -e -t 172.16.0.30:80 -r 172.16.0.32:80 -g -w 5",
    },
    {
      action: "create",
      kind: "address",
      key: "enp0s3 172.16.0.40/32",
      before: null,
      after: {},
      reason: "this node is master of vip alt",
      command: "ip address add 172.16.0.40/32 dev enp0s3",
    },
    { action: "delete", kind: "sysctl", key: "net.ipv4.ip_forward", before: {}, after: null, reason: "no longer asked for", command: "" },
  ],
  foreign: [{ kind: "ipvs_service", key: "tcp 192.0.2.1:8080", reason: "not made by twobox" }],
});
