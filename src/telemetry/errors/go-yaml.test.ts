import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { messageOf } from './errors.ts';
import { parseStrictDocument } from './strict-document.ts';

const schema = z.object({ a: z.any().optional(), b: z.any().optional(), n: z.number().optional() });

/** What is made of a document as Go programs read it; the reason where it is refused. */
function read(text: string): unknown {
  try {
    return parseStrictDocument({ name: 'f', text, scalars: 'text' }, schema, 'rule_file_invalid');
  } catch (thrown) {
    return messageOf(thrown);
  }
}

describe('a document as Go’s YAML reads it', () => {
  it.each<readonly [string, unknown]>([
    ['a: b\n\t\nb: c\n', 'f:2:1: a tab stands in the indentation; write spaces'],
    ['a:\n  \t\n  - x\n', expect.stringContaining('a tab stands in the indentation')],
    ['\t# comment\na: b\n', expect.stringContaining('a tab stands in the indentation')],
    ['a: "x"\n     \t\n', expect.stringContaining('a tab stands in the indentation')],
    ['a:\n\n     \t\n', expect.stringContaining('a tab stands in the indentation')],
    ['a:\n  - \t\n    b: c\n', expect.stringContaining('a tab stands in the indentation')],
    // Behind a text without quotes, and as far in as its lines, it is part of what follows it.
    ['a: b\n  \t\nb: c\n', { a: 'b', b: 'c' }],
    ['a:\tb\n', { a: 'b' }],
    ['a: [ x,\n  \tz ]\n', { a: ['x', 'z'] }],
    ['a: |\n  x\n  \ty\n', { a: 'x\n\ty\n' }],
    ['%YAML 1.2\n---\na: b\n', 'f:1:1: %YAML 1.2 is not read; leave the line out, or write %YAML 1.1'],
    ['%YAML 1.1\n---\na: b\n', { a: 'b' }],
    ['~: x\nnull: y\na: b\n', { a: 'b' }],
    ['a: !!binary aGk=\nb: !!str 5\nn: !!int "5"\n', { a: 'hi', b: '5', n: 5 }],
    ['a: !!null x\n', expect.stringContaining('"x" is no !!null')],
    ['a: !!bool yes\n', expect.stringContaining('"yes" is no !!bool')],
    ['a: !!binary a\n', expect.stringContaining('"a" is no !!binary')],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });
});
