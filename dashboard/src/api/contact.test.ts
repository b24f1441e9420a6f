import { expect, it } from 'vitest';
import { Contact } from './contact.ts';

it('is lost since the server was heard last, and tells of each change once', () => {
  let nowMs = 1_000;
  const told: (number | null)[] = [];
  const contact = new Contact(() => nowMs);
  contact.watch(() => told.push(contact.lostSinceMs));
  contact.heard();
  nowMs = 5_000;
  contact.heard();
  nowMs = 7_000;
  contact.missed();
  nowMs = 9_000;
  contact.missed();
  expect(told).toEqual([5_000]);
  contact.heard();
  expect(told).toEqual([5_000, null]);
});

it('tells nobody who looks away', () => {
  const contact = new Contact(() => 1);
  let calls = 0;
  contact.watch(() => calls++)();
  contact.missed();
  expect(calls).toBe(0);
});
