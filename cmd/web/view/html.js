import htm from "htm";
import { h } from "preact";

export const html = htm.bind(h);

export const UNREAD = "No reading of the traffic yet.";

/** A landmark with its heading. */
export function Section({ id, title, note, children }) {
  return html`<section id=${id} aria-labelledby=${`${id}-title`}>
    <header><h2 id=${`${id}-title`}>${title}</h2>${note && html`<p class="note">${note}</p>`}</header>
    ${children}
  </section>`;
}
