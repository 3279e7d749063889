// The page in the browser, with content this machine's kernel can't show.
import assert from "node:assert/strict";
import { join } from "node:path";

import { accessibilityFaults, BUILD, check, eventually, expectText, openPage, takePicture, textOf } from "./harness.mjs";
import * as made from "./made_up.mjs";
import { MockDaemon } from "./mock_daemon.mjs";

const NARROW = { width: 360, height: 740 };
const broken = { ipvs: { state: "broken", text: "the service for tcp 172.16.0.30:80 is missing" } };

/** check() with a mock daemon, made ready by `prepare`, and a page that looks at it. */
async function checkPage(browser, what, test, { prepare = () => {}, ...options } = {}) {
  const mock = new MockDaemon(join(BUILD, "web"));
  prepare(mock);
  const address = await mock.start();
  const page = await openPage(browser, address, options);
  await check(what, async () => {
    await test(page, mock);
    assert.deepEqual(page.faults, []);
  });
  await page.context().close();
  await mock.stop();
}

async function testShown(browser) {
  await checkPage(browser, "nodes, path, services, plots, conditions and history are shown", async (page) => {
    await expectText(page, ".verdict", /a is as the document wants it: backup of dns, master of web/);
    await expectText(page, "#nodes", /this machine[^]*172\.16\.0\.31[^]*master of web/);
    await expectText(page, "#path", /ARP answer[^]*Redirect[^]*IPVS[^]*packets, [\d.k ]+\/s[^]*Deliver/);
    await expectText(page, "#services", /web tcp\/80 rr[^]*172\.16\.0\.31:80[^]*112/);
    await expectText(page, "#services", /drained: weight 0/);
    await expectText(page, "#services", /172\.16\.0\.31:80[^]*up/);
    await expectText(page, "#services", /172\.16\.0\.32:80[^]*drains: 109 connections, gone by/);
    await expectText(page, "#services", /172\.16\.0\.33:80\s*not in the kernel\s*down since [^]*connection refused/);
    await expectText(page, "#conditions", /Converged\s+✓ true/);
    await expectText(page, "#history", /drift\s*1 change\s*healed in 2\.7 s/);
    await expectText(page, "#history", /refused: Operation not permitted/);
    assert.equal(await page.locator("#plots canvas").count(), 2);
    assert.equal(await page.title(), "✓ a – twobox");
  });
  await checkPage(browser, "a plot has lines", async (page) => {
    await page.locator("#plots canvas").first().waitFor();
    // Of the pixels some are neither empty nor the grid's: the line's own colour, blue in the light scheme.
    await eventually(async () => {
      const blue = await page.locator("#plots canvas").last().evaluate((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let found = 0;
        for (let i = 0; i < data.length; i += 4) found += data[i + 3] > 200 && data[i + 2] - data[i] > 100;
        return found;
      });
      assert.ok(blue > 100, `${blue} blue pixels`);
    });
  });
}

async function testLive(browser) {
  await checkPage(browser, "a step that breaks is named first and marked, and so is its mending", async (page, mock) => {
    await expectText(page, "#path", /IPVS/);
    mock.sendTraffic(made.traffic(new Date(), 1_600_000, broken));
    await expectText(page, ".verdict", /in sync, but something is wrong[^]*web: ipvs the service for tcp 172.16.0.30:80 is missing/);
    assert.match(await textOf(page, ".step.broken"), /IPVS\s+✗ BROKEN/);
    assert.equal(await page.title(), "✗ a – twobox");
    mock.sendTraffic(made.traffic(new Date(Date.now() + 1000), 1_600_100));
    await expectText(page, ".verdict", /a is as the document wants it/);
    assert.equal(await page.locator(".step.broken").count(), 0);
  });
  await checkPage(browser, "new history comes at once", async (page, mock) => {
    await expectText(page, "#history", /healed/);
    const entry = { ...made.history()[7], sequence: 10, at: new Date().toISOString(), object: "sysctl net.example", duration_ms: 42 };
    mock.send("history", { entries: [entry] });
    await expectText(page, ".timeline > li:first-child", /drift[^]*healed in 42 ms[^]*net\.example/);
  });
  await checkPage(browser, "a lost daemon is said, and found again", async (page, mock) => {
    await expectText(page, ".verdict", /as the document wants/);
    await mock.stop();
    await expectText(page, ".verdict", /No connection to the daemon since[^]*from then/);
    mock.status = { ...mock.status, generation: 8 };
    await mock.start();
    await expectText(page, ".verdict", /live[^]*generation 8[^]*as the document wants/);
  });
  await checkPage(
    browser,
    "a daemon that too many watch already says so",
    async (page, mock) => {
      await expectText(page, ".verdict", /No connection[^]*too many watch already/);
      mock.full = false;
      await expectText(page, ".verdict", /a is as the document wants it/);
    },
    { prepare: (mock) => (mock.full = true) },
  );
  await checkPage(browser, "what changes is told to a screen reader", async (page, mock) => {
    await expectText(page, ".verdict", /as the document wants/);
    mock.setStatus({ ready: false, conditions: made.conditions(false) });
    await eventually(async () => assert.match(await page.getByRole("status").first().innerText(), /not as the document wants[^]*1 difference left/));
  });
}

