import type { Command } from 'commander';

type Example = readonly [line: string, what: string];

/** Of each command by its words: command lines as they can be typed, and what each does. */
const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  serve: [
    ['omoi serve --demo', 'a fleet of real workers, watched and repaired'],
    ['omoi serve --config /etc/omoi/omoi.yaml', 'a fleet of your own'],
  ],
  run: [
    ['omoi run --pool coders -- claude', 'on this terminal, as without omoi run'],
    ['omoi run --pool jobs --id nightly --stall-after 30m -- ./nightly.sh', 'an id of its own, and a limit'],
  ],
  'gameday run': [
    ['omoi gameday run worker_hang', 'a worker hangs, and is replaced'],
    ['omoi gameday run worker_hang --control', 'the same with the watchdog off'],
    ['omoi gameday run ./killed_mailer.yaml', 'one of your own'],
  ],
  'gameday list': [['omoi gameday list', 'the shipped ones']],
  'agents list': [
    ['omoi agents list --status STALLED', 'who stands still'],
    ['omoi agents list -f', 'and whoever changes'],
  ],
  'agents show': [['omoi agents show mailers-2', 'with its generations and how each ended']],
  'agents restart': [
    [
      "omoi agents restart mailers-2 --wait --reason 'new templates'",
      'comes back when the next generation is up',
    ],
  ],
  'agents stop': [['omoi agents stop mailers-2', 'until somebody restarts it']],
  'agents quarantine': [
    ["omoi agents quarantine mailers-2 --reason 'looking into it'", 'no more work, until it is released'],
  ],
  'agents release': [['omoi agents release mailers-2', 'work again']],
  'agents drain': [['omoi agents drain laptop-1', 'leaves when it has finished what it has']],
  'agents forget': [['omoi agents forget laptop-1', 'it will not come back']],
  'agents why': [['omoi agents why mailers-2', 'what is known, and what to do']],
  'pools list': [['omoi pools list -f', 'and what changes']],
  'pools show': [['omoi pools show mailers', 'its processes, and why one is not started']],
  'pools scale': [
    ['omoi pools scale mailers 6', 'six from now on'],
    ['omoi pools scale mailers +2 --for 1h', 'two more, which leave by themselves'],
  ],
  'tasks list': [
    ['omoi tasks list --state failed', 'what has gone wrong, the newest first'],
    ['omoi tasks list --agent mailers-2', 'what an agent has'],
  ],
  'tasks show': [['omoi tasks show task_01k', 'what became of it']],
  'tasks parked': [['omoi tasks parked', 'what waits for a person, and what was seen last']],
  'tasks enqueue': [
    ['omoi tasks enqueue mail --phase PHASE_IMPLEMENTATION --payload \'{"to":"ann"}\'', 'prints its id'],
    ['omoi tasks enqueue mail --phase PHASE_IMPLEMENTATION --payload @mail.json', 'from a file'],
  ],
  'tasks retry': [['omoi tasks retry task_01k', 'with all its attempts']],
  'tasks cancel': [['omoi tasks cancel task_01k', 'for good']],
  'on-call show': [
    ['omoi on-call show', 'who is on call now, and who is next'],
    ['omoi on-call show -f', 'and at each handover and override'],
    ['omoi on-call show --at 2026-12-24T20:00:00Z', 'on Christmas Eve'],
  ],
  'on-call override': [
    [
      "omoi on-call override infra grace --for 8h --reason 'ada is on a train'",
      'grace stands in from now on',
    ],
  ],
  'on-call cancel': [['omoi on-call cancel ovr_01k', 'the schedule counts again']],
  'alerts list': [
    ['omoi alerts list --severity critical --match \'pool_id="mailers"\'', 'of one pool'],
    ['omoi alerts list --state resolved', 'what has been'],
  ],
  'alerts show': [['omoi alerts show AgentFailed', 'by its rule, where one fires']],
  'alerts explain': [['omoi alerts explain QueueDeep', 'who was told of it, and who was not']],
  'alerts ack': [
    ['omoi alerts ack AgentFailed', 'somebody looks at each alert of a rule'],
    ['omoi alerts ack --all', 'and at all of them'],
  ],
  'alerts snooze': [
    ["omoi alerts snooze QueueDeep --for 2h --note 'after the deploy'", 'tell nobody until then'],
  ],
  'alerts unsnooze': [['omoi alerts unsnooze QueueDeep', 'people are told again']],
  'alerts assign': [['omoi alerts assign QueueDeep --to ada', 'hers from now on']],
  'alerts comment': [["omoi alerts comment QueueDeep 'the disk is being replaced'", 'for its timeline']],
  'alerts resolve': [['omoi alerts resolve AgentFailed', 'it is over, whatever the rule says']],
  'receivers list': [
    ['omoi receivers list', 'who can be told'],
    ['omoi receivers list -f', 'and as messages come to wait and are sent'],
  ],
  'receivers test': [['omoi receivers test team-x', 'does a message arrive?']],
  'notifications list': [
    ['omoi notifications list --state failed', 'what did not arrive'],
    ['omoi notifications list --receiver team-x', 'what a team was told'],
  ],
  'silences list': [['omoi silences list --state all', 'the ended ones, too']],
  'silences show': [
    ['omoi silences show 8d8d8b8e-0f5c-4c44-9d2a-2d9f5a6a1c11', 'from whom, and how it ended'],
  ],
  'silences add': [
    [
      "omoi silences add HighLoad 'instance=~\"web.*\"' --for 2h --reason 'new disks'",
      'of one rule on some hosts',
    ],
    ["omoi silences add team=web or team=db --for 1d --reason 'moving'", 'of any of several'],
    [
      "omoi silences add --alert AgentFailed --for 4h --until-resolved --reason 'on it'",
      'of one alert, while it fires',
    ],
  ],
  'silences change': [
    [
      "omoi silences change 8d8d8b8e-0f5c-4c44-9d2a-2d9f5a6a1c11 --reason 'the disks are late'",
      'the same silence',
    ],
    ['omoi silences change 8d8d8b8e-0f5c-4c44-9d2a-2d9f5a6a1c11 team=web', 'another takes its place'],
  ],
  'silences extend': [
    ['omoi silences extend 8d8d8b8e-0f5c-4c44-9d2a-2d9f5a6a1c11 --for 2h', 'two hours from now on'],
  ],
  'silences expire': [['omoi silences expire 8d8d8b8e-0f5c-4c44-9d2a-2d9f5a6a1c11', 'people are told again']],
  'routing check': [['omoi routing check alertmanager.yml', 'every mistake, with its line']],
  'routing show': [['omoi routing show', 'the tree that the server has loaded']],
  'routing test': [['omoi routing test severity=critical team=web --tree', 'the way of such an alert']],
  'rules list': [
    ['omoi rules list --state firing', 'the rules that fire now'],
    ['omoi rules list --sort cost --limit 10', 'the ten dearest'],
  ],
  'rules show': [['omoi rules show fleet/HighQueueDepth', 'what it reads, and which policies stand on it']],
  'rules format': [
    ['omoi rules format rules/', 'each file of the folder is written anew where it is not formatted'],
    ['omoi rules format --check rules/', 'for continuous integration: writes nothing'],
  ],
  'rules check': [
    ['omoi rules check rules/', 'every mistake of every file in the folder, with line and column'],
    ['omoi rules check --lint-fatal --junit rules.xml rules.yml', 'for continuous integration'],
  ],
  'rules test': [
    ['omoi rules test alerts_test.yml', 'what differs from what each test expects'],
    ["omoi rules test tests/*.yml --run 'Queue' --junit junit.xml", 'some of the tests, for a CI server'],
  ],
  'remediations list': [
    ['omoi remediations list --state awaiting_approval', 'what waits for your word'],
    ['omoi remediations list -f', 'and whatever changes'],
  ],
  'remediations show': [['omoi remediations show rem_01k', 'what it did, and how it was proven']],
  'remediations approve': [['omoi remediations approve rem_01k', 'the watchdog begins']],
  'remediations reject': [['omoi remediations reject rem_01k', 'nothing is done']],
  'watchdog state': [['omoi watchdog state -f', 'and when it changes']],
  'watchdog pause': [["omoi watchdog pause --reason 'moving house'", 'what runs is seen through']],
  'watchdog resume': [['omoi watchdog resume', 'what was held back is decided again']],
  'maintenance start': [
    ["omoi maintenance start pool:demo --for 30m --reason 'new disks'", 'ends by itself'],
  ],
  'maintenance list': [['omoi maintenance list', 'with the id of each']],
  'maintenance end': [['omoi maintenance end mnt_01k', 'before its time']],
  'policies check': [['omoi policies check', 'before a policy is set to act']],
  'policies list': [
    ['omoi policies list', 'which of them act'],
    ['omoi policies list -f', 'and each that a reload changes'],
  ],
  'tokens create': [
    ['omoi tokens create ann --role operator', 'for a person: omoi login takes it'],
    ['omoi tokens create audit --role viewer --expires-in 30d', 'worthless after 30 days'],
    ['omoi tokens create mailer --role agent --pool mailers', 'for agents: $OMOI_AGENT_TOKEN'],
  ],
  'tokens list': [
    ['omoi tokens list', 'when each was used last, and how long it works'],
    ['omoi tokens list -f', 'and each that is made, used or revoked'],
  ],
  'tokens revoke': [['omoi tokens revoke tok_01k', 'at once']],
  'tokens login': [['omoi tokens login', 'open it in a browser']],
  reload: [['omoi reload', 'after a rule or a policy was edited']],
  backup: [['omoi backup /backup/omoi.sqlite --data-directory /var/lib/omoi', 'the server goes on']],
  query: [
    ["omoi query 'sum by (phase_id) (tasks_queued_total)'", 'a table'],
    ["omoi query 'rate(tasks_completed_total[1m])' --range 1h", 'a chart'],
  ],
  events: [
    ['omoi events -f --type watchdog', 'what the watchdog does, live'],
    ['omoi events --about mailers-2', 'what became of an agent'],
  ],
  logs: [
    ['omoi logs mailers-2 -f', 'live'],
    ['omoi logs mailers-2 --generation 3 --stream stderr', 'why an earlier one ended'],
  ],
  status: [['omoi status -f', 'and when it changes']],
  ps: [['omoi ps --pool mailers', 'of one pool']],
  why: [['omoi why mailers-2', 'what is known, and what to do']],
  restart: [['omoi restart mailers-2 --wait', 'comes back when the next generation is up']],
  ack: [['omoi ack --all', 'every alert that fires']],
  approve: [['omoi approve rem_01k', 'as omoi remediations list shows it']],
  pause: [["omoi pause --reason 'moving house'", 'until omoi resume']],
  resume: [['omoi resume', 'what was held back is decided again']],
  check: [
    ['omoi check --config omoi.yaml', 'before a start or a reload'],
    ['omoi check killed_mailer.yaml', 'a game day as well'],
  ],
  import: [
    [
      'omoi import prometheus.yml alertmanager.yml',
      'the rules that they name, the routing, and what differs',
    ],
    ['omoi import rules --dry-run', 'only says what becomes of them'],
  ],
  doctor: [['omoi doctor', 'where nothing seems to work']],
  login: [
    ['omoi login https://omoi.example.org', 'asks for the token, which is not shown'],
    ['omoi login http://build-1:4600 < token', 'takes it from a file'],
  ],
  logout: [['omoi logout http://build-1:4600', 'omoi tokens revoke makes it worthless']],
  completion: [
    ['source <(omoi completion bash)', 'in ~/.bashrc; zsh the same, behind compinit'],
    ['omoi completion fish | source', 'in ~/.config/fish/config.fish'],
  ],
};

/** Shows them in the help of each command, and of each noun the first of each of its verbs. */
export function showExamples(command: Command, path: readonly string[] = []): void {
  for (const below of command.commands) showExamples(below, [...path, below.name()]);
  const words = path.join(' ');
  const lines =
    command.commands.length === 0
      ? (EXAMPLES[words] ?? [])
      : command.commands.flatMap((below) => (EXAMPLES[`${words} ${below.name()}`] ?? []).slice(0, 1));
  if (lines.length === 0) return;
  const width = Math.max(...lines.map(([line]) => line.length));
  const text = lines.map(([line, what]) => `  ${line.padEnd(width)}  # ${what}`).join('\n');
  command.addHelpText('after', `\nExample${lines.length === 1 ? '' : 's'}:\n${text}`);
}
