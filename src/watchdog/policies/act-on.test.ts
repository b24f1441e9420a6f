import { describe, expect, it } from 'vitest';
import { actOnText, formatActOn, isActedOn, type ActOn } from './act-on.ts';

const ids = (count: number) => Array.from({ length: count }, (_, at) => `demo-${at + 1}`);
const chosen = (among: readonly string[], actOn: ActOn) =>
  among.filter((id) => isActedOn(id, actOn, () => among));

describe('how much a policy acts on', () => {
  it.each<[string | number, string]>([
    ['10%', '10%'],
    ['0.5%', '0.5%'],
    ['100%', '100%'],
    [3, '3'],
  ])('%s is read', (text, shown) => {
    expect(formatActOn(actOnText.parse(text))).toBe(shown);
  });

  it.each([['0%'], ['101%'], ['10'], ['ten'], ['-1%'], [0], [-1], [1.5], [true]])('%s is refused', (text) => {
    expect(actOnText.safeParse(text).success).toBe(false);
  });

  it.each([0.05, 0.1, 0.5])('a share of %d is about that share of many, however they are called', (share) => {
    for (const prefix of ['demo-', 'worker-0', 'host/7:']) {
      const many = Array.from({ length: 5000 }, (_, at) => `${prefix}${at}`);
      expect(chosen(many, { kind: 'share', share }).length / many.length).toBeCloseTo(share, 1.5);
    }
  });

  it('all are acted on at 100%', () => {
    expect(chosen(ids(500), { kind: 'share', share: 1 })).toHaveLength(500);
  });

  it('a larger share has those of a smaller one among them', () => {
    const few = chosen(ids(300), { kind: 'share', share: 0.1 });
    const more = new Set(chosen(ids(300), { kind: 'share', share: 0.2 }));
    expect(few.length).toBeGreaterThan(0);
    expect(few.filter((id) => !more.has(id))).toEqual([]);
  });

  it.each([1, 3, 20])('a count of %d is so many, and no more than there are', (count) => {
    expect(chosen(ids(10), { kind: 'count', count })).toHaveLength(Math.min(count, 10));
  });

  it('who is chosen stays chosen while others leave', () => {
    const before = chosen(ids(20), { kind: 'count', count: 4 });
    const left = ids(20).filter((id) => before.includes(id) || Number(id.slice(5)) % 2 === 0);
    expect(chosen(left, { kind: 'count', count: 4 })).toEqual(before);
  });

  it('the same are chosen for ever', () => {
    expect(chosen(ids(30), { kind: 'share', share: 0.1 })).toMatchInlineSnapshot(`
      [
        "demo-15",
        "demo-21",
        "demo-26",
      ]
    `);
    expect(chosen(ids(30), { kind: 'count', count: 2 })).toMatchInlineSnapshot(`
      [
        "demo-15",
        "demo-21",
      ]
    `);
  });
});
