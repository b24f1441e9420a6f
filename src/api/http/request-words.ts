/**
 * What the words of requests mean, wherever they stand: one word has one meaning. A schema that has more to say says it itself.
 * A test holds that nothing in a request goes without.
 */
const REQUEST_WORDS: Readonly<Record<string, string>> = {
  // who and what
  active_id: 'A label set of a rule, by the id that the list of active alerts gives it.',
  agent_id: 'An agent, by its id.',
  agent_ids: 'Agents, by their ids.',
  agent_type: 'What the agent is.',
  agents: 'Agents, by their ids.',
  alert_id: 'An alert, by its id.',
  anomaly_id: 'An anomaly, by its id.',
  entity_id: 'What an event is about, by its id.',
  generation: 'The generation of the agent that asks, as its registration has given it.',
  id: 'By its id, as the list gives it.',
  lock_id: 'A lock, by its id.',
  override_id: 'A name of the caller’s for the override; used again, it is the same override.',
  phase_id: 'A phase, by any name.',
  phase_ids: 'Only tasks of these phases.',
  policy: 'A policy, by its name.',
  pool_id: 'A pool, by its id.',
  pools: 'Pools, by their ids.',
  resource_name: 'What is locked, by any name.',
  resource_type: 'What kind of thing is locked, by any name.',
  target_id: 'The agent or pool that is repaired, by its id.',
  task_id: 'A task, by its id.',
  task_type: 'What kind of work it is, by any name.',
  task_types: 'Only tasks of these types; without it of any.',
  to_agent_id: 'The agent that is to claim it.',
  token: 'The secret of a token.',
  token_id: 'A token, by its id.',
  trace_id: 'A trace: 32 hexadecimal digits.',
  // what is said of them
  capabilities: 'What the agent can do, for people to read.',
  code: 'What a login link carries; it works once.',
  completions: 'What is done, each task by itself.',
  desired: 'How many agents there should be.',
  duration_ms: 'How long it holds.',
  error: 'What went wrong, for the page to show.',
  health: 'How the agent says it is: `degraded` makes it DEGRADED.',
  heartbeat_interval_ms: 'How often the agent means to beat.',
  heartbeats: 'One for each agent.',
  labels: 'Labels of the agent’s own; `host` and `provider` say its failure domains.',
  lease_ms: 'For how long the claim holds without being renewed.',
  lock_mode: 'Whether others may hold it in the same mode.',
  max_attempts: 'How often it is tried before a person has to look at it.',
  max_tasks: 'How many tasks at most.',
  nonce: 'As in the registration: it tells this process from another of the same name.',
  reason: 'Why, for people to read.',
  result: 'What has come of it: any JSON.',
  role: 'What the token may do.',
  signal: 'The signal that ended the process, like `SIGKILL`.',
  tasks: 'What is to be done, each as it is enqueued alone.',
  ttl_ms: 'For how long the lock is held without being renewed.',
  // which rows of a list
  after_id: 'Only events behind this one.',
  before_id: 'Only events before this one.',
  component: 'Only lines of this part of the program.',
  from: 'From this time on.',
  limit: 'How many at most.',
  metric_name: 'Only of this metric.',
  order: 'Which come first.',
  service: 'Only of this service (`service.name`).',
  state: 'Only those in this state.',
  status: 'Only those of this status.',
  to: 'Up to this time.',
  // as Prometheus has them
  end: 'The last time: Unix seconds or RFC 3339.',
  exclude_alerts: '`true` leaves out the alerts of the rules.',
  'file[]': 'Only rules of this file; may be repeated.',
  group_limit: 'How many groups at most.',
  group_next_token: 'Where to go on, as the answer before said.',
  limit_per_metric: 'How many entries of one metric at most.',
  lookback_delta: 'How far back a sample still counts: a duration.',
  'match[]': 'A selector; may be repeated.',
  metric: 'Only of this metric.',
  name: 'The name of a label.',
  query: 'A PromQL expression.',
  'rule_group[]': 'Only rules of this group; may be repeated.',
  'rule_name[]': 'Only rules of this name; may be repeated.',
  start: 'The first time: Unix seconds or RFC 3339.',
  stats: '`true` or `all` asks for what the query cost.',
  step: 'The time between two points: seconds or a duration.',
  time: 'The time to look at: Unix seconds or RFC 3339; now where it is left out.',
  timeout: 'How long it may take: a duration.',
  type: 'Only rules of this type: `alert` or `record`.',
  '*': 'The name of a file.',
};

interface Described {
  description?: string;
  $ref?: string;
  properties?: Readonly<Record<string, Described>>;
  items?: Described;
  anyOf?: readonly Described[];
}

interface Operation {
  readonly parameters?: readonly (Described & { readonly name: string })[];
  readonly requestBody?: {
    readonly content?: Readonly<Record<string, { readonly schema?: Described }>>;
  };
}

/** Gives what an operation of OpenAPI takes, and what says nothing itself, the common meaning of its word. */
export function describeRequest(operation: unknown): void {
  // The part of OpenAPI's types that this reads, which are wider in each place.
  const { parameters = [], requestBody } = operation as Operation;
  for (const parameter of parameters) describe(parameter, parameter.name);
  for (const { schema } of Object.values(requestBody?.content ?? {})) if (schema) describeKeys(schema);
}

function describeKeys(schema: Described): void {
  for (const [name, key] of Object.entries(schema.properties ?? {})) {
    describe(key, name);
    describeKeys(key);
  }
  if (schema.items) describeKeys(schema.items);
  for (const one of schema.anyOf ?? []) describeKeys(one);
}

function describe(key: Described, name: string): void {
  const meaning = REQUEST_WORDS[name];
  if (key.description === undefined && key.$ref === undefined && meaning !== undefined)
    key.description = meaning;
}
