// The one line that whoever is on call reads first, and what is wrong, worst first.
import { clock } from "./format.js";

/** Where this node's packets do not go as they should. */
const brokenSteps = (traffic) =>
  Object.entries(traffic?.vips ?? {}).flatMap(([name, vip]) =>
    vip.path.filter((step) => step.state === "broken").map((step) => ({ what: `${name}: ${step.step}`, why: step.text })),
  );

/** Ready only repeats what another condition says, unless it stands alone. */
function failingConditions(status) {
  const failing = status.conditions.filter((condition) => condition.status !== "True");
  const causes = failing.filter((condition) => condition.type !== "Ready");
  return (causes.length > 0 ? causes : failing).map(({ type, message }) => ({ what: type, why: message }));
}

const refusals = (status) => status.refused.map(({ object, message }) => ({ what: `refused: ${object}`, why: message }));

function rolesSentence(status) {
  const roles = Object.entries(status.vips).map(([name, vip]) => `${vip.role} of ${name}`);
  return roles.length > 0 ? roles.join(", ") : "no VIP in the document";
}

function ofStatus(status, traffic) {
  const faults = [...failingConditions(status), ...refusals(status), ...brokenSteps(traffic)];
  if (status.generation === 0)
    return { tone: "wait", text: "No document yet. Paste one below, or write the file the daemon watches.", faults };
  if (!status.node)
    return { tone: "bad", text: "This machine is none of the document's nodes, so nothing is held.", faults };
  const roles = rolesSentence(status);
  if (!status.ready) return { tone: "bad", text: `${status.node} is not as the document wants it: ${roles}.`, faults };
  if (faults.length > 0) return { tone: "bad", text: `${status.node} is in sync, but something is wrong: ${roles}.`, faults };
  return { tone: "good", text: `${status.node} is as the document wants it: ${roles}.`, faults };
}

/** {tone: good | bad | wait, text, faults: [{what, why}]} */
export function verdict({ connection, status, traffic }) {
  if (connection.kind === "token") return { tone: "wait", text: "The daemon asks for a token.", faults: [] };
  if (connection.kind === "lost")
    return {
      tone: "bad",
      text: status
        ? `No connection to the daemon since ${clock(connection.since)}. What stands below is from then.`
        : "No connection to the daemon.",
      faults: [{ what: "connection", why: `${connection.why}; the page tries again by itself` }],
    };
  if (!status) return { tone: "wait", text: "Asking the daemon…", faults: [] };
  return ofStatus(status, traffic);
}
