import { count, rate } from "../model/format.js";
import { rateNow, serviceKey } from "../model/samples.js";
import { endpoint, entriesOf, remarks } from "../model/servers.js";
import { html, Section, UNREAD } from "./html.js";

const where = (server) => endpoint(server.address, server.port);

function Remarks({ entry }) {
  return remarks(entry).map(({ tone, text }) => html`<small key=${text} class=${`remark ${tone}`}>${text}</small>`);
}

function Server({ server, entry }) {
  const idle = server.weight === 0 && !entry?.drain && ", drained: weight 0";
  return html`<tr class=${server.weight === 0 ? "drained" : ""}>
    <th scope="row">${server.node && html`<b>${server.node}</b> `}<span class="mono">${where(server)}</span>
      <small>${server.forwarding}${idle}</small><${Remarks} entry=${entry} /></th>
    <td class="number">${server.weight}</td>
    <td class="number">${count(server.active_connections)}</td>
    <td class="number">${count(server.inactive_connections)}</td>
    <td class="number">${count(server.packets_in)}</td>
  </tr>`;
}

/** A server of the document that is not in the kernel: its checks failed, or the fallback is not needed. */
function Absent({ name, entry }) {
  return html`<tr class="drained">
    <th scope="row"><span class="mono">${name}</span><small>not in the kernel</small><${Remarks} entry=${entry} /></th>
    <td colspan="4"></td>
  </tr>`;
}

function Service({ title, service, entries, perSecond }) {
  const held = new Set(service.servers.map(where));
  return html`<table>
    <caption><b>${title}</b> ${service.scheduler}, ${count(service.connections)} connections so far, ${rate(perSecond)} packets</caption>
    <thead><tr>
      <th scope="col">real server</th><th scope="col" class="number">weight</th>
      <th scope="col" class="number">active</th><th scope="col" class="number">inactive</th><th scope="col" class="number">packets</th>
    </tr></thead>
    <tbody>
      ${service.servers.map((server) => html`<${Server} key=${where(server)} server=${server} entry=${entries.get(where(server))} />`)}
      ${[...entries].filter(([name]) => !held.has(name)).map(([name, entry]) => html`<${Absent} key=${name} name=${name} entry=${entry} />`)}
      ${service.servers.length === 0 && html`<tr><td colspan="5">no real server: every connection is refused</td></tr>`}
    </tbody>
  </table>`;
}

export function Services({ traffic, samples, status }) {
  const services = Object.entries(traffic?.vips ?? {}).flatMap(([name, vip]) =>
    vip.services.map((service) => [serviceKey(name, service), service, entriesOf(status, name, vip, service)]),
  );
  return html`<${Section} id="services" title="Services and real servers">
    ${services.length === 0 && html`<p class="empty">${traffic ? "No IPVS service of this document is in the kernel." : UNREAD}</p>`}
    ${services.map(
      ([key, service, entries]) =>
        html`<${Service} key=${key} title=${key} service=${service} entries=${entries} perSecond=${rateNow(samples, key)} />`,
    )}
  <//>`;
}
