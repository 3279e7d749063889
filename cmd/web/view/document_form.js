import { useEffect, useRef, useState } from "preact/hooks";

import { call, put } from "../requests.js";
import { Diff } from "./diff.js";
import { html, Section } from "./html.js";

const PATH = "/v1/document";
const EMPTY = { text: "", etag: null, source: null };

async function fetchDocument() {
  const answer = await call(PATH);
  if (!answer.ok) return EMPTY; // none yet
  return { text: answer.text, etag: answer.headers.get("ETag"), source: answer.headers.get("Twobox-Source") };
}

/** Only over the document that was edited, or over none. */
const condition = ({ etag }) => (etag ? { "If-Match": etag } : { "If-None-Match": "*" });

function Problem({ problem }) {
  return html`<div class="problem">
    <p><b>${problem.title}</b>: ${problem.detail}</p>
    <ul class="plain">
      ${(problem.errors ?? []).map(
        ({ pointer, detail }) => html`<li><span class="mono">${pointer || "the document"}</span>: ${detail}</li>`,
      )}
    </ul>
  </div>`;
}

function applied({ ok, status, problem }) {
  if (ok) return status === 200 ? "Applied: the kernel is as the document wants it." : "Accepted; the kernel is not yet as it wants.";
  if (status === 412) return "Not applied: another document came into force meanwhile. Load it and edit again.";
  return `Not applied: ${problem.title}.`;
}

/** The document in force, reloaded when another one comes unless this one is being edited. */
function useDocument(generation) {
  const [base, setBase] = useState(EMPTY);
  const [text, setText] = useState("");
  const edited = useRef(false);
  edited.current = text !== base.text;
  const adopt = (fresh) => {
    setBase(fresh);
    setText(fresh.text);
  };
  const load = async () => adopt(await fetchDocument());
  useEffect(() => {
    // Asked twice, since something may be typed while the answer is on its way.
    if (!edited.current) fetchDocument().then((fresh) => edited.current || adopt(fresh));
  }, [generation]);
  return { base, text, setText, load, edited: edited.current };
}

export function DocumentForm({ status }) {
  const { base, text, setText, load, edited } = useDocument(status.generation);
  const [result, setResult] = useState({ said: "" }); // said, and diff (of which text) or problem

  const edit = (event) => {
    setText(event.target.value);
    if (result.said) setResult({ said: "" });
  };
  const preview = async (event) => {
    event.preventDefault();
    const answer = await put(`${PATH}?dry_run=true`, text);
    if (answer.ok) setResult({ said: "Preview, nothing is done yet:", diff: answer.body });
    else setResult({ said: `Not valid here: ${answer.problem.title}.`, problem: answer.problem });
  };
  const apply = async () => {
    setResult({ said: "Applying…" });
    const answer = await put(`${PATH}?wait=10s`, text, condition(base));
    if (answer.ok) await load();
    setResult({ said: applied(answer), problem: answer.ok ? null : answer.problem });
  };
  const reload = async () => {
    await load();
    setResult({ said: "Loaded the document in force." });
  };

  return html`<${Section} id="document" title="Document" note=${base.source === "file" && `comes from the file ${status.document}`}>
    <form onSubmit=${preview}>
      <label for="document-text">The document as JSON. A preview shows what would change; nothing is done until you apply it.</label>
      <textarea id="document-text" spellcheck=${false} autocomplete="off" rows="18" value=${text} onInput=${edit} required></textarea>
      <div class="buttons">
        <button>Preview</button>
        <button type="button" class="primary" disabled=${!result.diff} onClick=${apply}>Apply</button>
        <button type="button" onClick=${reload}>Load the one in force</button>
        <span class="faint">${edited ? "edited" : ""}</span>
      </div>
    </form>
    <p role="status" class="said">${result.said}</p>
    ${result.problem && html`<${Problem} problem=${result.problem} />`}
    ${result.diff && html`<${Diff} diff=${result.diff} nothing="Nothing would change in the kernel." />`}
  <//>`;
}
