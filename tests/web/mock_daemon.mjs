// The daemon's API with made-up content, for what this machine's kernel can't show: IPVS with traffic, broken
// steps, refusals, a token. The page and its policy are the real ones.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import * as made from "./made_up.mjs";

const problem = (status, title, detail, errors = []) => ({
  status,
  type: "application/problem+json",
  body: JSON.stringify({ type: "about:blank", title, status, detail, errors }),
});
const json = (body, headers = {}) => ({ status: 200, type: "application/json", body: JSON.stringify(body), headers });

async function readBody(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

export class MockDaemon {
  constructor(pageFolder) {
    this.page = readFileSync(join(pageFolder, "page.html.gz"));
    this.policy = readFileSync(join(pageFolder, "page.csp"), "utf8");
    this.status = made.status();
    this.history = made.history();
    this.document = { text: made.DOCUMENT, etag: '"1"', source: "api" };
    this.diff = made.noDiff();
    this.token = null;
    this.full = false;
    this.traffic = made.pastTraffic(); // what a new watcher is sent at once
    this.watchers = new Set();
    this.requests = [];
    this.server = createServer((request, response) => this.handle(request, response));
  }

  async start() {
    await new Promise((resolve) => this.server.listen(this.port ?? 0, "127.0.0.1", resolve));
    this.port = this.server.address().port;
    return `http://127.0.0.1:${this.port}/`;
  }

  async stop() {
    for (const watcher of this.watchers) watcher.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Tells all who watch. */
  send(event, data) {
    for (const watcher of this.watchers) watcher.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  setStatus(changes) {
    this.status = { ...this.status, ...changes };
    this.send("status", this.status);
  }

  sendTraffic(traffic) {
    this.traffic = [...this.traffic, traffic];
    this.send("traffic", traffic);
  }

  async handle(request, response) {
    const url = new URL(request.url, "http://mock");
    const body = await readBody(request);
    this.requests.push({ method: request.method, path: url.pathname + url.search, headers: request.headers, body });
    if (url.pathname === "/") return this.sendPage(response);
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`)
      return this.answer(response, problem(401, "Unauthorized", "a token is needed"));
    if (this.full) return this.answer(response, problem(503, "Service Unavailable", "too many watch already"));
    if (url.pathname === "/v1/events") return this.watch(response);
    this.answer(response, this.route(request, url, body));
  }

  route(request, url, body) {
    switch (`${request.method} ${url.pathname}`) {
      case "GET /v1/status":
        return json(this.status);
      case "GET /v1/history":
        return json({ format: 1, entries: this.history });
      case "GET /v1/diff":
        return json(this.diff);
      case "GET /v1/document":
        if (!this.document) return problem(404, "Not Found", "there is no document yet");
        return { ...json(null, { ETag: this.document.etag, "Twobox-Source": this.document.source }), body: this.document.text };
      case "PUT /v1/document":
        return this.putDocument(request, url, body);
      case "PUT /v1/vips/web/role":
        return this.putRole(JSON.parse(body).role);
      default:
        return problem(404, "Not Found", "this API has no such call");
    }
  }

  putDocument(request, url, body) {
    if (request.headers["content-type"] !== "application/json") return problem(415, "Unsupported Media Type", "send JSON");
    if (!body.includes('"nodes"'))
      return problem(400, "Invalid document", "the document has 1 fault", [{ pointer: "/nodes", detail: "is missing" }]);
    if (url.searchParams.get("dry_run") === "true") return json(made.someDiff());
    if (this.document && request.headers["if-match"] !== this.document.etag)
      return problem(412, "Precondition Failed", "another document is in force");
    this.document = { text: body, etag: '"2"', source: "api" };
    this.setStatus({ generation: this.status.generation + 1, observed_generation: this.status.generation + 1 });
    return json({ converged: true });
  }

  putRole(role) {
    const web = { role, source: "hand", since: new Date().toISOString() };
    this.setStatus({ vips: { ...this.status.vips, web } });
    return json(web);
  }

  watch(response) {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    this.watchers.add(response);
    response.on("close", () => this.watchers.delete(response));
    response.write(`: begun\n\nevent: status\ndata: ${JSON.stringify(this.status)}\n\n`);
    for (const traffic of this.traffic) response.write(`event: traffic\ndata: ${JSON.stringify(traffic)}\n\n`);
  }

  sendPage(response) {
    response.writeHead(200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Encoding": "gzip",
      "Content-Security-Policy": this.policy,
    });
    response.end(this.page);
  }

  answer(response, { status, type, body, headers }) {
    response.writeHead(status, { "Content-Type": type, ...headers });
    response.end(body);
  }
}
