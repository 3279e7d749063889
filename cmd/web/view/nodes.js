import { moment } from "../model/format.js";
import { html, Section, UNREAD } from "./html.js";
import { RoleForm } from "./role_form.js";

/** What is known here of a node's role: our own for certain, a peer's only so far as the document tells. */
function roleOf(vip, name, node) {
  if (node.self) return vip.role;
  if (!vip.master) return vip.role === "master" ? "backup" : "unknown";
  return vip.master === name ? "master" : "backup";
}

function Node({ name, node, vips }) {
  const leads = Object.values(vips).some((vip) => roleOf(vip, name, node) === "master");
  return html`<li class=${leads ? "node leads" : "node"}>
    <h3>${name}${node.self && html` <small>this machine</small>`}</h3>
    <p class="mono">${node.addresses.join(" ")}</p>
    <p class="mono faint">${node.macs.join(" ")}</p>
    <ul class="roles">
      ${Object.entries(vips).map(([vip, entry]) => {
        const role = roleOf(entry, name, node);
        return html`<li key=${vip}><span class=${`role ${role}`}>${role}</span> of ${vip}</li>`;
      })}
    </ul>
  </li>`;
}

function Vip({ name, held, vip }) {
  return html`<li>
    <h3>${name}${vip && html` <span class="mono">${vip.address}</span> <small>on ${vip.interface}, bypass ${vip.bypass}</small>`}</h3>
    <p>here <span class=${`role ${held.role}`}>${held.role}</span> by ${held.source} since ${moment(held.since)}</p>
    <${RoleForm} name=${name} />
  </li>`;
}

function Machines({ traffic }) {
  return html`<p class="wire">clients</p>
    <ul class="nodes">
      ${Object.entries(traffic.nodes).map(
        ([name, node]) => html`<${Node} key=${name} name=${name} node=${node} vips=${traffic.vips} />`,
      )}
    </ul>`;
}

/** The clients' wire above, the machines hung on it, the VIPs that they share below. */
export function Nodes({ traffic, status }) {
  return html`<${Section} id="nodes" title="Nodes">
    ${traffic ? html`<${Machines} traffic=${traffic} />` : html`<p class="empty">${UNREAD}</p>`}
    <ul class="vips">
      ${Object.entries(status.vips).map(
        ([name, held]) => html`<${Vip} key=${name} name=${name} held=${held} vip=${traffic?.vips[name]} />`,
      )}
    </ul>
  <//>`;
}
