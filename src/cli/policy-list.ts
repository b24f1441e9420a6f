import { z } from 'zod';
import { clientOf, serverOf, type ServerFlags } from './server-client.ts';

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
export async function listPolicies(flags: ServerFlags): Promise<void> {
  const client = clientOf(serverOf(flags));
  const policies: PolicyLine[] = [];
  for (;;) {
    const last = policies.at(-1);
    const page = new URLSearchParams({ limit: String(POLICIES_PER_PAGE), ...(last && { after: last.name }) });
    const found = policyPage.parse(await client.call('GET', `/api/v1/watchdog/policies?${page.toString()}`));
    policies.push(...found.policies);
    if (found.policies.length < POLICIES_PER_PAGE) break;
  }
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ policies })}\n`);
    return;
  }
  if (policies.length === 0) process.stdout.write('no policy is in force\n');
  const width = Math.max(0, ...policies.map(({ name }) => name.length));
  for (const one of policies) process.stdout.write(`${one.name.padEnd(width)}  ${modeText(one)}\n`);
}

/** `act on 10%`, `observe`: the limit says nothing of a policy that does not act. */
function modeText({ mode, act_on: actOn }: Pick<PolicyLine, 'mode' | 'act_on'>): string {
  return mode === 'act' && actOn !== null ? `act on ${actOn}` : mode;
}
