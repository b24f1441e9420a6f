import { copyLabels, type Labels } from '#telemetry';
import { RefusedElement } from '../http/refused-element.ts';
import type { PostedAlert } from './alertmanager-view.ts';
import { AlertmanagerRefusal, REFUSAL_CODES } from './alertmanager-refusal.ts';
import { labelsOf, objectOf, required, textOf, timeOf } from './go-values.ts';

export interface PostedBody {
  readonly nowMs: number;
  readonly resolveTimeoutMs: number;
  readonly isLabelName: (name: string) => boolean;
}

export interface ReadAlerts {
  readonly valid: readonly PostedAlert[];
  /** What is wrong with the others, each once for each that has it. */
  readonly problems: readonly string[];
}

const BODY = 'alerts';

/**
 * The alerts of a body, as Alertmanager reads them: empty labels count for nothing, times that are missing are filled in, and those
 * that are right are taken whatever is wrong with others. Offers a pause after each.
 * @throws AlertmanagerRefusal where the body is not made of alerts: then none is taken
 */
export function* readPostedAlerts(body: unknown, options: PostedBody): Generator<void, ReadAlerts> {
  if (!Array.isArray(body)) throw AlertmanagerRefusal.unreadable(BODY, 'it has to be a list');
  const valid: PostedAlert[] = [];
  const problems: string[] = [];
  const posted: PostedAlert[] = [];
  for (const [at, alert] of (body as unknown[]).entries()) {
    if (alert instanceof RefusedElement) problems.push(`${at} in body: ${alert.reason}`);
    else posted.push(readAlert(alert, at, options));
    yield;
  }
  for (const alert of posted) {
    const problem = problemOf(alert, options.isLabelName);
    if (problem === null) valid.push(alert);
    else problems.push(problem);
  }
  return { valid, problems };
}

function readAlert(value: unknown, at: number, { nowMs, resolveTimeoutMs }: PostedBody): PostedAlert {
  const field = (name: string) => ({ body: BODY, path: name === '' ? String(at) : `${at}.${name}` });
  const fields = objectOf(value, field(''));
  const labels = required(labelsOf(fields['labels'], field('labels')), field('labels'));
  const generatorUrl = textOf(fields['generatorURL'], field('generatorURL')) ?? '';
  if (generatorUrl !== '' && !isUri(generatorUrl)) {
    const message = `${at}.generatorURL in body must be of type uri: ${JSON.stringify(generatorUrl)}`;
    throw AlertmanagerRefusal.invalid(REFUSAL_CODES.invalidType, message);
  }
  const startsAtMs = timeOf(fields['startsAt'], field('startsAt'));
  const endsAtMs = timeOf(fields['endsAt'], field('endsAt'));
  return {
    labels: withoutEmpty(labels),
    annotations: labelsOf(fields['annotations'], field('annotations')) ?? {},
    startsAtMs: startsAtMs ?? endsAtMs ?? nowMs,
    endsAtMs: endsAtMs ?? nowMs + resolveTimeoutMs,
    timesOut: endsAtMs === null,
    generatorUrl,
  };
}

function problemOf(
  { labels, annotations, startsAtMs, endsAtMs }: PostedAlert,
  isLabelName: (name: string) => boolean,
): string | null {
  if (endsAtMs < startsAtMs) return 'start time must be before end time';
  const names = Object.keys(labels);
  if (names.length === 0) return 'at least one label pair required';
  const wrong = names.find((name) => !isLabelName(name));
  if (wrong !== undefined) return `invalid label set: invalid name ${JSON.stringify(wrong)}`;
  const wrongNote = Object.keys(annotations).find((name) => !isLabelName(name));
  return wrongNote === undefined ? null : `invalid annotations: invalid name ${JSON.stringify(wrongNote)}`;
}

function withoutEmpty(labels: Labels): Labels {
  const kept = copyLabels(labels);
  for (const [name, value] of Object.entries(labels)) if (value === '') delete kept[name];
  return kept;
}

/** An absolute address, or a path on whatever host. */
function isUri(text: string): boolean {
  return text.startsWith('/') || URL.canParse(text);
}
