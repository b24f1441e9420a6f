import { createSeededRandom } from '#telemetry';
import { describe, expect, it } from 'vitest';
import { createMessageTemplates } from '../../src/notification/templates/create-message-templates.ts';
import { TemplateFailure } from '../../src/notification/templates/message-templates.ts';
import type { Message } from '../../src/notification/message.ts';
import { propertyRuns, propertySeed } from '../property-runs.ts';
import { isAmtoolInstalled, renderByAmtool } from './message-templates/amtool.ts';
import { TemplateGenerator } from './message-templates/random-templates.ts';

/*
 * Templates of messages, random ones and what pages are made of, run here and by a real amtool (0.25, Go 1.19). What is newer
 * than that is held by the unit tests.
 */

const installed = isAmtoolInstalled();
if (!installed && process.env['CI'] === 'true') {
  throw new Error('amtool is missing: apt-get install prometheus-alertmanager');
}

const templates = createMessageTemplates({ files: [] });

function render(text: string, form: 'text' | 'html', message: Message): string | null {
  try {
    return templates[form](text, message);
  } catch (thrown) {
    if (thrown instanceof TemplateFailure) return null;
    throw thrown;
  }
}

/** Stands between templates that are run at once: starting amtool for each would take most of the time. */
const BETWEEN = '|=====|';
/** As an action, which `-}}` does not trim. */
const BETWEEN_ACTION = `{{ "${BETWEEN}" }}`;
const LIMIT_MS = 300_000;

/** Runs templates together and, where that fails, each alone. */
function expectSame(texts: readonly string[], form: 'text' | 'html', message: Message): void {
  const all = texts.join(BETWEEN_ACTION);
  const ours = render(all, form, message)?.split(BETWEEN);
  const theirs = renderByAmtool(all, { form, message })?.split(BETWEEN);
  if (ours?.length === texts.length && theirs?.length === texts.length) {
    expect(texts.map((text, place) => [text, ours[place]])).toEqual(
      texts.map((text, place) => [text, theirs[place]]),
    );
    return;
  }
  for (const text of texts) {
    expect([text, render(text, form, message)]).toEqual([text, renderByAmtool(text, { form, message })]);
  }
}

describe.skipIf(!installed)(
  `templates of messages beside amtool, OMOI_SEED=${propertySeed} (skipped without it: apt-get install prometheus-alertmanager)`,
  () => {
    const rounds = propertyRuns(20);
    const generator = new TemplateGenerator(createSeededRandom(propertySeed));

    it('come out the same as texts', { timeout: LIMIT_MS }, () => {
      for (let round = 0; round < rounds; round++) {
        const texts = Array.from({ length: 20 }, () => generator.text());
        expectSame(texts, 'text', generator.message());
      }
    });

    it('come out the same as pages', { timeout: LIMIT_MS }, () => {
      for (let round = 0; round < rounds; round++) {
        const pages = Array.from({ length: 20 }, () => generator.page());
        expectSame(pages, 'html', generator.message());
      }
    });
  },
);
