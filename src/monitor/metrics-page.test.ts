import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STANDARD_METRICS } from '#telemetry';

const PAGE = readFileSync(new URL('../../docs/monitoring/metrics.md', import.meta.url), 'utf8');
const ROW = /^\| `(\w+)` +\| (\w+) +\| ([^|]+?) +\| ([^|]*?) *\| ([^|]+?) +\|$/gm;

describe('docs/monitoring/metrics.md', () => {
  it('lists the standard metrics as the catalogue has them', () => {
    const listed = [...PAGE.matchAll(ROW)].map(([, name, type, unit, labels, help]) => ({
      name,
      type,
      unit,
      labels: (labels ?? '').split(', ').map((label) => label.replaceAll('`', '')),
      help,
    }));
    const catalogue = Object.entries(STANDARD_METRICS).map(([name, definition]) => ({ name, ...definition }));
    expect(listed).toEqual(catalogue);
  });
});
