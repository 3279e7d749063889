// Follows the daemon: reads its event stream for ever, tells the store, and asks for what no event brings.
//
// The stream is read by fetch, since EventSource could send no token.
import { createParser } from "./model/event_stream.js";
import { ask, call, hasToken, setToken } from "./requests.js";

const RETRY_MS = [500, 1000, 2000, 4000];
const SILENCE_MS = 40000; // the daemon sends a heartbeat every 15 s
const DIFF_PAUSE_MS = 1000; // each diff reads the kernel anew

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs `action` now, or when the pause since it last ran has passed; calls in between become one. */
function paced(action, pause) {
  let free = 0;
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      free = Date.now() + pause;
      action();
    }, Math.max(0, free - Date.now()));
  };
}

/** Reads one stream to its end; `heard` is told each event. Throws when it breaks. */
async function readStream(response, abort, heard) {
  const parse = createParser(heard);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const silence = setTimeout(() => abort.abort(), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    parse(value);
  }
}

/** Whether it is worth the daemon's while to look at the kernel again: a ready one has nothing pending. */
const mayDiffer = ({ status, diff }) => !(status.ready && diff?.in_sync);

export function followDaemon(store) {
  let wake = () => {};

  const fetchInto = async (event, path) => {
    const answer = await call(path);
    if (answer.ok) store.dispatch({ event, data: answer.body });
  };
  const refreshDiff = paced(() => fetchInto("diff", "/v1/diff"), DIFF_PAUSE_MS);

  const setConnection = (kind, why = "") => {
    const { connection } = store.get();
    const since = connection.kind === kind ? connection.since : Date.now();
    store.dispatch({ event: "connection", data: { kind, since, why } });
  };

  /** One connection, until it ends. Throws when it does not come to stand, or breaks. */
  const follow = async () => {
    const abort = new AbortController();
    const response = await ask("/v1/events", { signal: abort.signal });
    if (response.status === 401) {
      setConnection("token", hasToken() ? "The daemon did not take that token." : "");
      return new Promise((resolve) => (wake = resolve));
    }
    if (!response.ok) throw new Error((await response.json()).detail);
    setConnection("live");
    fetchInto("history", "/v1/history"); // the stream brings only what is new
    await readStream(response, abort, (message) => {
      store.dispatch(message);
      if (message.event === "status" && mayDiffer(store.get())) refreshDiff();
    });
  };

  const followForEver = async () => {
    for (let failures = 0; ; failures += 1) {
      const why = await follow().then(() => "ended", ({ message }) => message);
      const { kind } = store.get().connection;
      if (kind === "live") failures = 0;
      if (kind !== "token") setConnection("lost", why);
      await sleep(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    }
  };
  followForEver();

  return {
    useToken(token) {
      setToken(token);
      wake();
    },
  };
}
