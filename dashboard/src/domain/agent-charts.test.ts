import { describe, expect, it } from 'vitest';
import { AGENT_CHARTS, captionOf, lastHeardOf, type ChartedAgent } from './agent-charts.ts';

const NOW_MS = Date.parse('2026-11-30T12:00:00.000Z');
const agent = (status: ChartedAgent['status']): ChartedAgent => ({
  agent_id: 'demo-1',
  status,
  last_heartbeat_at: '2026-11-30T11:00:00.000Z',
});

function caption(title: string, status: ChartedAgent['status'], now: number | null, peak: number | null) {
  const chart = AGENT_CHARTS.find((one) => one.title === title);
  if (!chart) throw new Error(`there is no chart ${title}`);
  return captionOf(chart, agent(status), { now, peak, nowMs: NOW_MS });
}

describe('captionOf', () => {
  it('tells no data from zero, and says why there is none', () => {
    expect(caption('CPU', 'RUNNING', 0, 0)).toEqual({ now: '0 %', peak: '0 %', why: null });
    expect(caption('CPU', 'RUNNING', null, null)).toEqual({
      now: 'no data',
      peak: null,
      why: 'Its processes are looked at every 15 s, where Omoi sees them; CPU shows from the second look on.',
    });
    expect(caption('Attempts failed', 'IDLE', null, null).why).toBe(
      'No attempt of it has failed in this time.',
    );
  });

  it('says of one that has ended that it uses nothing any more, whatever is left of its samples', () => {
    expect(caption('CPU', 'FAILED', 12, 40)).toEqual({
      now: 'no data',
      peak: '40 %',
      why: 'It does not run.',
    });
  });

  it('says when a dead one was last heard, and counts its silence no further', () => {
    for (const status of ['FAILED', 'TERMINATED', 'UNRESPONSIVE'] as const) {
      expect(caption('Silence', status, 3600, 3600)).toEqual({
        now: expect.stringMatching(/^last heard \d\d:\d\d:\d\d$/),
        peak: '1h',
        why: null,
      });
    }
    expect(caption('Silence', 'IDLE', 0.5, 1).now).toBe('500ms');
  });
});

describe('lastHeardOf', () => {
  it('names the day of what was long ago', () => {
    expect(lastHeardOf(agent('FAILED'), NOW_MS + 3 * 86_400_000)).toMatch(/2026.*\d\d:\d\d:\d\d$/);
  });

  it('says nothing where it is not known', () => {
    expect(lastHeardOf({ ...agent('FAILED'), last_heartbeat_at: null }, NOW_MS)).toBeNull();
  });
});
