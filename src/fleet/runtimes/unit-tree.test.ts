import { expect, it } from 'vitest';
import { membersOf, SightedProcesses, type SightedProcess } from './unit-tree.ts';

it('units that end together cost what their own processes cost, however many others were sighted', () => {
  const UNITS = 1000;
  let reads = 0;
  const sighted = new SightedProcesses();
  /** A shell that leads a session, and what it has started. */
  const processOf = (pid: number, parentPid: number, sessionId: number): SightedProcess => ({
    pid,
    groupId: sessionId,
    state: 'S',
    cpuTicks: 0,
    reapedTicks: 0,
    residentPages: 0,
    startTicks: 7,
    unitId: `unit-${sessionId}`,
    get parentPid() {
      reads++;
      return parentPid;
    },
    get sessionId() {
      reads++;
      return sessionId;
    },
  });
  for (let unit = 0; unit < UNITS; unit++) {
    const first = 10 + 2 * unit;
    sighted.add(processOf(first, 1, first));
    sighted.add(processOf(first + 1, first, first));
  }
  for (let unit = 0; unit < UNITS; unit++) {
    const pid = 10 + 2 * unit;
    const members = membersOf({ bootId: 'boot', pid, startTicks: 7, unitId: `unit-${pid}` }, sighted);
    expect(members.map(({ process }) => process.pid)).toEqual([pid, pid + 1]);
  }
  expect(reads).toBeLessThan(10 * UNITS);
});
