import { clock, duration, moment } from "../model/format.js";
import { html } from "./html.js";

const CONNECTIONS = {
  connecting: "connecting",
  live: "live",
  lost: "connection lost",
  token: "token needed",
};

function Facts({ status, connection }) {
  const pass = status?.last_pass;
  return html`<dl class="facts">
    <div><dt>connection</dt><dd class=${`connection is-${connection.kind}`}>${CONNECTIONS[connection.kind]}</dd></div>
    ${status?.node && html`<div><dt>node</dt><dd>${status.node}</dd></div>`}
    ${status && html`<div><dt>document</dt><dd>generation ${status.generation}</dd></div>`}
    ${pass &&
    html`<div><dt>last pass</dt>
      <dd title=${moment(pass.at)}>${clock(pass.at)}, ${duration(pass.duration_ms)}${pass.error && `: ${pass.error}`}</dd></div>`}
  </dl>`;
}

/** First on the page; what is said here is also what a screen reader is told of changes. */
export function Verdict({ verdict, mark, status, connection }) {
  return html`<header class=${`verdict ${verdict.tone}`}>
    <div class="masthead"><h1>twobox</h1><${Facts} status=${status} connection=${connection} /></div>
    <div role="status">
      <p class="sentence"><span class="mark" aria-hidden="true">${mark}</span>${verdict.text}</p>
      ${verdict.faults.length > 0 &&
      html`<ul class="faults">
        ${verdict.faults.map(({ what, why }) => html`<li key=${what}><strong>${what}</strong> ${why}</li>`)}
      </ul>`}
    </div>
  </header>`;
}
