import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from './gameday/experiment.ts';
import { gamedayFile, shippedNames } from './shipped-gamedays.ts';

describe('a game day', () => {
  it.each(shippedNames())('%s is found by its name and can be read', (name) => {
    expect(basename(gamedayFile(name))).toBe(`${name}.yaml`);
    expect(loadExperiment(gamedayFile(name)).method.length).toBeGreaterThan(0);
  });

  it.each(['mine.yaml', './worker_hang', 'days/mine'])('%s is the file of that path', (given) => {
    expect(gamedayFile(given)).toBe(given);
  });

  it('that was misspelt is named with the nearest one', () => {
    expect(() => gamedayFile('worker_hung')).toThrow(/"worker_hung"; did you mean "worker_hang"\?/);
  });

  it('that nobody knows is refused with those that there are', () => {
    expect(existsSync('nothing')).toBe(false);
    expect(() => gamedayFile('nothing')).toThrow(/known are .*crash_loop, .*worker_hang.*omoi gameday list/);
  });
});
