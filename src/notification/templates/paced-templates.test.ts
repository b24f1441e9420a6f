import { describe, expect, it } from 'vitest';
import { SharedStretch } from '#telemetry';
import type { Message } from '../message.ts';
import { createMessageTemplates } from './create-message-templates.ts';
import { pacedTemplates, TemplateFailure } from './message-templates.ts';
import { largeMessageOf, messageWith, templatesOf } from './message.test-support.ts';

const HTML = '{{ template "email.default.html" . }}';
/** As many as the limit of one text lets be told of with such annotations. */
const message = largeMessageOf(120);

/** Templates, each piece of which is a stretch of its own. */
function piecewise() {
  let readings = 0;
  const writing = new SharedStretch({ monotonicMs: () => readings++ }, { maxMs: 1 });
  return pacedTemplates(createMessageTemplates({ files: [] }), writing);
}

/** What a promise becomes, and how many turns the event loop had until then. */
async function withTurns<Value>(promise: Promise<Value>): Promise<{ value: Value; turns: number }> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    if (isOver) return;
    turns++;
    setImmediate(count);
  };
  setImmediate(count);
  const value = await promise.finally(() => {
    isOver = true;
  });
  return { value, turns };
}

describe('a template that takes long', () => {
  it('gives the event loop its turns, and comes out as in one go', async () => {
    const { value, turns } = await withTurns(piecewise().html(HTML, message));
    expect(turns).toBeGreaterThan(100);
    expect(value).toBe(templatesOf().html(HTML, message));
  });

  it('has its pauses in loops, in blocks of loops and in templates that are called', async () => {
    const text =
      '{{ define "each" }}{{ range .Labels.SortedPairs }}{{ if .Value }}{{ .Name }}{{ end }}{{ end }}{{ end }}' +
      '{{ range $place, $alert := .Alerts }}{{ if eq $place 3 }}{{ continue }}{{ end }}' +
      '{{ if eq $place 100 }}{{ break }}{{ end }}{{ with $alert }}{{ template "each" . }}{{ end }}{{ else }}none{{ end }}';
    const { value, turns } = await withTurns(piecewise().text(text, message));
    expect(turns).toBeGreaterThan(10);
    expect(value).toBe(templatesOf().text(text, message));
    expect(value.match(/alertname/g)).toHaveLength(99);
  });

  it.each<[string, Message]>([
    ['{{ range .Alerts }}{{ .Fingerprint }}{{ end }}{{ .Nowhere }}', message],
    [
      '{{ range .Alerts }}{{ range .Labels }}{{ $.CommonLabels.Nowhere.Deeper }}{{ template "x" }}{{ end }}{{ end }}',
      message,
    ],
    ['{{ range 1000000 }}{{ end }}', messageWith()],
    ['{{ range .Alerts }}{{ .Annotations }}{{ end }}', largeMessageOf(300)],
  ])('fails as in one go: %s', async (text, about) => {
    const failure: unknown = await piecewise()
      .text(text, about)
      .catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(TemplateFailure);
    expect(() => templatesOf().text(text, about)).toThrow(failure);
  });

  it('keeps no short one waiting until it is done', async () => {
    const templates = piecewise();
    const order: string[] = [];
    await Promise.all([
      templates.html(HTML, message).then(() => order.push('long')),
      templates.text('{{ .Status }}', messageWith()).then(() => order.push('short')),
    ]);
    expect(order).toEqual(['short', 'long']);
  });
});
