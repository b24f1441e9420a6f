import { expect, it } from 'vitest';
import { checkJunit } from './check-junit.ts';

it('writes a suite for each file, whatever characters its failures hold', () => {
  const text = checkJunit([
    { file: 'a & b.yml', failures: [] },
    { file: 'c.yml', failures: ["first 'line'", 'second \u0007\ud800 <line>'] },
  ]);
  expect(text).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="omoi rules check" tests="2" failures="1" errors="0">
  <testsuite name="a &amp; b.yml" tests="1" failures="0" errors="0">
    <testcase name="rules check" classname="a &amp; b.yml"/>
  </testsuite>
  <testsuite name="c.yml" tests="1" failures="1" errors="0">
    <testcase name="rules check" classname="c.yml">
      <failure message="first &apos;line&apos;">first &apos;line&apos;
second \ufffd\ufffd &lt;line&gt;</failure>
    </testcase>
  </testsuite>
</testsuites>
`);
});
