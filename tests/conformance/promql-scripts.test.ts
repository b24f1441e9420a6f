import { describe, expect, it } from 'vitest';
import { parseGoNumber } from './promql/go-number.ts';
import { runScript } from './promql/script-runner.ts';

/** The runner itself: a script that it misreads proves nothing. */
describe('reading PromQL scripts', () => {
  it('begins a command right behind a number, the message of a failure, and clear', async () => {
    const { passed, failures } = await runScript(`
      eval instant at 0 1 + 1
        2
      eval instant at 0 2 * 2
        4
      clear
      eval_fail instant at 0 topk(NaN, m)
        expected_fail_message Parameter value is NaN
      eval instant at 0 "x"
        expect string "\\x78"
    `);
    expect(failures).toEqual([]);
    expect(passed).toBe(4);
  });

  it('goes on behind a command that it can not read', async () => {
    const { passed, failures } = await runScript(`
      eval instant at 0 vector(1)
        {} one

      eval instant at 0 vector(1)
        {} 1
    `);
    expect(passed).toBe(1);
    expect(failures.map(({ line, problem }) => `${line}: ${problem}`)).toEqual([
      '2: unreadable: "one" is no point of a series',
    ]);
  });

  it('takes a number as wrong where it is', async () => {
    const { passed, failures } = await runScript(`
      eval instant at 0 1 + 1
        3
      eval instant at 0 vector(1)
        expect no_warn
        {} 2

      eval_fail instant at 0 topk(NaN, m)
        expected_fail_message another one
      eval_fail instant at 0 topk(NaN, m)
        expected_fail_regexp ^another
    `);
    expect(passed).toBe(0);
    expect(failures.map(({ problem }) => problem)).toEqual([
      'expected 3, got 2',
      'expected 2, got {} 1',
      'failed otherwise: Parameter value is NaN',
      'failed otherwise: Parameter value is NaN',
    ]);
  });

  it.each([
    ['0x1F', 31],
    ['0b11', 3],
    ['0o17', 15],
    ['017', 15],
    ['-0x10', -16],
    ['1_000', 1000],
    ['+1e3', 1000],
    ['.5', 0.5],
    ['-Inf', -Infinity],
    ['infinity', Infinity],
    ['NaN', NaN],
    ['1m', null],
    ['{} 1', null],
    ['', null],
  ])('reads %j as %j', (text, value) => {
    expect(parseGoNumber(text)).toBe(value);
  });

  it('reads when samples began counting, and refuses what is not of the series behind it', async () => {
    const { passed, failures } = await runScript(`
      load 1m
        m{a="b"}@st _ -1s-1sx1 _x2 0s
        m{a="b"} 1 2 3 4 5 6

      eval range from 0 to 5m step 1m start_timestamp(m)
        {a="b"} 0 59 118 0 0 300

      load 1m
        m@st -1s -1s
        m 1

      load 1m
        m@st -1s
        n 1
    `);
    expect(passed).toBe(1);
    expect(failures.map(({ problem }) => problem)).toEqual([
      'unreadable: the @st line before m 1 is not of the same series and length',
      'unreadable: the @st line before n 1 is not of the same series and length',
    ]);
  });

  it('stores which histograms continue the one before, and no more', async () => {
    const histogram = (count: number, hint = ''): string =>
      `{{schema:0 count:${count} sum:1 buckets:[${count}]${hint}}}`;
    const noted = [
      histogram(1, ' counter_reset_hint:not_reset'),
      histogram(2),
      histogram(1),
      histogram(2, ' counter_reset_hint:reset'),
      'stale',
      histogram(3),
      histogram(4, ' counter_reset_hint:gauge'),
      histogram(5),
    ];
    const kept = ['unknown', 'not_reset', 'unknown', 'unknown', '_', 'unknown', 'gauge', 'unknown'];
    const counts = [1, 2, 1, 2, 0, 3, 4, 5];
    const expected = kept.map((hint, at) =>
      hint === '_' ? '_' : histogram(counts[at] ?? 0, ` counter_reset_hint:${hint}`),
    );
    const { failures } = await runScript(`
      load 1m
        m ${noted.join(' ')}

      eval range from 0 to 7m step 1m m
        m ${expected.join(' ')}
    `);
    expect(failures).toEqual([]);
  });
});
