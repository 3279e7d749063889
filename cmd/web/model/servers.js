// What is known of real servers beside the kernel's numbers: checks, drains, who is fallback.
import { count, moment } from "./format.js";

export const endpoint = (address, port) => (address.includes(":") ? `[${address}]` : address) + `:${port}`;

/** The status' entries for one service, by the server's "address:port". */
export function entriesOf(status, name, vip, service) {
  const isMeant = service.mark
    ? (key) => key.startsWith(`fwmark ${service.mark} `)
    : (key) => key === `${service.protocol} ${endpoint(vip.address, service.port)}`;
  const entries = (status.servers ?? []).filter((entry) => entry.vip === name && isMeant(entry.service));
  return new Map(entries.map((entry) => [entry.server, entry]));
}

/** {tone, text} for each thing there is to say of an entry; none for a server that is well and stays. */
export function remarks(entry) {
  const said = [];
  if (entry?.health?.verdict === "down") said.push({ tone: "bad", text: `down since ${moment(entry.health.since)}: ${entry.health.cause}` });
  if (entry?.health?.verdict === "unknown") said.push({ tone: "wait", text: "not known yet" });
  if (entry?.health?.verdict === "up") said.push({ tone: "good", text: "up" });
  if (entry?.drain) said.push({ tone: "wait", text: `drains: ${count(entry.drain.connections)} connections, gone by ${moment(entry.drain.until)}` });
  if (entry?.fallback) said.push({ tone: "wait", text: "serves as fallback" });
  return said;
}
