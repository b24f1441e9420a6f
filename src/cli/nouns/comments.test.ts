import { expect, it } from 'vitest';
import { commentLines, commentsOf, newestCommentLines } from './comments.ts';

const AT = '2026-11-30T15:00:00.000Z';
const said = (text: string) => ({ commented_by: 'ada', text, at: AT });

it('stand below a heading, those of several lines set in, without what would steer a terminal', () => {
  const lines = commentLines([said('it was the disk'), said('both of them\nsince \u001b[2Jnoon')]);
  expect(lines).toEqual([
    '',
    'comments',
    `  ${AT} ada: it was the disk`,
    expect.stringMatching(/ada: both of them\n {4}since .*noon$/),
  ]);
  expect(lines.join('')).not.toContain('\u001b');
});

it('are nothing where there are none, or where a server of before says nothing of them', () => {
  for (const answer of [{ comments: [], comment_count: 0 }, {}]) {
    expect(newestCommentLines(answer)).toEqual([]);
    expect(commentsOf(answer)).toEqual([]);
  }
});

it('say how many are left out', () => {
  expect(newestCommentLines({ comments: [said('last')], comment_count: 24 })[1]).toBe(
    'comments (23 earlier ones are left out; omoi alerts show has them)',
  );
});
