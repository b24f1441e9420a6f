import { describe, expect, it } from 'vitest';
import { findEntries, paletteEntries, type PaletteWorld } from './palette.ts';

function agent(
  agentId: string,
  known: Partial<PaletteWorld['agents'][number]>,
): PaletteWorld['agents'][number] {
  return {
    agent_id: agentId,
    status: 'IDLE',
    generation: 1,
    managed: true,
    tasks_held: 0,
    desired: 'run',
    ...known,
  };
}

const TASK = 'task_01m8ne5ssn5kebt5p6nrbpabcd';

const WORLD: PaletteWorld = {
  agents: [
    agent('coders-1', { status: 'IDLE' }),
    agent('coders-10', { status: 'STALLED' }),
    agent('reviewers-1', { status: 'RUNNING' }),
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
  tasks: [{ task_id: TASK, task_type: 'mail', state: 'parked' }],
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
    { typed: 'stop rev', titles: ['Stop reviewers-1'] },
    { typed: 'quarantine rev', titles: ['Quarantine reviewers-1'] },
    { typed: 'alt_2', titles: ['QueueGrows'] },
    { typed: 'rem_2', titles: ['scale out on coders'] },
    { typed: TASK, titles: [`mail ${TASK.slice(-6)}`] },
    { typed: 'mail parked', titles: [`mail ${TASK.slice(-6)}`] },
    { typed: TASK.replace('abcd', 'zzzz'), titles: [TASK.replace('abcd', 'zzzz')] },
    { typed: 'ack', titles: ['Acknowledge AgentStalled of coders-10'] },
    { typed: 'docu', titles: ['Read the documentation'] },
    { typed: 'nothing like it', titles: [] },
  ])('finds first by $typed: $titles', ({ typed, titles }) => {
    const list = found(typed);
    expect(titles.length === 0 ? list : list.slice(0, titles.length)).toEqual(titles);
  });

  it('offers first what burns or waits for a person where nothing was typed, then the pages', () => {
    expect(found('').slice(0, 4)).toEqual([
      'AgentStalled of coders-10',
      'restart stalled agent on coders-10',
      'coders-10',
      'Overview',
    ]);
  });

  it('offers a few of what burns, so that the pages stay in sight', () => {
    const agents = Array.from({ length: 5_000 }, (_, at) => agent(`a-${at}`, { status: 'FAILED' }));
    const alerts = agents.map(({ agent_id: id }) => {
      return { id, name: 'AgentFailed', subject: id, severity: 'error', isAcknowledged: false };
    });
    const entries = findEntries(paletteEntries({ ...WORLD, agents, alerts }), '', 40);
    expect(entries.findIndex(({ title }) => title === 'Overview')).toBe(11);
  });

  it('shows something of each kind where nothing was typed', () => {
    const agents = Array.from({ length: 5_000 }, (_, at) => agent(`a-${at}`, {}));
    const entries = findEntries(paletteEntries({ ...WORLD, agents }), ' ', 100);
    expect(new Set(entries.map(({ group }) => group))).toEqual(
      new Set(['page', 'alert', 'repair', 'task', 'action', 'pool', 'agent']),
    );
    expect(entries.length).toBeLessThan(45);
  });

  it('finds no action for who may not act, and resumes what is paused', () => {
    expect(found('restart coders', { mayHandle: false })).not.toContain('Restart coders-1');
    expect(found('watchdog', { isPaused: true })).toEqual(['Resume the watchdog']);
  });

  it('restarts nothing that somebody else has started, and asks it to leave instead', () => {
    const agents = [agent('laptop-1', { managed: false })];
    expect(found('laptop-1', { agents })).toEqual([
      'laptop-1',
      'Drain laptop-1',
      'Quarantine laptop-1',
      'Forget laptop-1',
    ]);
  });

  it('offers no order that would be refused', () => {
    const agents = [agent('reviewers-1', { status: 'FAILED' })];
    expect(found('reviewers-1', { agents })).toEqual(['reviewers-1', 'Restart reviewers-1']);
  });

  it('orders as the page of the agent does: by the generation that was seen, with a reason, and says what may be lost', () => {
    const entry = paletteEntries(WORLD).find(({ title }) => title === 'Restart coders-10');
    expect(entry?.act).toMatchObject({
      kind: 'order',
      reason: 'restart in mission control',
      isGrave: true,
      order: { path: '/api/v1/fleet/agents/coders-10/restart', body: { expected_generation: 1 } },
    });
  });

  it('has no two entries of the same id', () => {
    const ids = paletteEntries(WORLD).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
