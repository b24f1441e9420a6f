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
let server: OmoiServer;
let log: string;

beforeEach(async () => {
  data = dataDirectory();
  log = join(data.path, 'omoi.log');
  const env = { OMOI_LOG_DESTINATION: log, OMOI_NODE_FLAGS: `--import ${MISTAKES}` };
  server = await OmoiServer.start(data.path, { env });
});
afterEach(async () => {
  await server.stop();
  data.remove();
});

const lastLine = (): Line =>
  JSON.parse(readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? '{}') as Line;

it('a rejection that nothing catches ends the server, and the log says which', async () => {
  server.child.kill('SIGUSR2');
  expect((await server.ended()).status).toBe(1);
  expect(lastLine()).toMatchObject({
    level: 'error',
    component: 'server',
    error: 'nobody caught this',
    origin: 'unhandledRejection',
    stack: expect.stringContaining('data:text/javascript'),
    message: expect.stringContaining('nothing has caught'),
  });
  expect(server.stderr).toContain('nobody caught this');
});

it('an end without an orderly stop is said in the log', async () => {
  server.child.kill('SIGWINCH');
  expect((await server.ended()).status).toBe(7);
  expect(lastLine()).toMatchObject({
    level: 'error',
    exit_code: 7,
    message: expect.stringContaining('without an orderly stop'),
  });
});

it('the log says which signal has stopped the server, and of a SIGHUP that it was reloaded', async () => {
  server.child.kill('SIGHUP');
  await until(() => lastLine().message === 'Rules and policies reloaded', 'it was reloaded');
  expect((await server.stop('SIGINT')).status).toBe(0);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const messages = lines.map((line) => JSON.parse(line) as Line);
  expect(messages).toContainEqual(expect.objectContaining({ why: 'signal SIGINT', message: 'Omoi stops' }));
  expect(messages.filter(({ level }) => level === 'error')).toEqual([]);
});

it('a SIGHUP that comes while the server starts does not end it: it is reloaded once it is up', async () => {
  await server.stop();
  const other = join(data.path, 'start.log');
  const starting = new OmoiProcess(['serve'], {
    OMOI_DATA_DIRECTORY: data.path,
    OMOI_HTTP_PORT: '0',
    OMOI_OTLP_PORT: '0',
    OMOI_LOG_DESTINATION: other,
  });
  try {
    await until(() => existsSync(other), 'it opens its log');
    starting.child.kill('SIGHUP');
    const isReloaded = (): boolean => readFileSync(other, 'utf8').includes('Rules and policies reloaded');
    await until(() => isReloaded() || !starting.isRunning, 'it is reloaded, or gone');
    expect(starting.isRunning).toBe(true);
  } finally {
    expect((await starting.stop()).status).toBe(0);
  }
});
