// The changes made: merged as they come, and grouped as a person thinks of them.
const KEPT = 1000;
const ONE_EVENT_MS = 1000;

/** Both lists as one, oldest first, each sequence once. */
export function mergeHistory(known, fresh) {
  const bySequence = new Map([...(known ?? []), ...fresh].map((entry) => [entry.sequence, entry]));
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence).slice(-KEPT);
}

/** Newest first: {at, cause, changes, duration_ms (the longest), refused}. One cause at one time is one event. */
export function groupHistory(entries) {
  const groups = [];
  for (const entry of entries) {
    const time = Date.parse(entry.at);
    const last = groups.at(-1);
    if (last && last.cause === entry.cause && time - last.time <= ONE_EVENT_MS) {
      last.changes.push(entry);
    } else {
      groups.push({ time, at: entry.at, cause: entry.cause, changes: [entry] });
    }
  }
  for (const group of groups) {
    const durations = group.changes.map((change) => change.duration_ms).filter(Number.isFinite);
    group.duration_ms = durations.length > 0 ? Math.max(...durations) : null;
    group.refused = group.changes.filter((change) => change.error).length;
  }
  return groups.reverse();
}
