// Packet counts over time, and the rates between them.
const KEPT_SECONDS = 300;

export const serviceKey = (vip, service) =>
  service.mark ? `${vip} mark ${service.mark}` : `${vip} ${service.protocol}/${service.port}`;

const stepKey = (vip, step) => `${vip} step ${step.step}`;

function countsOf(traffic) {
  const counts = new Map();
  for (const [name, vip] of Object.entries(traffic.vips)) {
    for (const service of vip.services) counts.set(serviceKey(name, service), service.packets_in);
    for (const step of vip.path) if (step.packets !== null) counts.set(stepKey(name, step), step.packets);
  }
  return counts;
}

/** `samples` with one more, {at: seconds, counts: Map}, and without those that are too old. */
export function addTraffic(samples, traffic) {
  const at = Date.parse(traffic.at) / 1000;
  const last = samples.at(-1);
  if (last && at <= last.at) return samples;
  return [...samples.filter((sample) => sample.at > at - KEPT_SECONDS), { at, counts: countsOf(traffic) }];
}

/** Packets per second of `key` between two samples; null when unknown: first sight, or a counter begun anew. */
export function rateBetween(before, after, key) {
  const [from, to] = [before?.counts.get(key), after?.counts.get(key)];
  if (from === undefined || to === undefined || to < from) return null;
  return (to - from) / (after.at - before.at);
}

export const rateNow = (samples, key) => rateBetween(samples.at(-2), samples.at(-1), key);
export const stepRateNow = (samples, vip, step) => rateNow(samples, stepKey(vip, step));

/** For uPlot: times, then one row of rates for each key. */
export const rateRows = (samples, keys) => [
  samples.map((sample) => sample.at),
  ...keys.map((key) => samples.map((sample, i) => rateBetween(samples[i - 1], sample, key))),
];
