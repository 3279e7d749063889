// What every test of the page needs: checks that are counted, a browser, pictures, and axe.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const BUILD = process.env.TWOBOX_BUILD; // the preset's folder; ours is tests-web in it
export const PICTURES = join(BUILD, "tests-web", "pictures");

const require = createRequire(join(BUILD, "tests-web", "here"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

let passed = 0;
let failed = 0;
let skipped = 0;

export async function check(what, test) {
  try {
    await test();
    passed += 1;
    console.log(`ok - ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok - ${what}\n${error.stack}`);
  }
}

export function skip(what, why) {
  skipped += 1;
  console.log(`skipped - ${what}: ${why}`);
}

/** Prints the counts; true when nothing failed. */
export function sum() {
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0;
}

/** Waits until `test` no longer throws. */
export async function eventually(test, seconds = 15) {
  for (const end = Date.now() + seconds * 1000; ; await sleep(100)) {
    try {
      return await test();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

/** Playwright's own folders hold no browser here, so it is told where Debian's is. */
export const openBrowser = () =>
  chromium.launch({ executablePath: "/usr/bin/chromium", args: process.getuid() === 0 ? ["--no-sandbox"] : [] });

/** A page that has seen the daemon; `page.faults` are what the browser complained of. */
export async function openPage(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // A refused call is logged by the browser too; those the tests provoke themselves.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) page.faults.push(message.text());
  });
  await page.goto(address);
  return page;
}

export const textOf = (page, selector) => page.locator(selector).innerText();

export async function expectText(page, selector, pattern, seconds) {
  await eventually(async () => {
    const text = await textOf(page, selector);
    if (!pattern.test(text)) throw new Error(`${selector} says "${text}", not ${pattern}`);
  }, seconds);
}

/** What axe finds wrong, as lines; the policy lets no script in but by the debugger's door. */
export async function accessibilityFaults(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

export async function takePicture(page, name) {
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}
