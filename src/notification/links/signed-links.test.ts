import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { VirtualClock } from '#telemetry';
import type { StoredAlert } from '../notified-alert.ts';
import { maxForgedLinksPerMinute, SignedLinks } from './signed-links.ts';

const ALERT: StoredAlert = {
  alertId: 'a',
  fingerprint: '1',
  labels: { alertname: 'A' },
  annotations: {},
  startsAtMs: 0,
  firedAtMs: 0,
  endsAtMs: null,
  updatedAtMs: 0,
  expiresAtMs: null,
  snoozedUntilMs: null,
  generatorUrl: '',
  acknowledgedBy: null,
  remediation: null,
  traceparent: null,
};

let clock: VirtualClock;
let database: StateDatabase;
let links: SignedLinks;
beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock, 'none');
  const noSilences = () => Promise.reject(new Error('nothing is silenced here'));
  links = new SignedLinks({
    database,
    clock,
    alerts: { read: (ids) => Promise.resolve(ids.includes('a') ? [ALERT] : []) },
    silences: { list: () => [], set: noSilences, setEnd: noSilences },
    acknowledge: () => Promise.resolve(),
    createSecret: () => 'a secret of the test',
  });
  await links.start();
});
afterEach(() => database.close());

it(`${maxForgedLinksPerMinute} links that nobody has made are looked at within a minute, and no more`, async () => {
  const forged = () => links.look('no.link');
  for (let at = 0; at < maxForgedLinksPerMinute; at++) {
    await expect(forged()).rejects.toMatchObject({ code: 'link_invalid' });
  }
  await expect(forged()).rejects.toMatchObject({ code: 'too_many_link_tries' });
  // Links that the server has made count all the same.
  const made = links.tokenFor('acknowledge', { subject: 'a', receiver: 'team', atMs: clock.wallMs() });
  expect((await links.look(made)).alerts.map(({ alertId }) => alertId)).toEqual(['a']);
  await clock.advance(59_999);
  await expect(forged()).rejects.toMatchObject({ code: 'too_many_link_tries' });
  await clock.advance(1);
  await expect(forged()).rejects.toMatchObject({ code: 'link_invalid' });
});
