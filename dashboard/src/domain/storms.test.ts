import { describe, expect, it } from 'vitest';
import { reasonOf } from './storms.ts';

const since = '2026-01-01T00:00:00.000Z';
const storm = (domain: string) => ({ domain, reason: '3 of 4 agents fell silent at once', since });
const held = { state: 'storm', reason: 'pool:old: 3 of 3', by: 'watchdog', since } as const;

const others = { maintenances: 0, policies: { act: 1, approve: 0, observe: 0 } };

describe('why repairs are held back', () => {
  it.each([
    [
      'the failure domain of a storm',
      ['provider:acme'],
      0,
      'in provider:acme 3 of 4 agents fell silent at once',
    ],
    ['what was recorded, where none goes on', [], 0, 'pool:old: 3 of 3'],
  ])('%s', (_name, domains, more, expected) => {
    expect(reasonOf(held, { states: [held], storms: domains.map(storm), more_storms: more, ...others })).toBe(
      expected,
    );
  });

  it('the first of many, and how many more there are', () => {
    const storms = ['host:1', 'host:2', 'host:3', 'host:4'].map(storm);
    expect(reasonOf(held, { states: [held], storms, more_storms: 7, ...others })).toMatch(
      /^in host:1 .*; in host:3 .*; and 8 more$/,
    );
  });

  it('a pause as whoever paused it says', () => {
    const paused = { ...held, state: 'paused', reason: 'new disks' } as const;
    expect(
      reasonOf(paused, { states: [paused], storms: [storm('pool:demo')], more_storms: 0, ...others }),
    ).toBe('new disks');
  });
});
