import { count, rate } from "../model/format.js";
import { rateNow, serviceKey } from "../model/samples.js";
import { html, Section, UNREAD } from "./html.js";

const where = (server) => (server.address.includes(":") ? `[${server.address}]` : server.address) + `:${server.port}`;

function Server({ server }) {
  return html`<tr class=${server.weight === 0 ? "drained" : ""}>
    <th scope="row">${server.node && html`<b>${server.node}</b> `}<span class="mono">${where(server)}</span>
      <small>${server.forwarding}${server.weight === 0 && ", drained: weight 0"}</small></th>
    <td class="number">${server.weight}</td>
    <td class="number">${count(server.active_connections)}</td>
    <td class="number">${count(server.inactive_connections)}</td>
    <td class="number">${count(server.packets_in)}</td>
  </tr>`;
}

function Service({ title, service, perSecond }) {
  return html`<table>
    <caption><b>${title}</b> ${service.scheduler}, ${count(service.connections)} connections so far, ${rate(perSecond)} packets</caption>
    <thead><tr>
      <th scope="col">real server</th><th scope="col" class="number">weight</th>
      <th scope="col" class="number">active</th><th scope="col" class="number">inactive</th><th scope="col" class="number">packets</th>
    </tr></thead>
    <tbody>
      ${service.servers.map((server) => html`<${Server} key=${where(server)} server=${server} />`)}
      ${service.servers.length === 0 && html`<tr><td colspan="5">no real server: every connection is refused</td></tr>`}
    </tbody>
  </table>`;
}

export function Services({ traffic, samples }) {
  const services = Object.entries(traffic?.vips ?? {}).flatMap(([name, vip]) =>
    vip.services.map((service) => [serviceKey(name, service), service]),
  );
  return html`<${Section} id="services" title="Services and real servers">
    ${services.length === 0 && html`<p class="empty">${traffic ? "No IPVS service of this document is in the kernel." : UNREAD}</p>`}
    ${services.map(
      ([key, service]) => html`<${Service} key=${key} title=${key} service=${service} perSecond=${rateNow(samples, key)} />`,
    )}
  <//>`;
}
