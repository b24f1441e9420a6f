import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type YAMLMap } from 'yaml';
import type { DocumentSource } from '#telemetry';
import type { Finding } from './check-installation.ts';

/** A line of a configuration or policy that means something else than it did in earlier servers. */
interface ChangedMeaning {
  /** Where it stands; `*` is each entry of a list. */
  readonly path: readonly string[];
  /** Keys beside it, or in it where it is a mapping, that came with the change: whoever writes one knows of it. */
  readonly settledBy: readonly string[];
  readonly message: string;
}

const OF_POLICIES: readonly ChangedMeaning[] = [
  {
    path: ['steps', '*', 'verify', 'within'],
    settledBy: ['healthy_for'],
    message:
      'was the time for the alert to end; now the restarted agent has to be well within it, too, and stay so for `healthy_for` (by default two heartbeat intervals)',
  },
  {
    path: ['guards', 'max_parallel'],
    settledBy: ['repair_burst', 'repair_every'],
    message:
      'held all repairs of the policy; now those of silent agents alone: FAILED and STALLED ones are held by `repair_burst` and `repair_every`, in each failure domain',
  },
  {
    path: ['guards', 'max_starts'],
    settledBy: ['repair_burst', 'repair_every'],
    message:
      'counted all repairs of the policy; now those of silent agents alone: FAILED and STALLED ones are held by `repair_burst` and `repair_every`, in each failure domain',
  },
];

/** Keys that settle `cooldown` stand beside `guards`, not in it. */
const OF_WHOLE_POLICIES: readonly ChangedMeaning[] = [
  {
    path: ['guards', 'cooldown'],
    settledBy: ['relapse_window', 'max_attempts'],
    message:
      'was the same after each repair; now it doubles with each attempt of a relapsing agent, up to `relapse_window` (10m), and after `max_attempts` (3) the guardian takes over',
  },
];

const OF_CONFIGURATION: readonly ChangedMeaning[] = [
  {
    path: ['alerting', 'rule_files'],
    settledBy: ['disable'],
    message:
      'used to replace the shipped rules; now its rules are added to them, one of the same name takes a shipped one’s place, and `disable` switches shipped ones off',
  },
  {
    path: ['watchdog', 'policy_files'],
    settledBy: ['disable'],
    message:
      'used to replace the shipped policies; now its policies are added to them, one of the same name takes a shipped one’s place, and `disable` switches shipped ones off',
  },
  {
    path: ['fleet', 'pools', '*'],
    settledBy: ['overlap'],
    message:
      'the next generation of a hung agent used to start beside it; now it starts when the hung one has ended, but with `overlap: true`',
  },
  {
    path: ['fleet', 'pools', '*'],
    settledBy: ['max_unavailable'],
    message:
      'a changed command or environment used to reach an agent with its next restart; now the pool rolls to it at once, `max_unavailable` (1) at a time',
  },
];

/** The lines of a policy's file whose meaning has changed, as far as nothing in it shows that its writer knows. */
export function changedInPolicy(source: DocumentSource): readonly Finding[] {
  return [...changedIn(source, OF_POLICIES), ...changedIn(source, OF_WHOLE_POLICIES, 'root')];
}

/** Those of a configuration file. */
export function changedInConfiguration(source: DocumentSource): readonly Finding[] {
  return changedIn(source, OF_CONFIGURATION);
}

function changedIn(
  { name, text }: DocumentSource,
  table: readonly ChangedMeaning[],
  settledIn: 'place' | 'root' = 'place',
): readonly Finding[] {
  const lines = new LineCounter();
  const { contents } = parseDocument(text, { lineCounter: lines });
  return table.flatMap(({ path, settledBy, message }): readonly Finding[] => {
    const places = placesOf(contents, path).filter(({ node, beside }) => {
      const settling = settledIn === 'root' ? contents : isMap(node) ? node : beside;
      return !isMap(settling) || !settledBy.some((settled) => settling.has(settled));
    });
    const [first, ...others] = places.map(({ key, node }) => {
      const { line } = lines.linePos(node.range?.[0] ?? 0);
      return { key, line };
    });
    if (!first) return [];
    const key = `${name}:${first.line} ${first.key}`;
    return [{ severity: 'notice', key, message: `${message}${alsoAt(others)}` }];
  });
}

const MAX_NAMED_PLACES = 10;

/** The other lines of which the same is to be said. */
function alsoAt(places: readonly { readonly key: string; readonly line: number }[]): string {
  if (places.length === 0) return '';
  const named = places.slice(0, MAX_NAMED_PLACES).map(({ key, line }) => `${key} (line ${line})`);
  const left = places.length - named.length;
  return `; the same holds for ${named.join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}

interface Place {
  readonly key: string;
  readonly node: Node;
  /** The mapping that it stands in. */
  readonly beside: YAMLMap | null;
}

function placesOf(root: Node | null, path: readonly string[]): readonly Place[] {
  let places: readonly Place[] = root ? [{ key: '', node: root, beside: null }] : [];
  for (const step of path) {
    places = places.flatMap(({ key, node, beside }): readonly Place[] => {
      if (step === '*') return isSeq<Node>(node) ? node.items.map((item, at) => entryOf(key, item, at)) : [];
      const found = isMap(node) ? node.get(step, true) : undefined;
      if (!found) return [];
      return [
        { key: key === '' ? step : `${key}.${step}`, node: found, beside: isMap(node) ? node : beside },
      ];
    });
  }
  return places;
}

/** An entry of a list is called by its id where it has one. */
function entryOf(list: string, node: Node, at: number): Place {
  const id = isMap(node) ? node.get('id', true) : undefined;
  return { key: `${list}.${isScalar(id) ? String(id.value) : at}`, node, beside: null };
}
