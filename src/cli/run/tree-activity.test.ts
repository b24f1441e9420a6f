import { expect, it } from 'vitest';
import type { ProcessTable } from '#fleet';
import { TreeActivity } from './tree-activity.ts';

/** pid: [parent, CPU ticks] */
type Machine = Record<number, readonly [number, number]>;

function tableOf(machine: Machine): ProcessTable {
  return {
    pids: () => Object.keys(machine).map(Number),
    stat: (pid) => {
      const known = machine[pid];
      if (!known) return null;
      const [parentPid, cpuTicks] = known;
      return { pid, state: 'S', parentPid, groupId: pid, sessionId: pid, cpuTicks, startTicks: pid };
    },
    environ: () => null,
    bootId: () => 'boot',
  };
}

it('counts the processes of the tree that used CPU since the last look', () => {
  const machine: Machine = { 1: [0, 100], 10: [1, 5], 11: [10, 0], 12: [11, 0], 20: [1, 0] };
  const activity = new TreeActivity(tableOf(machine));
  expect(activity.busy(10)).toBe(3);
  expect(activity.busy(10)).toBe(0);
  machine[12] = [11, 7];
  machine[20] = [1, 50];
  expect(activity.busy(10)).toBe(1);
  machine[13] = [12, 0];
  expect(activity.busy(10)).toBe(1);
  delete machine[10];
  expect(activity.busy(10)).toBe(0);
});
