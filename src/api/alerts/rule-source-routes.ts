import type { RulePreview } from '#alerting';
import { OmoiError, toRfc3339, toRfc3339OrNull, type Clock, type DocumentProblem } from '#telemetry';
import type { z } from 'zod';
import { ADMINS, READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { reloadedSchema, viewOfReloaded, type Reloaded } from '../reload/reload-routes.ts';
import { ruleParams } from './rule-schemas.ts';
import {
  ruleCheckAnswer,
  ruleCheckBody,
  rulePreviewAnswer,
  rulePreviewBody,
  ruleSaveBody,
  ruleSourceAnswer,
} from './rule-source-schemas.ts';

export interface RuleSource {
  readonly source: string;
  readonly file: string;
  readonly line: number;
  readonly fileHash: string;
  /** Null where it can be saved. */
  readonly whyNotWritable: string | null;
}

export interface CheckedSource {
  readonly problems: readonly DocumentProblem[];
}

/** Rules as they are written. */
export interface RuleSources {
  /** @throws OmoiError `unknown_rule` */
  read(ruleKey: string): Promise<RuleSource>;
  /** @throws OmoiError `unknown_rule` */
  check(source: string, ruleKey: string | null): CheckedSource;
  /** @throws OmoiError `unknown_rule`, `rule_file_invalid`, `server_busy` */
  preview(
    source: string,
    asked: { readonly ruleKey: string | null; readonly fromMs: number; readonly toMs: number },
  ): Promise<{ readonly after: RulePreview; readonly before: RulePreview | null }>;
  /** @throws OmoiError `unknown_rule`, `rule_not_writable`, `rule_file_changed`, `rule_file_invalid`, and those of a reload */
  save(ruleKey: string, change: { readonly source: string; readonly fileHash: string }): Promise<Reloaded>;
}

export interface RuleSourceRouteParts {
  readonly sources: RuleSources;
  readonly clock: Pick<Clock, 'wallMs'>;
}

const HOUR_MS = 3_600_000;
const USUAL_SPAN_MS = 6 * HOUR_MS;
const MAX_SPAN_MS = 31 * 24 * HOUR_MS;

/** Rules as they are written: read, checked, tried over stored samples, saved. */
export function registerRuleSourceRoutes(app: ApiApp, parts: RuleSourceRouteParts): void {
  registerReading(app, parts);
  registerPreview(app, parts);
  app.route({
    method: 'PUT',
    url: '/api/v1/alerts/rules/:rule_key/source',
    // A rule may set off a policy that starts a command.
    config: { access: ADMINS },
    schema: {
      tags: ['alerts'],
      summary:
        'Save a rule in its place in its file, which stays as it is otherwise, and take the files over',
      params: ruleParams,
      body: ruleSaveBody,
      response: { 200: reloadedSchema },
    },
    handler: async ({ params: { rule_key: key }, body }) =>
      viewOfReloaded(await parts.sources.save(key, { source: body.source, fileHash: body.file_hash })),
  });
}

function registerReading(app: ApiApp, { sources }: RuleSourceRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/rules/:rule_key/source',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'A rule as it is written in its file, and whether it can be saved there',
      params: ruleParams,
      response: { 200: ruleSourceAnswer },
    },
    handler: async ({ params: { rule_key: key } }) => {
      const { source, file, line, fileHash, whyNotWritable } = await sources.read(key);
      return { source, file, line, file_hash: fileHash, why_not_writable: whyNotWritable };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/alerts/rules/check',
    config: { access: READERS, readsOnly: true },
    schema: {
      tags: ['alerts'],
      summary: 'What is wrong with a rule as it is written; nothing changes',
      body: ruleCheckBody,
      response: { 200: ruleCheckAnswer },
    },
    handler: ({ body }) => {
      const { problems } = sources.check(body.source, body.rule_key ?? null);
      return Promise.resolve({
        problems: problems.map(({ line, column, message }) => ({ line, column, message })),
      });
    },
  });
}

function registerPreview(app: ApiApp, { sources, clock }: RuleSourceRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/alerts/rules/preview',
    config: { access: READERS, readsOnly: true },
    schema: {
      tags: ['alerts'],
      summary: 'What an alerting rule would have done over the samples that are stored; nothing changes',
      body: rulePreviewBody,
      response: { 200: rulePreviewAnswer },
    },
    handler: async ({ body }) => {
      const toMs = Math.min(body.to ?? clock.wallMs(), clock.wallMs());
      const fromMs = body.from ?? toMs - USUAL_SPAN_MS;
      if (fromMs >= toMs || toMs - fromMs > MAX_SPAN_MS)
        throw new OmoiError('invalid_request', 'from: has to be before `to`, by 31 days at most');
      const { after, before } = await sources.preview(body.source, {
        ruleKey: body.rule_key ?? null,
        fromMs,
        toMs,
      });
      return {
        from: toRfc3339(fromMs),
        to: toRfc3339(toMs),
        after: viewOfPreview(after),
        before: before && viewOfPreview(before),
      };
    },
  });
}

function viewOfPreview(preview: RulePreview): z.input<typeof rulePreviewAnswer>['after'] {
  return {
    step_ms: preview.stepMs,
    evaluations: preview.evaluations,
    episodes: preview.episodes.map((episode) => ({
      labels: episode.labels,
      annotations: episode.annotations,
      pending_at: toRfc3339(episode.pendingMs),
      fired_at: toRfc3339OrNull(episode.firedMs),
      ended_at: toRfc3339OrNull(episode.endedMs),
      value: Number.isFinite(episode.value) ? episode.value : 0,
    })),
    is_cut: preview.isCut,
    failure: preview.failure && { at: toRfc3339(preview.failure.atMs), message: preview.failure.message },
  };
}
