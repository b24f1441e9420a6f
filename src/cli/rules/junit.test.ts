import { expect, it } from 'vitest';
import { junitOf } from './junit.ts';

it('writes suites, cases and failures, whatever characters they hold', () => {
  const text = junitOf([
    {
      name: 'a & b.yml',
      cases: [
        { name: 'good', failures: [] },
        { name: '"<odd>"', failures: ["first 'line'\nsecond \u0007\ud800 line"] },
      ],
    },
    { name: 'empty.yml', cases: [] },
  ]);
  expect(text).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="omoi rules" tests="2" failures="1" errors="0">
  <testsuite name="a &amp; b.yml" tests="2" failures="1" errors="0">
    <testcase classname="a &amp; b.yml" name="good"/>
    <testcase classname="a &amp; b.yml" name="&quot;&lt;odd&gt;&quot;">
      <failure message="first &apos;line&apos;">first &apos;line&apos;
second \ufffd\ufffd line</failure>
    </testcase>
  </testsuite>
  <testsuite name="empty.yml" tests="0" failures="0" errors="0">
  </testsuite>
</testsuites>
`);
});
