import { verdict } from "../model/verdict.js";
import { Conditions } from "./conditions.js";
import { Diff } from "./diff.js";
import { DocumentForm } from "./document_form.js";
import { History } from "./history.js";
import { html, Section } from "./html.js";
import { Nodes } from "./nodes.js";
import { PacketPaths } from "./packet_path.js";
import { Plots } from "./plots.js";
import { Services } from "./services.js";
import { TokenForm } from "./token_form.js";
import { Verdict } from "./verdict.js";

const MARKS = { good: "✓", bad: "✗", wait: "…" };

function PendingDiff({ diff, foreign }) {
  return html`<${Section} id="diff" title="Pending changes">
    ${diff
      ? html`<${Diff} diff=${{ ...diff, foreign }} nothing="Nothing: the kernel is as the document wants it." />`
      : html`<p class="empty">The daemon has not compared yet.</p>`}
  <//>`;
}

function Columns({ state }) {
  const { status, traffic, samples, history, diff } = state;
  return html`
    <div class="column">
      <${Nodes} traffic=${traffic} status=${status} />
      <${PacketPaths} traffic=${traffic} samples=${samples} />
      <${Services} traffic=${traffic} samples=${samples} status=${status} />
      <${Plots} traffic=${traffic} samples=${samples} />
    </div>
    <div class="column">
      <${PendingDiff} diff=${diff} foreign=${status.foreign} />
      <${Conditions} status=${status} />
      <${History} entries=${history ?? status.history} />
    </div>`;
}

/** Before there is a document, nothing matters but to get one. */
function Contents({ state }) {
  const { status } = state;
  const begun = status.generation > 0;
  return html`${begun && html`<${Columns} state=${state} />`}
    <${DocumentForm} status=${status} />
    ${!begun && html`<${Conditions} status=${status} />`}`;
}

export function Page({ state, daemon }) {
  const judged = verdict(state);
  const { status } = state;
  document.title = `${MARKS[judged.tone]} ${status?.node ? `${status.node} – ` : ""}twobox`;
  return html`
    <${Verdict} verdict=${judged} mark=${MARKS[judged.tone]} status=${status} connection=${state.connection} />
    <main>
      ${state.connection.kind === "token" && html`<${TokenForm} use=${daemon.useToken} refused=${state.connection.why} />`}
      ${status && html`<${Contents} state=${state} />`}
    </main>`;
}
