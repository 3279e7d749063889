import { moment } from "../model/format.js";
import { html, Section } from "./html.js";

const failingFirst = (conditions) =>
  [...conditions].sort((a, b) => (a.status === "True") - (b.status === "True") || a.type.localeCompare(b.type));

function Condition({ condition }) {
  const holds = condition.status === "True";
  return html`<tr class=${holds ? "" : "failing"}>
    <th scope="row">${condition.type}</th>
    <td>${holds ? "✓ true" : "✗ false"}</td>
    <td>${condition.message} <span class="faint">(${condition.reason}, since ${moment(condition.since)})</span></td>
  </tr>`;
}

function Refused({ refused }) {
  if (refused.length === 0) return null;
  return html`<h3>Refused by the kernel</h3>
    <ul class="plain">
      ${refused.map(
        (entry) => html`<li key=${entry.object} class="failing">
          <span class="mono">${entry.object}</span>: ${entry.message}
          <span class="faint"> (errno ${entry.errno}, ${entry.failures} times since ${moment(entry.since)}, next try ${moment(entry.next_attempt)})</span>
        </li>`,
      )}
    </ul>`;
}

export function Conditions({ status }) {
  return html`<${Section} id="conditions" title="Conditions">
    <table>
      <thead class="unseen"><tr><th scope="col">condition</th><th scope="col">holds</th><th scope="col">why</th></tr></thead>
      <tbody>${failingFirst(status.conditions).map((entry) => html`<${Condition} key=${entry.type} condition=${entry} />`)}</tbody>
    </table>
    <${Refused} refused=${status.refused} />
  <//>`;
}
