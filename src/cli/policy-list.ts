import { z } from 'zod';
import { behindLast, readAll } from './read-pages.ts';
import { followAsked } from './follow-asked.ts';
import { clientOf, serverOf, type FollowFlags } from './server-client.ts';
import { note, printJson, printLines, tableFor } from './terminal/print.ts';
import type { Column } from './terminal/table.ts';

const policy = z.object({
  name: z.string(),
  mode: z.string(),
  act_on: z.string().nullable(),
  description: z.string(),
});
type PolicyLine = z.output<typeof policy>;
const policyPage = z.object({ policies: z.array(z.looseObject(policy.shape)) });

const POLICIES_PER_PAGE = 500;

/** `omoi policies list`: the policies in force, and on how much of their targets each acts. */
export async function listPolicies(flags: FollowFlags): Promise<void> {
  const client = clientOf(serverOf(flags));
  const read = (): Promise<readonly PolicyLine[]> =>
    readAll(client, {
      path: '/api/v1/watchdog/policies',
      query: {},
      maxRows: POLICIES_PER_PAGE,
      read(answer, asked) {
        const { policies: rows } = policyPage.parse(answer);
        return { rows, next: behindLast({ rows, asked }, 'after', (row) => row.name) };
      },
    });
  const table = tableFor(COLUMNS);
  const printAll = (policies: readonly PolicyLine[]): void => {
    if (policies.length === 0) note('no policy is in force');
    else printLines(table.linesOf(policies));
  };
  if (flags.follow === true) {
    return followAsked({
      readAll: read,
      idOf: ({ name }) => name,
      printAll: flags.json === true ? (policies) => policies.forEach(printJson) : printAll,
      print: flags.json === true ? printJson : (row) => printLines(table.linesOf([row])),
      gone: (name) => note(`policy ${name} is not in force any more`),
    });
  }
  const policies = await read();
  if (flags.json === true) printJson({ policies });
  else printAll(policies);
}

const COLUMNS: readonly Column<PolicyLine>[] = [
  { heading: 'POLICY', of: ({ name }) => name },
  { heading: 'MODE', of: modeText },
  { heading: 'WHAT IT DOES', of: ({ description }) => description, mayShrink: true },
];

/** `act on 10%`, `observe`: the limit says nothing of a policy that does not act. */
function modeText({ mode, act_on: actOn }: Pick<PolicyLine, 'mode' | 'act_on'>): string {
  return mode === 'act' && actOn !== null ? `act on ${actOn}` : mode;
}
