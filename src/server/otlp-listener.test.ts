import { expect, it } from 'vitest';
import { silentLogger, VirtualClock } from '#telemetry';
import { OtlpListener, TAKEN_RETRY_MS } from './otlp-listener.ts';

function listenerOf(open: () => Promise<string>, port = 4318) {
  const clock = new VirtualClock();
  const listener = new OtlpListener({
    address: { host: '127.0.0.1', port },
    open,
    apiUrl: () => 'http://127.0.0.1:4600',
    clock,
    logger: silentLogger,
  });
  return { clock, listener };
}

const failure = (code: string) => Object.assign(new Error(`listen ${code}`), { code });

it('a port that another program has is said, and had as soon as that has gone', async () => {
  let isTaken = true;
  const { clock, listener } = listenerOf(() =>
    isTaken ? Promise.reject(failure('EADDRINUSE')) : Promise.resolve('http://127.0.0.1:4318'),
  );
  await listener.start();
  expect(listener.url).toBeNull();
  expect(listener.warnings).toEqual([
    {
      key: 'otlp.port',
      message: expect.stringMatching(
        /^otlp\.port: another program listens on 127\.0\.0\.1 port 4318; .*OMOI_OTLP_PORT=4418; meanwhile OTLP is taken on http:\/\/127\.0\.0\.1:4600$/,
      ),
    },
  ]);
  await clock.advance(TAKEN_RETRY_MS);
  expect(listener.warnings).toHaveLength(1);
  isTaken = false;
  await clock.advance(TAKEN_RETRY_MS);
  expect([listener.url, listener.warnings]).toEqual(['http://127.0.0.1:4318', []]);
});

it('an address that is wrong is refused', async () => {
  const { listener } = listenerOf(() => Promise.reject(failure('EADDRNOTAVAIL')));
  await expect(listener.start()).rejects.toMatchObject({ code: 'address_unavailable' });
});

it('it is not tried again once it is stopped', async () => {
  let tried = 0;
  const { clock, listener } = listenerOf(() => {
    tried++;
    return Promise.reject(failure('EADDRINUSE'));
  });
  await listener.start();
  listener.stop();
  await clock.advance(10 * TAKEN_RETRY_MS);
  expect(tried).toBe(1);
});

it('the API’s own port is not said to be another program’s', async () => {
  const { listener } = listenerOf(() => Promise.reject(failure('EADDRINUSE')), 4600);
  await listener.start();
  expect(listener.warnings).toEqual([
    {
      key: 'otlp.port',
      message:
        'otlp.port: the API listens on port 4600 itself (http.port); choose another one, or set otlp.enabled: false; meanwhile OTLP is taken on http://127.0.0.1:4600',
    },
  ]);
});
