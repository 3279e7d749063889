// Makes the page one file: node build.mjs OUTPUT_FOLDER
//
// Writes there page.html.gz, with script and style inlined, and page.csp, the Content-Security-Policy that lets
// exactly these two run. What the page is made of comes from npm, as package-lock.json says.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const source = dirname(fileURLToPath(import.meta.url));
const output = resolve(process.argv[2]);
const modules = join(output, "node_modules");

function installModules() {
  const lock = readFileSync(join(source, "package-lock.json"));
  const stamp = join(output, "installed");
  if (existsSync(stamp) && lock.equals(readFileSync(stamp))) return;
  for (const name of ["package.json", "package-lock.json"]) copyFileSync(join(source, name), join(output, name));
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = spawnSync("npm", ["ci", ...options], { cwd: output, stdio: "inherit" });
  if (npm.status !== 0) {
    console.error(`npm ci failed${npm.error ? `: ${npm.error.message}` : ""}.`);
    console.error("The page needs the npm registry once; -DTWOBOX_PAGE=OFF builds without the page.");
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

async function bundle(entry) {
  const esbuild = createRequire(join(modules, "here"))("esbuild");
  const result = await esbuild.build({
    entryPoints: [join(source, entry)],
    nodePaths: [modules],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
  return result.outputFiles[0].text.trim();
}

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

function policy(script, style) {
  return [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

mkdirSync(output, { recursive: true });
installModules();
const [script, style] = [await bundle("main.js"), await bundle("style.css")];
if (script.includes("</script")) throw new Error("the script would end its own element");
// Functions, since a text would have its $ taken for patterns.
const page = readFileSync(join(source, "index.html"), "utf8")
  .replace("/* style */", () => style)
  .replace("/* script */", () => script);
writeFileSync(join(output, "page.csp"), policy(script, style));
writeFileSync(join(output, "page.html.gz"), gzipSync(page, { level: 9 }));
