// A small HTTP server of files that takes its time, as the services do that real workers wait for.
// Listens on the Unix socket OMOI_DEMO_SOURCE; each answer takes OMOI_DEMO_LATENCY_MS (150-250) milliseconds.
import { rmSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createAgent } from '@omoi/agent';
import { contentOf, hash } from './files.ts';

/** Not imported by name: that would load the client behind `fetch` too, 5 MB a process. */
const { createServer } = process.getBuiltinModule('node:http');

const socketPath = process.env['OMOI_DEMO_SOURCE'] ?? 'source.sock';
const [minLatencyMs = 150, maxLatencyMs = 250] = (process.env['OMOI_DEMO_LATENCY_MS'] ?? '150-250')
  .split('-')
  .map(Number);
const PATH = /^\/files\/([\w-]{1,64})$/;

/** Each file has its own latency, the same every time. */
function latencyMsOf(name: string): number {
  return minLatencyMs + (hash(`latency of ${name}`) % (maxLatencyMs - minLatencyMs + 1));
}

const server = createServer((request, response) => {
  const name = PATH.exec(request.url ?? '')?.[1];
  if (name === undefined) {
    response.writeHead(404).end();
    return;
  }
  setTimeout(() => {
    const content = contentOf(name);
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': content.length });
    response.end(content);
  }, latencyMsOf(name));
});

const agent = createAgent({ handleSigterm: false });
process.on('SIGTERM', () => {
  server.close();
  server.closeIdleConnections();
  void agent.drain({ reason: 'SIGTERM' }).then(() => process.exit(0));
});
rmSync(socketPath, { force: true });
server.listen(socketPath);
// What was compiled is kept now: a process that is killed would keep nothing, and the next one be larger.
flushCompileCache();
