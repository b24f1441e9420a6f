import { expect, it } from 'vitest';
import { RecordingReceiver } from '../notification.test-support.ts';
import { addressesOf, FormerIntegrations, maxFormerIntegrations } from './former-integrations.ts';
import type { RunningIntegration } from './running-integration.ts';

const running = (
  key: string,
  settings: unknown,
  integration = new RecordingReceiver(),
): RunningIntegration => ({
  key,
  receiver: key,
  note: null,
  rateLimit: null,
  integration,
  settings,
});
const ADA = { url: 'https://ada.example' };

it('finds who reaches the address of an integration that is no more, over several reloads', () => {
  const former = new FormerIntegrations();
  const ada = running('ada', ADA);
  former.replace(addressesOf([ada]), [running('lin', { url: 'https://lin.example' })]);
  expect(former.successorOf('ada')).toBeNull();
  former.replace([], [running('other', { ...ADA })]);
  expect(former.successorOf('ada')?.key).toBe('other');
  // There again it is its own.
  former.replace([], [ada]);
  expect(former.successorOf('ada')).toBeNull();
  former.replace(addressesOf([ada]), [running('last', { ...ADA })]);
  expect(former.successorOf('ada')?.key).toBe('last');
});

it('finds it where its texts have changed, or a newer version knows a setting more', () => {
  const former = new FormerIntegrations();
  former.replace(addressesOf([running('ada', ADA)]), [
    running('other', { ...ADA, title: 'another', known_to_a_newer_version: true, max_alerts: 7 }),
  ]);
  expect(former.successorOf('ada')?.key).toBe('other');
});

it('finds one that tells of ends before one that does not', () => {
  const former = new FormerIntegrations();
  const quiet = running('quiet', ADA, new RecordingReceiver({ sendResolved: false }));
  former.replace(addressesOf([running('ada', ADA)]), [running('other', ADA), quiet]);
  expect(former.successorOf('ada')?.key).toBe('other');
});

it('takes nobody for another who has no settings', () => {
  const former = new FormerIntegrations();
  former.replace(addressesOf([running('log', null)]), [running('other', null)]);
  expect(former.addresses()).toEqual([]);
  expect(former.successorOf('log')).toBeNull();
});

it.each([
  [maxFormerIntegrations, 'now'],
  [maxFormerIntegrations + 1, undefined],
])(`of %i integrations that are no more ${maxFormerIntegrations} are remembered`, (count, found) => {
  const former = new FormerIntegrations();
  const gone = Array.from({ length: count }, (_, at) => running(`a${at}`, ADA));
  former.replace(addressesOf(gone), [running('now', { ...ADA })]);
  expect(former.successorOf('a0')?.key).toBe(found);
  expect(former.successorOf(`a${count - 1}`)?.key).toBe('now');
});