async function testFirstStart(browser) {
  await checkPage(
    browser,
    "without a document the page asks for one, and puts it in force",
    async (page, mock) => {
      await expectText(page, ".verdict", /No document yet/);
      await page.getByLabel("The document as JSON").fill(made.DOCUMENT);
      await page.getByRole("button", { name: "Preview" }).click();
      await expectText(page, "#document", /1 to create, 1 to update, 1 to delete/);
      await page.getByRole("button", { name: "Apply" }).click();
      await expectText(page, "#document", /Applied: the kernel is as the document wants it/);
      assert.equal(mock.document.text, made.DOCUMENT);
    },
    {
      prepare(mock) {
        mock.document = null;
        mock.traffic = [];
        mock.history = [];
        mock.status = { ...mock.status, generation: 0, observed_generation: 0, node: "", ready: false, vips: {}, last_pass: null };
      },
    },
  );
  await checkPage(
    browser,
    "a token is asked for, and kept for this tab",
    async (page, mock) => {
      await expectText(page, ".verdict", /asks for a token/);
      await page.getByLabel("Token").fill("open barley");
      await page.getByRole("button", { name: "Use" }).click();
      await expectText(page, "form.token", /did not take that token/);
      await page.getByLabel("Token").fill("open sesame");
      await page.getByRole("button", { name: "Use" }).click();
      await expectText(page, ".verdict", /a is as the document wants it/);
      await page.reload();
      await expectText(page, ".verdict", /a is as the document wants it/);
      assert.ok(mock.requests.every(({ path }) => !path.includes("sesame")));
    },
    { prepare: (mock) => (mock.token = "open sesame") },
  );
}

const put = (mock, path) => mock.requests.filter((request) => request.method === "PUT" && request.path === path);

async function testForms(browser) {
  await checkPage(browser, "nothing is applied that was not previewed", async (page, mock) => {
    const apply = page.getByRole("button", { name: "Apply" });
    const text = page.getByLabel("The document as JSON");
    await eventually(async () => assert.equal(await text.inputValue(), made.DOCUMENT));
    assert.ok(await apply.isDisabled());
    await page.getByRole("button", { name: "Preview" }).click();
    await expectText(page, "#document", /weight 1 → 5[^]*ipvsadm -e -t/);
    await text.fill(`${made.DOCUMENT} `);
    assert.ok(await apply.isDisabled());
    await page.getByRole("button", { name: "Preview" }).click();
    await apply.click();
    await expectText(page, "#document", /Applied/);
    const [request] = put(mock, "/v1/document?wait=10s");
    assert.equal(request.headers["if-match"], '"1"');
    assert.equal(request.body, `${made.DOCUMENT} `);
  });
  await checkPage(browser, "what is wrong with a document is said with its place", async (page) => {
    await page.getByLabel("The document as JSON").fill("{}");
    await page.getByRole("button", { name: "Preview" }).click();
    await expectText(page, "#document", /Invalid document[^]*\/nodes: is missing/);
    assert.ok(await page.getByRole("button", { name: "Apply" }).isDisabled());
  });
  await checkPage(browser, "a document that changed meanwhile is not overwritten, and what was typed stays", async (page, mock) => {
    const text = page.getByLabel("The document as JSON");
    await eventually(async () => assert.equal(await text.inputValue(), made.DOCUMENT));
    await text.fill(made.DOCUMENT.replace("rr", "wlc"));
    mock.document = { text: "{}", etag: '"9"', source: "api" };
    mock.setStatus({ generation: 8 });
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByRole("button", { name: "Apply" }).click();
    await expectText(page, "#document", /another document came into force meanwhile/);
    assert.match(await text.inputValue(), /wlc/);
    assert.equal(mock.document.text, "{}");
  });
  await checkPage(browser, "a role is set with the keyboard alone", async (page, mock) => {
    const role = page.getByLabel("Role of web on this machine, by hand");
    await role.focus();
    await page.keyboard.type("fault");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await expectText(page, "#nodes", /here fault by hand/);
    assert.deepEqual(put(mock, "/v1/vips/web/role").map(({ body }) => body), ['{"role":"fault"}']);
  });
}

/** Pictures to look at, and what can be measured of them. */
async function testLooks(browser) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, viewport] of Object.entries({ wide: { width: 1280, height: 900 }, narrow: NARROW })) {
      const test = async (page, mock) => {
        await page.locator("#plots canvas").first().waitFor();
        await takePicture(page, `${colorScheme}-${width}-well`);
        assert.deepEqual(await accessibilityFaults(page), []);
        mock.setStatus({ ready: false, conditions: made.conditions(false) });
        mock.sendTraffic(made.traffic(new Date(), 1_600_000, broken));
        await page.getByRole("button", { name: "Preview" }).click();
        await page.locator(".step.broken").waitFor();
        await page.waitForTimeout(400); // until colours have changed
        await takePicture(page, `${colorScheme}-${width}-broken`);
        assert.deepEqual(await accessibilityFaults(page), []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width);
        const { y, height } = await page.locator(".faults").boundingBox();
        assert.ok(y + height < 300, `faults end at ${y + height} px`);
      };
      await checkPage(browser, `${colorScheme} and ${width}: fits, accessible, faults in the first 300 px`, test, { colorScheme, viewport });
    }
  }
}

export async function testPage(browser) {
  await testShown(browser);
  await testLive(browser);
  await testFirstStart(browser);
  await testForms(browser);
  await testLooks(browser);
}
