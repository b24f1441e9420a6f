import { describe, expect, it } from 'vitest';
import { sharesLabel } from './shared-labels.ts';
import { parseExpression } from './syntax/parser.ts';

const NAMES = ['agent_id', 'job', 'le', '__name__'];

function shared(text: string): string {
  return NAMES.filter(sharesLabel(parseExpression(text))).join(' ');
}

describe('labels that an element shares with all series it rests on', () => {
  it.each([
    ['x', 'agent_id job le'],
    ['x{job="a"} offset 5m > 100', 'agent_id job le'],
    ['100 < (-x)', 'agent_id job le'],
    ['max_over_time(rate(x[5m])[1h:])', 'agent_id job le'],
    ['clamp_max(x, 5)', 'agent_id job le'],
    ['x > bool 5', 'agent_id job le'],
    ['vector(1)', 'agent_id job le'],
    ['sum by (agent_id) (x)', 'agent_id'],
    ['sum by (agent_id, __name__) (x)', 'agent_id'],
    ['sum without (job) (x)', 'agent_id le'],
    ['sum(x)', ''],
    ['topk by (job) (3, x)', 'job'],
    ['topk(3, x)', ''],
    ['count_values by (job) ("agent_id", x)', 'job'],
    ['count_values by (job) ("job", x)', ''],
    ['quantile by (job) (scalar(y), x)', ''],
    ['histogram_quantile(0.9, rate(x[5m]))', 'agent_id job'],
    ['histogram_quantile(0.9, sum by (job, le) (rate(x[5m])))', 'job'],
    ['label_replace(x, "agent_id", "$1", "job", "(.*)")', 'job le'],
    ['label_join(x, "job", "-", "agent_id")', 'agent_id le'],
    ['x > y', 'agent_id job le'],
    ['x > on (agent_id) y', 'agent_id'],
    ['x > on (agent_id) group_left (job) y', 'agent_id'],
    ['x > ignoring (le) y', 'agent_id job'],
    ['x > 5 and on (agent_id) y', 'agent_id'],
    ['x > 5 unless on (agent_id) y', 'agent_id'],
    ['x or on (job) y', 'job'],
    ['x and y and on () z', ''],
    ['x > scalar(y)', ''],
    ['clamp_max(x, scalar(y))', ''],
    ['absent(x{job="a"})', ''],
    ['absent_over_time(x[5m])', ''],
    ['histogram_quantiles(x, "job", 0.5, 0.9)', ''],
  ])('%s: %s', (text, expected) => {
    expect(shared(text)).toBe(expected);
  });

  it('are found along a chain of any length', () => {
    const chain = Array.from({ length: 5000 }, (_, at) => `x${at}`).join(' or ');
    expect(shared(chain)).toBe('agent_id job le');
  });

  const names = Array.from({ length: 50_000 }, (_, at) => `l${at}`).join(', ');

  it.each([
    ['keeps many', `sum by (${names}, job) (x)${' or y'.repeat(100_000)}`, 'job'],
    ['loses many', `sum without (${names}, job) (x)${' or y'.repeat(100_000)}`, 'agent_id le'],
    [
      'loses one more with each',
      `x${Array.from({ length: 50_000 }, (_, at) => ` or ignoring (l${at}) y`).join('')}`,
      'agent_id job le',
    ],
  ])('cost little more than the names of an expression that %s', (_, text, expected) => {
    const expression = parseExpression(text);
    const before = process.cpuUsage();
    expect(NAMES.filter(sharesLabel(expression)).join(' ')).toBe(expected);
    // What grows with the square would take minutes.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(30_000);
  });
});
