import { describe, expect, it } from 'vitest';
import { hintOf } from './span-hint.ts';

describe('hintOf', () => {
  it.each([
    {
      attributes: { 'omoi.rule.id': 'queue/HighQueueDepth', 'omoi.alert.id': 'alrt_1' },
      hint: 'HighQueueDepth',
    },
    { attributes: { 'omoi.rule.id': 'queue/HighQueueDepth', 'omoi.cause': 'recovered' }, hint: 'recovered' },
    { attributes: { 'omoi.agent.id': 'coders-2', 'omoi.pool.id': 'coders' }, hint: 'coders-2' },
    { attributes: { 'omoi.score': 7 }, hint: null },
  ])('tells $hint', ({ attributes, hint }) => expect(hintOf(attributes)).toBe(hint));
});
