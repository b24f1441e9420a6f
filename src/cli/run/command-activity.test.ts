import { beforeEach, describe, expect, it } from 'vitest';
import type { ProcessTable } from '#fleet';
import { CommandActivity } from './command-activity.ts';

const PID = 10;
const STALL_AFTER_MS = 60_000;
const BEAT_MS = 1000;

let state: string;
let cpuTicks: number;
let nowMs: number;
const command = { pid: PID, outputBytes: 0 };

const table: ProcessTable = {
  pids: () => [PID],
  stat: (pid) => ({
    pid,
    state,
    parentPid: 1,
    groupId: pid,
    sessionId: pid,
    cpuTicks,
    reapedTicks: 0,
    residentPages: 5,
    startTicks: 5,
  }),
  newestPid: () => PID,
  ioBytes: () => 0,
  environ: () => null,
  isBlank: () => false,
  pageBytes: () => 4096,
  bootId: () => 'boot',
};

let activity: CommandActivity;
const within = (stallAfterMs: number | null): CommandActivity =>
  new CommandActivity(table, command, { stallAfterMs, nowMs: () => nowMs });

/** What it is seen to do at last, when it is looked at with each beat of so long. */
function looked(forMs: number): string {
  for (let passedMs = 0; passedMs < forMs; passedMs += BEAT_MS) {
    nowMs += BEAT_MS;
    activity.look();
  }
  return activity.last;
}

beforeEach(() => {
  [state, cpuTicks, nowMs, command.outputBytes] = ['S', 0, 0, 0];
  activity = within(STALL_AFTER_MS);
});

describe('a command', () => {
  it('that does nothing is idle, and after a while for too long', () => {
    expect(looked(STALL_AFTER_MS - 2 * BEAT_MS)).toBe('idle');
    expect(looked(4 * BEAT_MS)).toBe('idle_too_long');
  });

  it('is looked at as seldom as its agent beats', () => {
    activity = within(2 * BEAT_MS);
    expect(looked(BEAT_MS)).toBe('idle');
    expect(looked(3 * BEAT_MS)).toBe('idle_too_long');
  });

  it('that does nothing may do so for ever where nobody says for how long', () => {
    activity = within(null);
    expect(looked(10 * STALL_AFTER_MS)).toBe('idle');
  });

  it.each<[string, () => void]>([
    ['uses the CPU', () => (cpuTicks += 1)],
    ['puts something out', () => (command.outputBytes += 1)],
  ])('that %s now and then is not idle for too long, and then is no more', (_, act) => {
    for (let times = 0; times < 3; times++) {
      expect(looked(STALL_AFTER_MS - 2 * BEAT_MS)).toBe('idle');
      act();
      expect(looked(BEAT_MS)).toBe('active');
    }
    expect(looked(2 * STALL_AFTER_MS)).toBe('idle_too_long');
    act();
    expect(looked(BEAT_MS)).toBe('active');
  });

  it('that is stopped is that, however long', () => {
    state = 'T';
    expect(looked(2 * STALL_AFTER_MS)).toBe('stopped');
    state = 'S';
    expect(looked(BEAT_MS)).toBe('idle');
  });

  it('has its whole time anew when nobody looked at it for long', () => {
    looked(STALL_AFTER_MS - 2 * BEAT_MS);
    nowMs += 10 * STALL_AFTER_MS;
    expect(activity.look()).toBe('idle');
    expect(looked(STALL_AFTER_MS + 2 * BEAT_MS)).toBe('idle_too_long');
  });

  it('tells what it uses with what it does; that alone where it has no process', () => {
    cpuTicks = 250;
    expect(activity.report()).toEqual({ activity: 'idle', cpu_ms: 2500, memory_bytes: 5 * 4096 });
    cpuTicks = 300;
    expect(activity.report()).toEqual({ activity: 'active', cpu_ms: 3000, memory_bytes: 5 * 4096 });
    const none = new CommandActivity(
      table,
      { pid: null, outputBytes: 0 },
      { stallAfterMs: null, nowMs: () => 0 },
    );
    expect(none.report()).toBe('idle');
  });
});
