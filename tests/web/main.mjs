import { execFileSync } from "node:child_process";

import { testDaemon } from "./daemon_test.mjs";
import { openBrowser, sum } from "./harness.mjs";
import { testModel } from "./model_test.mjs";
import { testPage } from "./page_test.mjs";

execFileSync("ip", ["link", "set", "lo", "up"]);
await testModel();
const browser = await openBrowser();
try {
  await testPage(browser);
  await testDaemon(browser);
} finally {
  await browser.close();
}
process.exit(sum() ? 0 : 1);
