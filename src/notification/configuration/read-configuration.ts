import type { z } from 'zod';
import {
  emptyLabels,
  messageOf,
  nextTurn,
  openStrictDocument,
  type Labels,
  type StrictDocument,
} from '#telemetry';
import type { ReceiverKind } from '../receivers/receiver-kind.ts';
import { createMessageTemplates } from '../templates/create-message-templates.ts';
import { TemplateFailure, type ConfiguredTemplates } from '../templates/message-templates.ts';
import { configurationSchema } from './configuration-schema.ts';
import { Findings, isMapping, itemsOf, namesOf, type Path } from './findings.ts';
import { globalSchema } from './global-schema.ts';
import type { NotificationConfiguration, Route } from './notification-configuration.ts';
import { omoiSchema, omoiSettings } from './omoi-schema.ts';
import { readInhibitRules } from './read-inhibit-rules.ts';
import { checkOmoi } from './read-omoi.ts';
import { readReceivers, type PlacedIntegration } from './read-receivers.ts';
import { readRoutes } from './read-routes.ts';
import { readTimeIntervals } from './read-time-intervals.ts';
import { resolveFiles } from './resolve-files.ts';
import { hiddenSecrets, shownConfiguration } from './shown-configuration.ts';
import { warnOfInhibition } from './warn-of-inhibition.ts';
import { warnOfProxies } from './warn-of-proxies.ts';
import { warnOfUnreachableRoutes } from './warn-of-routes.ts';
import { warnOfVariables } from './warn-of-variables.ts';
import { SHOWN_SECRET } from './setting-schemas.ts';
import { templateFiles, type ConfigurationFiles, type TemplateFile } from './template-files.ts';

export interface ConfigurationSource {
  /** What messages call it. */
  readonly name: string;
  readonly text: string;
  /** From where relative paths in it are looked for. */
  readonly directory: string;
}

export interface ConfigurationTools {
  readonly kinds: readonly ReceiverKind[];
  readonly files: ConfigurationFiles;
  /** Where `proxy_from_environment` looks; nowhere where nothing is said. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /**
   * `unread`: its templates are taken for good and their files are not looked for; of a configuration that another machine has
   * read. `read` where nothing is said.
   */
  readonly templates?: 'read' | 'unread';
  /** `hidden`: it is what a server shows of itself, in whose secrets' place `<secret>` has to stand. `written` where nothing is said. */
  readonly secrets?: 'written' | 'hidden';
}

/**
 * Reads an Alertmanager configuration with what Omoi adds to it, as strictly as Alertmanager 0.34 does; all mistakes of it at
 * once.
 * @throws OmoiError `routing_invalid`; each line of the message is `file:line:column: problem`
 */
export async function readNotificationConfiguration(
  source: ConfigurationSource,
  tools: ConfigurationTools,
): Promise<NotificationConfiguration> {
  const { name, text, directory } = source;
  const schema = configurationSchema(tools.kinds);
  const document = openStrictDocument({ name, text, scalars: 'text' }, schema, 'routing_invalid');
  // A large file takes its time: others have their turn between the parts.
  await nextTurn();
  const findings = new Findings();
  const written = resolveFiles(document.written, schema, directory);
  const parts = isMapping(written) ? written : {};
  const global = globalSchema.safeParse(parts['global']);
  const omoi = omoiSettings(omoiSchema.safeParse(parts['x-omoi']).data);
  const omoiParts = isMapping(parts['x-omoi']) ? parts['x-omoi'] : {};
  const reading = { findings, mode: omoi.matcherMode };
  const { receivers, integrations } = readReceivers(parts['receivers'], {
    findings,
    kinds: tools.kinds,
    global: global.success ? global.data : null,
    omoi,
    schedules: namesOf(omoiParts['on_call']),
  });
  await nextTurn();
  const timeIntervals = readTimeIntervals(parts, findings);
  const route = readRoutes(parts['route'], {
    ...reading,
    names: { receivers, timeIntervals, escalations: namesOf(omoiParts['escalation']) },
  });
  await nextTurn();
  const inhibitRules = readInhibitRules(parts['inhibit_rules'], reading);
  checkOmoi(omoi, { receivers, timeIntervals }, findings);
  warnOfUnused(parts, findings);
  warnOfVariables(parts, findings);
  const unsendable = new Findings();
  for (const { kind, path, settings } of integrations) {
    const forbidden = kind.notAllowed?.(settings, omoi);
    if (forbidden) findings.problem([...path, ...forbidden.path], forbidden.message);
    if (!kind.create) unsendable.warning(path, `Omoi does not send to ${kind.type} yet`);
  }
  warnOfProxies(parts, tools.environment ?? {}, unsendable);
  const templates = await readTemplates(parts['templates'], tools, findings);
  await nextTurn();
  if (templates && tools.templates !== 'unread') checkTemplates(templates, { integrations, route }, findings);
  warnOfRateLimits(receivers, findings);
  if (route) await warnOfUnreachableRoutes(route, findings);
  warnOfInhibition(inhibitRules, findings);
  document.accepted(findings.problems);
  if (!route || !templates || !global.success) throw new Error('an accepted configuration lacks a part');
  return {
    global: global.data,
    route,
    receivers,
    inhibitRules,
    timeIntervals,
    templates,
    omoi,
    shown: shownConfiguration(text, document),
    warnings: [
      ...(tools.secrets === 'hidden' ? [] : hiddenSecretsOf(source, document)),
      ...warningsOf([...findings.warnings, ...unsendable.warnings], document, name),
    ],
    unsendable: warningsOf(unsendable.warnings, document, name),
  };
}

