import { duration, moment, plural } from "../model/format.js";
import { groupHistory } from "../model/history.js";
import { SIGNS } from "./diff.js";
import { html, Section } from "./html.js";

const SHOWN = 50; // events; `twobox history` has the rest

function outcome(group) {
  if (group.refused > 0) return html`<span class="bad-text">${plural(group.refused, "change")} refused</span>`;
  if (group.duration_ms === null) return null;
  const verb = group.cause === "drift" ? "healed" : "done";
  return html`<span>${verb} in <b>${duration(group.duration_ms)}</b></span>`;
}

function Change({ change }) {
  return html`<li>
    <span class="sign" aria-hidden="true">${SIGNS[change.action]}</span>
    <span><span class="unseen">${change.action} </span><span class="mono">${change.object}</span>: ${change.reason}
      ${change.error && html`<span class="bad-text"> refused: ${change.error.message}</span>`}</span>
  </li>`;
}

function Event({ group }) {
  const listed = html`<ul class="plain">${group.changes.map((change) => html`<${Change} key=${change.sequence} change=${change} />`)}</ul>`;
  return html`<li class=${`event by-${group.cause}`}>
    <p class="event-line"><time datetime=${group.at}>${moment(group.at)}</time>
      <span class=${`cause by-${group.cause}`}>${group.cause}</span>
      <span>${plural(group.changes.length, "change")}</span> ${outcome(group)}</p>
    ${group.changes.length <= 3
      ? listed
      : html`<details><summary>${plural(group.changes.length, "change")} to ${[...new Set(group.changes.map((change) => change.kind ?? change.object.split(" ")[0]))].join(", ")}</summary>${listed}</details>`}
  </li>`;
}

export function History({ entries }) {
  const groups = groupHistory(entries).slice(0, SHOWN);
  return html`<${Section} id="history" title="Changes made" note="why, and how long until the kernel was right again">
    ${groups.length === 0 && html`<p class="empty">None yet.</p>`}
    <ol class="timeline">${groups.map((group) => html`<${Event} key=${`${group.at} ${group.cause}`} group=${group} />`)}</ol>
  <//>`;
}
