import { useState } from "preact/hooks";

import { put } from "../requests.js";
import { html } from "./html.js";

const ROLES = [
  ["master", "master"],
  ["backup", "backup"],
  ["fault", "fault"],
  ["document", "as the document says"],
];

/** Two gestures, choose and set, so that no slip of the hand moves a VIP. */
export function RoleForm({ name }) {
  const [said, setSaid] = useState("");
  const submit = async (event) => {
    event.preventDefault();
    const role = new FormData(event.target).get("role");
    const answer = await put(`/v1/vips/${encodeURIComponent(name)}/role`, JSON.stringify({ role }));
    setSaid(answer.ok ? `Set: ${role}.` : `Refused: ${answer.problem.detail}`);
  };
  return html`<form class="set-role" onSubmit=${submit}>
    <label for=${`role-${name}`}>Role of ${name} on this machine, by hand</label>
    <select id=${`role-${name}`} name="role" required>
      <option value="">choose</option>
      ${ROLES.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
    </select>
    <button>Set</button>
    <span role="status">${said}</span>
  </form>`;
}
