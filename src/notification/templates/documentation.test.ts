import { unpaced } from '#telemetry';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MESSAGE_FUNCTION_NAMES } from '#gotemplate';
import { MESSAGE_LIMITS } from './create-message-templates.ts';
import { REASON_TEXTS } from '../message.ts';
import { messageData } from './message-data.ts';
import { alertWith, messageWith, STARTS_AT_MS, templatesOf } from './message.test-support.ts';

const page = readFileSync(new URL('../../../docs/alerting/templates.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
  language,
  text,
}));

/** The message that the page is about. */
const message = messageWith({
  alerts: [
    alertWith(),
    alertWith({ labels: { alertname: 'ApiErrors', job: 'api' }, endsAtMs: STARTS_AT_MS + 61_000 }),
  ],
});

describe('docs/alerting/templates.md', () => {
  const examples = blocks.flatMap(({ language, text }, place) => {
    const next = blocks[place + 1];
    return next?.language === 'text' ? [{ language, text, expected: next.text }] : [];
  });

  it('has examples of texts and of HTML', () => {
    expect(examples.map(({ language }) => language)).toEqual([
      'gotemplate',
      'gotemplate',
      'html',
      'gotemplate',
    ]);
  });

  it.each(examples)('says what becomes of $text', ({ language, text, expected }) => {
    const rendered = templatesOf()[language === 'html' ? 'html' : 'text'](text, message);
    expect(rendered.trimEnd()).toBe(expected.trimEnd());
  });

  it('has a file that a configuration can name', () => {
    const [, file = ''] = /`templates\/team.tmpl`:\n\n```gotemplate\n(.*?)```/s.exec(page) ?? [];
    const own = templatesOf({ 'templates/team.tmpl': file });
    expect(own.text('{{ template "team.title" . }}', message)).toBe('FIRING: ApiErrors in api');
  });

  it('shows a mistake as it is told', () => {
    const told = blocks.find(({ text }) => text.startsWith('template: '))?.text.trim() ?? '';
    const name = '/etc/omoi/templates/team.tmpl';
    expect(() =>
      templatesOf({ [name]: '{{ define "a" }}\n{{ .Status | toUpper | upper }}{{ end }}' }),
    ).toThrow(told);
  });

  it.each([...MESSAGE_FUNCTION_NAMES])('names the function %s', (name) => {
    expect(page).toMatch(new RegExp(`\`${name}[ \`]`));
  });

  it('names each field of a message and of an alert', () => {
    const data = unpaced(messageData(message));
    const fields = [...data.fields].map(([name]) => name);
    const ofAlert = ['Status', 'Labels', 'Annotations', 'StartsAt', 'EndsAt', 'GeneratorURL', 'Fingerprint'];
    for (const name of [...fields, ...ofAlert, 'Remediation', 'AcknowledgedBy'])
      expect(page).toContain(`\`.${name}\``);
    for (const text of Object.values(REASON_TEXTS)) expect(page).toContain(`\`${text}\``);
  });

  it('gives the limits', () => {
    expect(page).toContain(`${MESSAGE_LIMITS.maxCharacters.toLocaleString('en')} characters`);
    expect(page).toContain(`${MESSAGE_LIMITS.maxSteps.toLocaleString('en')} steps`);
  });
});
