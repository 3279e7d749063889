import { count, rate } from "../model/format.js";
import { stepRateNow } from "../model/samples.js";
import { html, Section, UNREAD } from "./html.js";

const TITLES = {
  arp: "ARP answer",
  mark: "Mark",
  redirect: "Redirect",
  "backup-only": "Backup only",
  ipvs: "IPVS",
  deliver: "Deliver",
};

const MARKS = { active: "●", idle: "○", broken: "✗" };

function Step({ step, perSecond }) {
  return html`<li class=${`step ${step.state}`}>
    <h4>${TITLES[step.step] ?? step.step} <span class="state">${MARKS[step.state]} ${step.state}</span></h4>
    <p>${step.text}</p>
    ${step.packets !== null &&
    html`<p class="numbers"><b>${count(step.packets)}</b> packets${perSecond !== null && html`, <b>${rate(perSecond)}</b>`}</p>`}
  </li>`;
}

function Path({ name, vip, samples }) {
  return html`<article class="path" aria-label=${`Packet path of ${name}`}>
    <h3>${name} <span class="mono">${vip.address}</span> <span class=${`role ${vip.role}`}>${vip.role}</span></h3>
    <ol>
      <li class="client"><h4>Client</h4><p>sends to <span class="mono">${vip.address}</span></p></li>
      ${vip.path.map(
        (step) => html`<${Step} key=${step.step} step=${step} perSecond=${stepRateNow(samples, name, step)} />`,
      )}
    </ol>
  </article>`;
}

export function PacketPaths({ traffic, samples }) {
  const vips = Object.entries(traffic?.vips ?? {});
  return html`<${Section} id="path" title="Packet path" note="what a client's packet meets on this machine, in order">
    ${vips.length === 0 && html`<p class="empty">${traffic ? "No VIP in the document." : UNREAD}</p>`}
    ${vips.map(([name, vip]) => html`<${Path} key=${name} name=${name} vip=${vip} samples=${samples} />`)}
  <//>`;
}
