import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dataDirectory, OmoiProcess, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

/** What a mistake of the program does, upon a signal: Node's own flags bring it into the server that is shipped. */
const MISTAKES = `data:text/javascript,${[
  'process.on("SIGUSR2",()=>void(Promise.reject(new(Error)("nobody\\u0020caught\\u0020this"))))',
  'process.on("SIGWINCH",()=>process.exit(7))',
].join(';')}`;

interface Line {
  readonly level: string;
  readonly message: string;
}

let data: ReturnType<typeof dataDirectory>;
let server: OmoiProcess | null = null;
let log: string;

beforeEach(() => {
  data = dataDirectory();
  log = join(data.path, 'omoi.log');
});
afterEach(async () => {
  await server?.stop();
  server = null;
  data.remove();
});

async function started(): Promise<OmoiProcess> {
  const env = { OMOI_LOG_DESTINATION: log, OMOI_NODE_FLAGS: `--import ${MISTAKES}` };
  return (server = await OmoiServer.start(data.path, { env }));
}

const lastLine = (): Line =>
  JSON.parse(readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? '{}') as Line;

it('a rejection that nothing catches ends the server, and the log says which', async () => {
  const running = await started();
  running.child.kill('SIGUSR2');
  expect((await running.ended()).status).toBe(1);
  expect(lastLine()).toMatchObject({
    level: 'error',
    component: 'server',
    error: 'nobody caught this',
    origin: 'unhandledRejection',
    stack: expect.stringContaining('data:text/javascript'),
    message: expect.stringContaining('nothing has caught'),
  });
  expect(running.stderr).toContain('nobody caught this');
});

it('an end without an orderly stop is said in the log', async () => {
  const running = await started();
  running.child.kill('SIGWINCH');
  expect((await running.ended()).status).toBe(7);
  expect(lastLine()).toMatchObject({
    level: 'error',
    exit_code: 7,
    message: expect.stringContaining('without an orderly stop'),
  });
});

it('the log says which signal has stopped the server, and of a SIGHUP that it was reloaded', async () => {
  const running = await started();
  running.child.kill('SIGHUP');
  await until(() => lastLine().message === 'Rules and policies reloaded', 'it was reloaded');
  expect((await running.stop('SIGINT')).status).toBe(0);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const messages = lines.map((line) => JSON.parse(line) as Line);
  expect(messages).toContainEqual(expect.objectContaining({ why: 'signal SIGINT', message: 'Omoi stops' }));
  expect(messages.filter(({ level }) => level === 'error')).toEqual([]);
});

it('a SIGHUP that comes while the server starts does not end it: it is reloaded once it is up', async () => {
  server = new OmoiProcess(['serve'], {
    OMOI_DATA_DIRECTORY: data.path,
    OMOI_HTTP_PORT: '0',
    OMOI_OTLP_PORT: '0',
    OMOI_LOG_DESTINATION: log,
  });
  const { child } = server;
  await until(() => existsSync(log), 'it opens its log');
  child.kill('SIGHUP');
  const isReloaded = (): boolean => readFileSync(log, 'utf8').includes('Rules and policies reloaded');
  await until(() => isReloaded() || !child.isRunning, 'it is reloaded, or gone');
  expect(child.isRunning).toBe(true);
  expect((await server.stop()).status).toBe(0);
});
