import { z } from 'zod';
import { printable } from '../query/printable.ts';

const comment = z.object({ commented_by: z.string(), text: z.string(), at: z.string() });
export type Comment = z.output<typeof comment>;

/** A server of before has none. */
const answer = z.object({ comments: z.array(comment).default([]), comment_count: z.number().optional() });

export function commentsOf(shown: unknown): readonly Comment[] {
  return answer.parse(shown).comments;
}

/** Below a heading, each by whom and when; those of several lines are set in. Nothing where there are none. */
export function commentLines(comments: readonly Comment[], count = comments.length): readonly string[] {
  if (comments.length === 0) return [];
  const earlier = count - comments.length;
  return [
    '',
    earlier > 0 ? `comments (${earlier} earlier ones are left out; omoi alerts show has them)` : 'comments',
    ...comments.map(({ commented_by: by, text, at }) => {
      const lines = text.split(/\r?\n/).map(printable);
      return `  ${at} ${printable(by)}: ${lines.join('\n    ')}`;
    }),
  ];
}

/** As `commentLines`, of an answer that has the newest and their number. */
export function newestCommentLines(shown: unknown): readonly string[] {
  const { comments, comment_count: count } = answer.parse(shown);
  return commentLines(comments, count);
}
