import { createSystemClock, SharedStretch } from '#telemetry';
import type { TemplateForm } from '#gotemplate';
import { createMessageTemplates } from '../../src/notification/templates/create-message-templates.ts';
import { messageWith } from '../../src/notification/templates/message.test-support.ts';
import { pacedTemplates } from '../../src/notification/templates/message-templates.ts';
import { percentile, round } from '../tsdb/numbers.ts';
import { measureTurns } from './longest-turn.ts';

const writing = new SharedStretch(createSystemClock());
const templates = pacedTemplates(createMessageTemplates({ files: [] }), writing);

const CHARACTERS = 1024 * 1024;

/** The texts that take longest: of letters of other alphabets, of marks that are escaped, of characters that are two units. */
const TEXTS: Readonly<Record<string, string>> = {
  letters: repeated('Straße nach καλημέρα, '),
  marks: repeated('<&>"\n'),
  emoji: repeated('😀a'),
};

const TEMPLATES: readonly (readonly [template: string, form: TemplateForm])[] = [
  ...['toUpper', 'toLower', 'title', 'trimSpace', 'html', 'js', 'urlquery', 'toJson', 'base64encode'].map(
    (name) => [`{{ .Note | ${name} }}`, 'text'] as const,
  ),
  ...['%s', '%q', '%+q', '%x', '%.500000s', '%1000000s'].map(
    (verb) => [`{{ printf "${verb}" .Note }}`, 'text'] as const,
  ),
  ['{{ .Note | reReplaceAll "[a-z]" "x" }}', 'text'],
  ['{{ slice .Note 0 50000 | reReplaceAll "[a-z]+|<" "x" }}', 'text'],
  ['{{ slice .Note 0 4000 | reReplaceAll "a(.*b)?" "x" }}', 'text'],
  ['{{ slice .Note 0 60000 | match "(?i)foo.*bar.*z" }}', 'text'],
  ['<p>{{ .Note }}', 'html'],
  ['<p title={{ .Note }}>', 'html'],
  ['<a href="/?q={{ .Note }}">', 'html'],
  ['<script>f("{{ .Note }}", {{ .Note }})</script>', 'html'],
];

function repeated(text: string): string {
  return text.repeat(CHARACTERS / text.length);
}

/** What a template of a megabyte took of the main thread, of several the worst. */
export async function* measureLongTexts(repetitions: number): AsyncGenerator<{
  readonly row: string;
  readonly text: string;
  readonly turns: number;
  readonly longest_cpu_ms_p50: number;
  readonly longest_cpu_ms_max: number;
}> {
  for (const [template, form] of TEMPLATES) {
    for (const [text, note] of Object.entries(TEXTS)) {
      const longest: number[] = [];
      let turns = 0;
      for (let repetition = 0; repetition < repetitions; repetition++) {
        // What is made of it may be too long: it fails on the way there.
        const readings = await measureTurns(() =>
          templates[form](template, messageWith({ note })).catch(() => ''),
        );
        longest.push(readings.longestCpuMs);
        turns = readings.turns;
      }
      yield {
        row: template,
        text,
        turns,
        longest_cpu_ms_p50: round(percentile(longest, 0.5)),
        longest_cpu_ms_max: round(Math.max(...longest)),
      };
    }
  }
}
