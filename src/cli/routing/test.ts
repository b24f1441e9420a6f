import { emptyLabels, messageOf, OmoiError, type Labels } from '#telemetry';
import {
  createRouter,
  formatMatcher,
  MatcherSyntaxError,
  parseMatcher,
  routingPath,
  type RoutingDecision,
  type RoutingStep,
} from '#notification';
import type { TestFlags } from '../commands/routing.ts';
import { printable } from '../query/printable.ts';
import { note, printJson, printLines, tableFor } from '../terminal/print.ts';
import { routingOf } from './routing-file.ts';
import { routeName } from './show.ts';
import { treeLines, type TreeLine } from './tree.ts';

/**
 * `omoi routing test`
 * @returns the exit status: 1 where `--verify` names other receivers
 * @throws OmoiError `invalid_request` for what is no label
 */
export async function testRouting(written: readonly string[], flags: TestFlags): Promise<number> {
  const labels = labelsOf(written);
  const { route } = await routingOf(flags);
  const taken = createRouter(route).routesOf(labels);
  const receivers = taken.map(({ route: { receiver } }) => receiver);
  const verified = flags.verify === undefined || flags.verify === receivers.join();
  if (flags.json === true) {
    printJson({
      labels,
      receivers,
      routes: taken.map(({ route: { id, receiver }, groupKey, groupLabels }) => {
        return { id, receiver, group_key: groupKey, group_labels: groupLabels };
      }),
      ...(flags.verify !== undefined && { verified }),
    });
  } else {
    if (flags.tree === true) printLines([...treeLines(lineOf(routingPath(route, labels))), '']);
    printLines(
      tableFor<(typeof taken)[number]>([
        { heading: 'RECEIVER', of: (to) => to.route.receiver },
        { heading: 'GROUP', of: ({ groupKey }) => groupKey },
      ]).linesOf(taken),
    );
  }
  if (!verified) note(`it goes to ${receivers.join()}, not to ${flags.verify ?? ''}`);
  return verified ? 0 : 1;
}

function labelsOf(written: readonly string[]): Labels {
  const labels = emptyLabels();
  for (const text of written) {
    const { name, operator, value } = labelOf(text);
    if (operator !== '=') {
      throw new OmoiError('invalid_request', `"${text}" is no label of an alert; write name=value`);
    }
    labels[name] = value;
  }
  return labels;
}

function labelOf(text: string) {
  try {
    return parseMatcher(text);
  } catch (thrown) {
    if (!(thrown instanceof MatcherSyntaxError)) throw thrown;
    throw new OmoiError(
      'invalid_request',
      `"${text}" is no label of an alert (${messageOf(thrown)}); write name=value`,
    );
  }
}

function lineOf({ route, decision, steps }: RoutingStep): TreeLine {
  return { text: `${routeName(route)}  ${reasonOf(decision, route.receiver)}`, below: steps.map(lineOf) };
}

function reasonOf(decision: RoutingDecision, receiver: string): string {
  switch (decision.kind) {
    case 'receives':
      return `→ ${printable(receiver)}`;
    case 'passed_on':
      return 'passes it on';
    case 'not_matched':
      return `no: ${printable(formatMatcher(decision.matcher))}, and it is "${printable(decision.value)}"`;
    case 'not_reached':
      return `not asked: ${routeName(decision.takenBy)} has taken it`;
  }
}
