import { describe, expect, it } from 'vitest';
import { statusSpans, timeByStatus } from './activity-strip.ts';

const change = (atMs: number, from: string, to: string) => ({ atMs, from, to });
const WINDOW = { fromMs: 100, toMs: 200, status: 'IDLE', knownSinceMs: 0 };

describe('statusSpans', () => {
  it.each([
    { name: 'nothing changed', changes: [], spans: [['WELL', 100, 200]] },
    {
      name: 'it hung and came back',
      changes: [change(120, 'IDLE', 'UNRESPONSIVE'), change(150, 'UNRESPONSIVE', 'IDLE')],
      spans: [
        ['WELL', 100, 120],
        ['UNRESPONSIVE', 120, 150],
        ['WELL', 150, 200],
      ],
    },
    {
      name: 'it is new',
      changes: [change(130, 'NONE', 'SPAWNING'), change(140, 'SPAWNING', 'IDLE')],
      spans: [
        ['SPAWNING', 130, 140],
        ['WELL', 140, 200],
      ],
    },
    {
      name: 'it works now, which no event has told',
      changes: [
        change(140, 'SPAWNING', 'IDLE'),
        change(160, 'RUNNING', 'DEGRADED'),
        change(180, 'DEGRADED', 'RUNNING'),
      ],
      spans: [
        ['SPAWNING', 100, 140],
        ['WELL', 140, 160],
        ['DEGRADED', 160, 180],
        ['WELL', 180, 200],
      ],
    },
    {
      name: 'a change before the window decides how it began',
      changes: [change(50, 'IDLE', 'FAILED')],
      spans: [['FAILED', 100, 200]],
    },
    {
      name: 'changes come in any order, and those behind the window do not count',
      changes: [change(250, 'IDLE', 'FAILED'), change(160, 'FAILED', 'IDLE')],
      spans: [
        ['FAILED', 100, 160],
        ['WELL', 160, 200],
      ],
    },
  ])('$name', ({ changes, spans }) => {
    const found = statusSpans(changes, WINDOW);
    expect(found.map(({ status, fromMs, toMs }) => [status, fromMs, toMs])).toEqual(spans);
  });

  it('leaves open what is not known', () => {
    expect(statusSpans([], { ...WINDOW, knownSinceMs: 180 })).toEqual([
      { status: 'WELL', fromMs: 180, toMs: 200 },
    ]);
  });
});

describe('timeByStatus', () => {
  it('sums each status, the longest first', () => {
    const spans = statusSpans([change(120, 'FAILED', 'IDLE')], WINDOW);
    expect(timeByStatus(spans)).toEqual([
      ['WELL', 80],
      ['FAILED', 20],
    ]);
  });
});
