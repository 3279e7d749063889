// The page against the daemon, in this process's network namespace: what the browser shows is what the kernel holds.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { accessibilityFaults, BUILD, check, eventually, expectText, openPage, skip, takePicture, textOf } from "./harness.mjs";

const PORT = 7117;
const VIP = "172.16.0.30/32";
const DOCUMENT = {
  version: 1,
  nodes: {
    a: { addresses: ["172.16.0.31"], macs: ["02:00:00:00:00:31"] },
    b: { addresses: ["172.16.0.32"], macs: ["02:00:00:00:00:32"] },
  },
  // No service: this kernel may have no IPVS.
  vips: { web: { address: "172.16.0.30", interface: "wire0", role: { master: "a" }, bypass: "redirect", services: [] } },
};
const SERVICE = { protocol: "tcp", port: 80, scheduler: "rr" };

/** DOCUMENT as text, with web changed. */
const documentWith = (changes) => JSON.stringify({ ...DOCUMENT, vips: { web: { ...DOCUMENT.vips.web, ...changes } } });

const ip = (...words) => execFileSync("ip", words, { encoding: "utf8" });
const hasVip = () => ip("-brief", "address", "show", "dev", "wire0").includes(VIP);

function makeWire() {
  ip("link", "add", "wire0", "address", "02:00:00:00:00:31", "type", "veth", "peer", "name", "wire1");
  ip("link", "set", "wire0", "up");
  ip("link", "set", "wire1", "up");
  ip("address", "add", "172.16.0.31/24", "dev", "wire0");
}

function startDaemon(folder) {
  const file = join(folder, "document.json");
  writeFileSync(file, documentWith({}));
  const daemon = spawn(
    join(BUILD, "twobox"),
    ["run", "--document", file, "--node", "a", "--state-dir", join(folder, "state"), "--listen", `127.0.0.1:${PORT}`, "--allow-put"],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  const ended = new Promise((resolve) => daemon.on("exit", resolve));
  return () => {
    daemon.kill("SIGTERM");
    return ended;
  };
}

const healthy = () => fetch(`http://127.0.0.1:${PORT}/healthz`).then((answer) => assert.ok(answer.ok));

async function preview(page, text) {
  await page.getByLabel("The document as JSON").fill(text);
  await page.getByRole("button", { name: "Preview" }).click();
}

async function testDrift(page) {
  await check("the daemon's state is shown", async () => {
    await expectText(page, ".verdict", /live[^]*a is as the document wants it: master of web/);
    await expectText(page, "#nodes", /web[^]*here master by document/);
    await expectText(page, "#history", /document[^]*to nft_table[^]*address/);
    await takePicture(page, "daemon");
    assert.deepEqual(await accessibilityFaults(page), []);
  });
  await check("a drift is seen to happen and to heal", async () => {
    ip("address", "delete", VIP, "dev", "wire0");
    await expectText(page, ".timeline > li:first-child", /drift[^]*address wire0 172\.16\.0\.30/);
    await expectText(page, ".verdict", /a is as the document wants it/);
    assert.ok(hasVip());
  });
}

async function testDocument(page) {
  await check("a preview shows what would change, and changes nothing", async () => {
    await preview(page, documentWith({ role: { master: "b" } }));
    await expectText(page, "#document", /to delete[^]*address wire0 172\.16\.0\.30[^]*ip addr del/);
    assert.ok(hasVip());
  });
  await check("applied, the role changes", async () => {
    await page.getByRole("button", { name: "Apply" }).click();
    await expectText(page, "#document", /Applied: the kernel is as the document wants it/);
    await expectText(page, ".verdict", /backup of web/);
    await expectText(page, "#nodes", /web[^]*here backup by document/);
    assert.ok(!hasVip());
  });
  await check("a bad document is refused with its faults, and the good one stays", async () => {
    await preview(page, documentWith({ bypass: "hope" }));
    await expectText(page, "#document", /Not valid here[^]*\/vips\/web\/bypass/);
    await expectText(page, ".verdict", /a is as the document wants it: backup of web/);
  });
}

async function testHand(page) {
  await check("a role set by hand moves the VIP", async () => {
    await page.getByLabel("Role of web on this machine, by hand").selectOption("master");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await expectText(page, ".verdict", /master of web/);
    await eventually(() => assert.ok(hasVip()));
  });
}

async function testRefusal(page) {
  await check("what the kernel refuses stands in the first line", async () => {
    await preview(page, documentWith({ services: [SERVICE] }));
    await page.getByRole("button", { name: "Apply" }).click();
    await expectText(page, "#document", /Applied|Accepted/, 30);
    if (existsSync("/proc/net/ip_vs")) return expectText(page, "#services", /web tcp\/80 rr/);
    await expectText(page, ".verdict", /a is not as the document wants it[^]*refused: ipvs_service[^]*IPVS is not in this kernel/);
    await takePicture(page, "daemon-refused");
  });
}

/** What the daemon measures, where it is one that does; after testRefusal(). */
async function testMeasured(page) {
  const tells = async (path) => (await fetch(`http://127.0.0.1:${PORT}${path}`)).ok;
  const checkIf = async (path, what, test) =>
    (await tells(path)) ? check(what, test) : skip(what, `this daemon has no ${path}`);
  await checkIf("/v1/history", "healing times and causes are shown", async () => {
    await expectText(page, "#history", /role[^]*drift[^]*healed in/);
  });
  await checkIf("/v1/traffic", "all nodes and the packet path are shown", async () => {
    await expectText(page, "#nodes", /a this machine[^]*master of web[^]*b[^]*of web/);
    await expectText(page, "#path", /ARP answer\s+● active/);
    if (!existsSync("/proc/net/ip_vs")) await expectText(page, "#path", /IPVS\s+✗ BROKEN/);
  });
}

export async function testDaemon(browser) {
  const folder = mkdtempSync(join(tmpdir(), "twobox-web-"));
  makeWire();
  const stop = startDaemon(folder);
  try {
    await check("the daemon starts", () => eventually(healthy));
    const page = await openPage(browser, `http://127.0.0.1:${PORT}/`);
    await testDrift(page);
    await testDocument(page);
    await testHand(page);
    await testRefusal(page);
    await testMeasured(page);
    await check("a stopped daemon is said", async () => {
      await stop();
      await expectText(page, ".verdict", /No connection to the daemon since/);
      assert.match(await textOf(page, ".verdict"), /connection lost/);
    });
    await check("the browser complained of nothing", () => assert.deepEqual(page.faults, []));
    await page.context().close();
  } finally {
    await stop();
    rmSync(folder, { recursive: true });
  }
}
