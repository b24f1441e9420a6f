import { expect, it } from 'vitest';
import { RecordingReceiver } from '../notification.test-support.ts';
import { addressesOf, FormerIntegrations, maxFormerIntegrations } from './former-integrations.ts';
import type { RunningIntegration } from './running-integration.ts';

const running = (key: string, settings: unknown): RunningIntegration => ({
  key,
  receiver: key,
  note: null,
  rateLimit: null,
  integration: new RecordingReceiver(),
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