/** What the API and `status` show was copied back: the words are taken for the secret, and the service will refuse them. */
function hiddenSecretsOf(
  { name, text }: ConfigurationSource,
  document: StrictDocument<z.ZodType>,
): readonly string[] {
  return hiddenSecrets(text, document).map(
    ({ line, column }) =>
      `${name}:${line}:${column}: the words ${SHOWN_SECRET} stand in the place of a secret, as where a configuration is shown; write the secret, or a …_file`,
  );
}

function warningsOf(
  warnings: Findings['warnings'],
  document: StrictDocument<z.ZodType>,
  name: string,
): readonly string[] {
  return document
    .inOrder(warnings)
    .map(({ path, message }) => `${name}:${document.placeOf(path)}: ${message}`);
}

/** Where each group is an incident of its own no message can wait for a digest. */
function warnOfRateLimits(receivers: NotificationConfiguration['receivers'], findings: Findings): void {
  for (const [index, { omoi, integrations }] of [...receivers.values()].entries()) {
    const kinds = new Set(integrations.flatMap(({ kind }) => (kind.opensIncidents ? kind.key : [])));
    if (omoi.rateLimit === null || kinds.size === 0) continue;
    findings.warning(
      ['receivers', index, 'x-omoi', 'rate_limit'],
      `rate_limit does not limit ${[...kinds].join(', ')}: each group is an incident there, which a digest could not close`,
    );
  }
}

/** Keys that are Alertmanager's own business. */
function warnOfUnused(parts: Readonly<Record<string, unknown>>, findings: Findings): void {
  if (isMapping(parts['tracing'])) {
    findings.warning(
      ['tracing'],
      'tracing is read and not used: `tracing` of omoi.yaml says where traces go',
    );
  }
  if (isMapping(parts['event_recorder'])) {
    findings.warning(
      ['event_recorder'],
      'event_recorder is read and not used: Omoi keeps its events, `omoi events`',
    );
  }
}

/** Null where something is wrong with them. */
async function readTemplates(
  written: unknown,
  { files, templates }: ConfigurationTools,
  findings: Findings,
): Promise<ConfiguredTemplates | null> {
  const read: TemplateFile[] = [];
  const before = findings.problems.length;
  const patterns = templates === 'unread' ? [] : itemsOf(written);
  for (const [index, pattern] of patterns.entries()) {
    if (typeof pattern !== 'string') continue;
    try {
      read.push(...(await templateFiles(pattern, files)));
    } catch (thrown) {
      findings.problem(['templates', index], messageOf(thrown));
    }
  }
  if (findings.problems.length > before) return null;
  try {
    return createMessageTemplates({ files: read });
  } catch (thrown) {
    if (!(thrown instanceof TemplateFailure)) throw thrown;
    for (const line of thrown.message.split('\n')) findings.problem(['templates'], line);
    return null;
  }
}

interface Templated {
  readonly integrations: readonly PlacedIntegration[];
  readonly route: Route | null;
}

/** Whether each field that is a template can be run: Alertmanager says so only when it has something to send. */
function checkTemplates(
  templates: ConfiguredTemplates,
  { integrations, route }: Templated,
  findings: Findings,
): void {
  const problemOf = memoized((text, form) => templates.problemOf(text, form));
  for (const { kind, settings, path } of integrations) {
    for (const field of kind.templatedFields(settings)) {
      const problem = problemOf(field.text, field.isHtml === true ? 'html' : 'text');
      if (problem !== null) findings.problem([...path, ...field.path], problem);
    }
  }
  const look = (node: Route, path: Path, inherited: Labels): void => {
    for (const [name, text] of Object.entries(node.labels)) {
      const problem = inherited[name] === text ? null : problemOf(text, 'text');
      if (problem !== null) findings.problem([...path, 'labels', name], problem);
    }
    node.routes.forEach((child, index) => look(child, [...path, 'routes', index], node.labels));
  };
  if (route) look(route, ['route'], emptyLabels());
}

type ProblemOf = (text: string, form: 'text' | 'html') => string | null;

/** Most fields of most integrations are the same defaults. */
function memoized(problemOf: ProblemOf): ProblemOf {
  const known = { text: new Map<string, string | null>(), html: new Map<string, string | null>() };
  return (text, form) => {
    const before = known[form].get(text);
    if (before !== undefined) return before;
    const problem = problemOf(text, form);
    known[form].set(text, problem);
    return problem;
  };
}
