import { beforeEach, describe, expect, it } from 'vitest';
import { SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import {
  NoAnswer,
  type HttpAnswer,
  type HttpClientSettings,
  type HttpRequest,
} from '../receivers/http/http-client.ts';
import { DeadMansSwitch, type HeartbeatTarget } from './dead-mans-switch.ts';

let clock: VirtualClock;
let requests: HttpRequest[];
let answer: () => Promise<HttpAnswer>;
let stopped: string | null;
let switched: DeadMansSwitch;
const warnings: string[] = [];

beforeEach(() => {
  clock = new VirtualClock();
  requests = [];
  warnings.length = 0;
  stopped = null;
  answer = () =>
    Promise.resolve({ status: 200, headers: {}, body: '', withoutSecrets: (text: string) => text });
  switched = new DeadMansSwitch({
    clock,
    logger: {
      ...silentLogger,
      warn: (facts, message) => void warnings.push(`${message}: ${JSON.stringify(facts)}`),
    },
    metrics: new SelfMetrics(),
    signs: [() => null, () => Promise.resolve(stopped)],
  });
});

const target = (): HeartbeatTarget => ({
  url: 'https://watch.test/secret',
  everyMs: 30_000,
  http: {
    request(request) {
      requests.push(request);
      return answer();
    },
  },
  settings: {} as HttpClientSettings,
});

const beats = (): number => requests.splice(0).length;

describe('the dead man’s switch', () => {
  it('beats at once and at its interval, while all goes on', async () => {
    switched.aim(target());
    await clock.advance(1);
    expect(requests[0]).toMatchObject({ method: 'POST', url: 'https://watch.test/secret' });
    expect(beats()).toBe(1);
    await clock.advance(90_000);
    expect(beats()).toBe(3);
    switched.stop();
    await clock.advance(90_000);
    expect(beats()).toBe(0);
  });

  it('stops when something has stopped, tells that once, and goes on with it', async () => {
    switched.aim(target());
    await clock.advance(1);
    beats();
    stopped = 'no rule was evaluated for 2m';
    await clock.advance(90_000);
    expect(beats()).toBe(0);
    expect(warnings).toEqual([
      'Heartbeat of the dead man’s switch withheld: whoever watches it raises an alarm: {"reason":"no rule was evaluated for 2m"}',
    ]);
    stopped = null;
    await clock.advance(30_000);
    expect(beats()).toBe(1);
  });

  it('goes on where nobody answers, and never sends two at once', async () => {
    answer = () => Promise.reject(new NoAnswer('connection', 'watch.test: refused'));
    switched.aim(target());
    await clock.advance(60_000);
    expect(beats()).toBe(3);
    expect(warnings).toHaveLength(1);
    const { promise, resolve } = Promise.withResolvers<HttpAnswer>();
    answer = () => promise;
    await clock.advance(120_000);
    expect(beats()).toBe(1);
    resolve({ status: 200, headers: {}, body: '', withoutSecrets: (text: string) => text });
    await clock.advance(30_000);
    expect(beats()).toBe(1);
  });
});
