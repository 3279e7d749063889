import { plural } from "../model/format.js";
import { html } from "./html.js";

export const SIGNS = { create: "+", update: "~", delete: "−" };

/** "weight 7 → 1": only what differs. */
function fieldChanges({ before, after }) {
  if (!before || !after) return [];
  return Object.keys(after)
    .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
    .map((field) => `${field} ${JSON.stringify(before[field])} → ${JSON.stringify(after[field])}`);
}

function Change({ change }) {
  const fields = fieldChanges(change);
  return html`<li class=${`change ${change.action}`}>
    <span class="sign" aria-hidden="true">${SIGNS[change.action]}</span>
    <div>
      <p><span class="unseen">${change.action} </span><span class="mono">${change.kind} ${change.key}</span></p>
      <p class="faint">${change.reason}${fields.length > 0 && `: ${fields.join(", ")}`}</p>
      ${change.command && html`<code>${change.command}</code>`}
    </div>
  </li>`;
}

const summary = (diff) => {
  const number = (action) => diff.changes.filter((change) => change.action === action).length;
  return `${number("create")} to create, ${number("update")} to update, ${number("delete")} to delete`;
};

/** What `twobox diff` would say. */
export function Diff({ diff, nothing }) {
  return html`
    <p>${diff.changes.length === 0 ? nothing : summary(diff)}</p>
    <ul class="plain">${diff.changes.map((change) => html`<${Change} key=${`${change.kind} ${change.key}`} change=${change} />`)}</ul>
    ${diff.foreign.length > 0 &&
    html`<details>
      <summary>${plural(diff.foreign.length, "foreign object")}, left alone</summary>
      <ul class="plain">${diff.foreign.map((object) => html`<li class="mono">${object.kind} ${object.key}: ${object.reason}</li>`)}</ul>
    </details>`}`;
}
