// The page's whole state, as one value that is replaced, never changed in place.
import { addTraffic } from "./model/samples.js";
import { mergeHistory } from "./model/history.js";

const INITIAL = {
  connection: { kind: "connecting", since: null }, // connecting, live, lost, token
  status: null, // GET /v1/status
  traffic: null, // GET /v1/traffic
  samples: [], // packet counts of the last five minutes, for plots and rates
  history: null, // entries, oldest first; null until the daemon told
  diff: null, // GET /v1/diff
};

/** The state after `event`, an {event, data} of the daemon's stream or of our own asking. */
export function reduce(state, { event, data }) {
  switch (event) {
    case "connection":
      return { ...state, connection: data };
    case "status":
      return { ...state, status: data };
    case "traffic":
      return { ...state, traffic: data, samples: addTraffic(state.samples, data) };
    case "history":
      return { ...state, history: mergeHistory(state.history, data.entries) };
    case "diff":
      return { ...state, diff: data };
    default: // of a newer daemon
      return state;
  }
}

/** Redraws at most once a frame, however many events come. */
export function createStore() {
  let state = INITIAL;
  let planned = false;
  const listeners = [];
  const tell = () => {
    planned = false;
    for (const listener of listeners) listener(state);
  };
  return {
    get: () => state,
    subscribe: (listener) => listeners.push(listener),
    dispatch(event) {
      state = reduce(state, event);
      if (planned) return;
      planned = true;
      // A hidden page gets no frames, yet its title must tell.
      if (document.hidden) setTimeout(tell);
      else requestAnimationFrame(tell);
    },
  };
}
