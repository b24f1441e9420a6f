import { describe, expect, it } from 'vitest';
import { findEntries, paletteEntries, type PaletteWorld } from './palette.ts';

const WORLD: PaletteWorld = {
  agents: [
    { agent_id: 'coders-1', status: 'IDLE', managed: true },
    { agent_id: 'coders-10', status: 'STALLED', managed: true },
    { agent_id: 'reviewers-1', status: 'RUNNING', managed: true },
  ],
  pools: [{ pool_id: 'coders' }],
  alerts: [
    { id: 'alt_1', name: 'AgentStalled', subject: 'coders-10', severity: 'critical', isAcknowledged: false },
    { id: 'alt_2', name: 'QueueGrows', subject: null, severity: 'warning', isAcknowledged: true },
  ],
  repairs: [
    { id: 'rem_1', name: 'restart stalled agent on coders-10', state: 'awaiting approval' },
    { id: 'rem_2', name: 'scale out on coders', state: 'healed' },
  ],
  isPaused: false,
  mayHandle: true,
};

const found = (typed: string, world: Partial<PaletteWorld> = {}) =>
  findEntries(paletteEntries({ ...WORLD, ...world }), typed, 50).map(({ title }) => title);

describe('findEntries', () => {
  it.each([
    { typed: 'flee', titles: ['Fleet'] },
    { typed: 'coders-1', titles: ['coders-1', 'coders-10'] },
    { typed: 'stalled agent', titles: ['AgentStalled of coders-10'] },
    { typed: 'pause', titles: ['Pause the watchdog'] },
    { typed: 'approve', titles: ['Approve restart stalled agent on coders-10'] },
    { typed: 'restart rev', titles: ['Restart reviewers-1'] },
    { typed: 'ack', titles: ['Acknowledge AgentStalled of coders-10'] },
    { typed: 'nothing like it', titles: [] },
  ])('finds first by $typed: $titles', ({ typed, titles }) => {
    const list = found(typed);
    expect(titles.length === 0 ? list : list.slice(0, titles.length)).toEqual(titles);
  });

  it('shows something of each kind where nothing was typed, pages first', () => {
    const agents = Array.from({ length: 5_000 }, (_, at) => ({
      agent_id: `a-${at}`,
      status: 'IDLE',
      managed: true,
    }));
    const entries = findEntries(paletteEntries({ ...WORLD, agents }), ' ', 100);
    expect(entries[0]?.title).toBe('Overview');
    expect(new Set(entries.map(({ group }) => group))).toEqual(
      new Set(['page', 'alert', 'repair', 'action', 'pool', 'agent']),
    );
    expect(entries.length).toBeLessThan(45);
  });

  it('finds no action for who may not act, and resumes what is paused', () => {
    expect(found('restart coders', { mayHandle: false })).not.toContain('Restart coders-1');
    expect(found('watchdog', { isPaused: true })).toEqual(['Resume the watchdog']);
  });

  it('restarts nothing that somebody else has started', () => {
    const agents = [{ agent_id: 'laptop-1', status: 'IDLE', managed: false }];
    expect(found('laptop-1', { agents })).toEqual(['laptop-1']);
  });

  it('has no two entries of the same id', () => {
    const ids = paletteEntries(WORLD).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
