import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { serveStreams } from './event-stream-server.test-support.ts';
import { query } from './query.ts';

let written: string[];
let noted: string[];
let close = (): void => {};
beforeEach(() => {
  [written, noted] = [[], []];
  const into = (kept: string[]) => (text: string | Uint8Array) => kept.push(String(text)) > 0;
  vi.spyOn(process.stdout, 'write').mockImplementation(into(written));
  vi.spyOn(process.stderr, 'write').mockImplementation(into(noted));
});
afterEach(() => {
  vi.restoreAllMocks();
  close();
});

const scalar = (value: string, more: object = {}) => ({
  status: 'success',
  data: { resultType: 'scalar', result: [0, value] },
  ...more,
});
/** In turn; then who asks is refused. */
const ANSWERS = [
  [200, scalar('1', { warnings: ['careful'] })],
  [200, scalar('1', { warnings: ['careful'] })],
  [503, { error: 'not_ready', message: 'starting' }],
  [503, { error: 'not_ready', message: 'starting' }],
  [200, scalar('2', { warnings: ['careful'] })],
  [403, { error: 'forbidden', message: 'the end of the test' }],
] as const;

async function serve(answers: readonly (readonly [number, object])[]): Promise<string> {
  const left = [...answers];
  const { url, close: stop } = await serveStreams((_, response) => {
    const [status, body] = left.shift() ?? [500, {}];
    response.writeHead(status).end(JSON.stringify(body));
  });
  close = stop;
  return url;
}

it('a pipe gets each answer that differs, and what the engine says once; a server that is away is waited for', async () => {
  const url = await serve(ANSWERS);
  await expect(query('1', { url, follow: true, step: '10ms' })).rejects.toThrow('the end of the test');
  expect(written).toEqual(['1\n', '2\n']);
  expect(noted).toEqual([
    'omoi: careful\n',
    'omoi: the server has gone; waiting for it …\n',
    'omoi: the server is back\n',
  ]);
});

it('a server that is not there at first is said at once', async () => {
  const url = await serve([[503, { error: 'not_ready', message: 'starting' }]]);
  await expect(query('1', { url, follow: true })).rejects.toMatchObject({ code: 'not_ready' });
});

it('the past does not change', async () => {
  await expect(query('1', { follow: true, time: '0' })).rejects.toThrow(
    '--time: what is followed is the present',
  );
});
