// The page's pure parts, without a browser.
import assert from "node:assert/strict";

import { createParser } from "../../cmd/web/model/event_stream.js";
import { count, duration, rate } from "../../cmd/web/model/format.js";
import { groupHistory, mergeHistory } from "../../cmd/web/model/history.js";
import { addTraffic, rateNow, rateRows, stepRateNow } from "../../cmd/web/model/samples.js";
import { entriesOf, remarks } from "../../cmd/web/model/servers.js";
import { verdict } from "../../cmd/web/model/verdict.js";
import { check } from "./harness.mjs";
import * as made from "./made_up.mjs";

const KEY = "web tcp/80";
const at = (second) => new Date(1_700_000_000_000 + second * 1000);
const samplesOf = (...counts) => counts.reduce((samples, packets, i) => addTraffic(samples, made.traffic(at(i), packets)), []);

async function testSamples() {
  await check("a rate needs two readings", () => {
    assert.equal(rateNow(samplesOf(100), KEY), null);
    assert.equal(rateNow(samplesOf(100, 350), KEY), 250);
  });
  await check("a counter that begins anew has no rate", () => {
    assert.deepEqual(rateRows(samplesOf(100, 350, 0, 7), [KEY])[1], [null, 250, null, 7]);
  });
  await check("a reading seen twice counts once", () => {
    const samples = samplesOf(100, 350);
    assert.equal(addTraffic(samples, made.traffic(at(1), 350)), samples);
  });
  await check("five minutes are kept", () => {
    assert.equal(samplesOf(...Array(400).keys()).length, 300);
  });
  await check("a step has a rate of its own", () => {
    assert.equal(stepRateNow(samplesOf(100, 110), "web", { step: "ipvs" }), 10);
    assert.equal(stepRateNow(samplesOf(100, 110), "web", { step: "deliver" }), null);
  });
}

async function testServers() {
  const entry = (service, server, health) => ({ vip: "web", service, server, health, drain: null, fallback: false });
  const status = { servers: [entry("tcp [2001:db8::30]:80", "[2001:db8::31]:80", null), entry("fwmark 17 ipv4", "172.16.0.31:80", null)] };
  await check("a service's servers are found by its address and port, or its mark", () => {
    const vip = { address: "2001:db8::30" };
    assert.deepEqual([...entriesOf(status, "web", vip, { protocol: "tcp", port: 80, mark: null }).keys()], ["[2001:db8::31]:80"]);
    assert.deepEqual([...entriesOf(status, "web", vip, { protocol: "tcp", port: 80, mark: 17 }).keys()], ["172.16.0.31:80"]);
    assert.equal(entriesOf(status, "web", vip, { protocol: "tcp", port: 80, mark: 1 }).size, 0);
    assert.equal(entriesOf({}, "web", vip, { protocol: "tcp", port: 80, mark: null }).size, 0);
  });
  await check("what is not checked and stays is not remarked on", () => {
    assert.deepEqual(remarks(undefined), []);
    assert.deepEqual(remarks(entry("", "", null)), []);
    assert.equal(remarks(entry("", "", { verdict: "unknown", since: at(0), cause: "" }))[0].tone, "wait");
  });
}

async function testEventStream() {
  await check("events come whole, wherever the stream is cut", () => {
    const stream = ': hello\r\n\r\nevent: status\ndata: {"a":\ndata: 1}\n\ndata:{"b":2}\n\nevent: cut\ndata: {';
    for (let size = 1; size < stream.length; size += 1) {
      const heard = [];
      const parse = createParser((event) => heard.push(event));
      for (let i = 0; i < stream.length; i += size) parse(stream.slice(i, i + size));
      assert.deepEqual(heard, [
        { event: "status", data: { a: 1 } },
        { event: "message", data: { b: 2 } },
      ]);
    }
  });
}

async function testHistory() {
  await check("history merges by sequence, whatever comes first", () => {
    const [one, two, three] = made.history();
    assert.deepEqual(mergeHistory([two, three], [one, two]), [one, two, three]);
    assert.deepEqual(mergeHistory(null, [one]), [one]);
  });
  await check("changes of one cause at one time are one event, newest first", () => {
    const groups = groupHistory(made.history());
    assert.deepEqual(
      groups.map((group) => [group.cause, group.changes.length, group.duration_ms, group.refused]),
      [
        ["drift", 1, 6.9, 1],
        ["drift", 1, 3.1, 0],
        ["drift", 1, 2741, 0],
        ["role", 2, 8.4, 0],
        ["document", 4, 21.4, 0],
      ],
    );
  });
}

const live = (changes) => ({ connection: { kind: "live" }, status: { ...made.status(), ...changes }, traffic: null });

async function testVerdict() {
  await check("all is well", () => {
    assert.equal(verdict(live()).tone, "good");
    assert.deepEqual(verdict(live()).faults, []);
  });
  await check("what does not converge is named once, without what only follows from it", () => {
    const judged = verdict(live({ ready: false, conditions: made.conditions(false) }));
    assert.equal(judged.tone, "bad");
    assert.deepEqual(judged.faults, [{ what: "Converged", why: "1 difference left" }]);
  });
  await check("a broken step is a fault even when all is in sync", () => {
    const traffic = made.traffic(at(0), 1, { arp: { state: "broken", text: "nobody answers" } });
    const judged = verdict({ ...live(), traffic });
    assert.equal(judged.tone, "bad");
    assert.deepEqual(judged.faults, [{ what: "web: arp", why: "nobody answers" }]);
  });
  await check("no document, no node, no daemon, no token each say so", () => {
    assert.match(verdict(live({ generation: 0, node: "" })).text, /No document yet/);
    assert.match(verdict(live({ node: "" })).text, /none of the document's nodes/);
    assert.match(verdict({ ...live(), connection: { kind: "lost", since: 0 } }).text, /No connection to the daemon since/);
    assert.match(verdict({ ...live(), connection: { kind: "token" } }).text, /asks for a token/);
  });
}

async function testFormat() {
  await check("numbers keep three digits", () => {
    assert.deepEqual([0, 999, 1000, 12_345, 999_999, 4_560_000].map(count), ["0", "999", "1.00 k", "12.3 k", "1000 k", "4.56 M"]);
    assert.deepEqual([null, 0, 0.5, 250].map(rate), ["–", "0/s", "0.5/s", "250/s"]);
    assert.deepEqual([1.73, 250, 2741, 120_000].map(duration), ["1.7 ms", "250 ms", "2.7 s", "2 min"]);
  });
}

export async function testModel() {
  await testSamples();
  await testServers();
  await testEventStream();
  await testHistory();
  await testVerdict();
  await testFormat();
}
