import { judgeAnswer, wholeAnswer, type AnswerRules } from '../answers.ts';
import { completedHttpSettings } from '../http-calls.ts';
import type { HttpAnswer, HttpRequest } from '../http/http-client.ts';
import type { Delivery } from '../integration.ts';
import { isRecord, jsonOf, textIn } from '../json-answers.ts';
import type { IntegrationTools } from '../receiver-kind.ts';
import { goValue } from '../go-json.ts';
import type { JiraSettings } from './jira-settings.ts';

type Failed = Extract<Delivery, { outcome: 'failed' }>;

export interface FoundIssue {
  readonly key: string;
  readonly isDone: boolean;
}

interface JiraAnswer {
  readonly answer: HttpAnswer;
  readonly said: Readonly<Record<string, unknown>> | null;
  readonly rules: AnswerRules;
}

const RULES: AnswerRules = { details: detailsOf };

/** Jira's REST API, for one try. */
export class JiraApi {
  readonly #settings: JiraSettings;
  readonly #tools: IntegrationTools;
  readonly #signal: AbortSignal;

  constructor(settings: JiraSettings, tools: IntegrationTools, signal: AbortSignal) {
    this.#settings = settings;
    this.#tools = tools;
    this.#signal = signal;
  }

  /** @throws NoAnswer */
  call(method: HttpRequest['method'], path: string, body?: unknown): Promise<JiraAnswer> {
    return this.#ask(method, below(this.#settings.api_url ?? '', path), body);
  }

  /** The first issue that a query finds. @throws NoAnswer */
  async search(jql: string): Promise<{ readonly issue: FoundIssue | null } | Failed> {
    const { answer, said } = await this.#ask('POST', this.#searchUrl(), {
      jql,
      maxResults: 2,
      fields: ['status'],
    });
    const delivery = judgeAnswer(answer, this.#tools.clock, RULES);
    if (delivery.outcome === 'failed') return delivery;
    const issues = said?.['issues'];
    return { issue: Array.isArray(issues) ? issueOf(issues[0]) : null };
  }

  /** An issue whose key is known, while it is open; null where it is not, or is gone. @throws NoAnswer */
  async openIssue(key: string | null): Promise<FoundIssue | null> {
    if (key === null) return null;
    const { answer, said } = await this.call('GET', `issue/${encodeURIComponent(key)}?fields=status`);
    const issue = answer.status === 200 ? issueOf(said) : null;
    return issue === null || issue.isDone ? null : issue;
  }

  /** @throws NoAnswer */
  async transitionNamed(key: string, name: string): Promise<{ readonly id: string | null } | Failed> {
    const { answer, said } = await this.call('GET', `issue/${key}/transitions`);
    const delivery = judgeAnswer(answer, this.#tools.clock, RULES);
    if (delivery.outcome === 'failed') return delivery;
    const transitions: readonly unknown[] = Array.isArray(said?.['transitions']) ? said['transitions'] : [];
    const found = transitions.find((each) => textIn(each, 'name') === name);
    return { id: found === undefined ? null : textIn(found, 'id') };
  }

  /** Jira Cloud has given up `/search`; Jira Data Center does not have `/search/jql`. */
  #searchUrl(): string {
    const { api_url: apiUrl, api_type: type } = this.#settings;
    const isCloud =
      type === 'cloud' || (type === 'auto' && new URL(apiUrl ?? '').host.endsWith('atlassian.net'));
    if (!isCloud) return below(apiUrl ?? '', 'search');
    return below(apiUrl ?? '', 'search/jql').replace('/rest/api/2/', '/rest/api/3/');
  }

  async #ask(method: HttpRequest['method'], url: string, body: unknown): Promise<JiraAnswer> {
    const answer = await this.#tools.http.request({
      method,
      url,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        'accept-language': 'en',
      },
      body: body === undefined ? null : goValue(body),
      signal: this.#signal,
      settings: completedHttpSettings(this.#settings),
    });
    return { answer, said: jsonOf(wholeAnswer(answer)), rules: RULES };
  }
}

function issueOf(value: unknown): FoundIssue | null {
  const key = textIn(value, 'key');
  const fields = isRecord(value) ? value['fields'] : null;
  const status = isRecord(fields) ? fields['status'] : null;
  const category = isRecord(status) ? status['statusCategory'] : null;
  if (!/^[A-Za-z0-9_-]+$/.test(key)) return null;
  return { key, isDone: textIn(category, 'key') === 'done' };
}

/** `{"errorMessages": ["…"], "errors": {"priority": "…"}}` */
function detailsOf(answer: HttpAnswer): string {
  const said = jsonOf(answer);
  const messages = Array.isArray(said?.['errorMessages']) ? said['errorMessages'] : [];
  const errors = isRecord(said?.['errors']) ? Object.entries(said['errors']) : [];
  return [...messages, ...errors.map(([field, message]) => `${field}: ${String(message)}`)].join('; ');
}

/** An address below that of the API. */
function below(apiUrl: string, path: string): string {
  const url = new URL(apiUrl);
  const [more = '', query = ''] = path.split('?');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${more}`;
  for (const [name, value] of new URLSearchParams(query)) url.searchParams.set(name, value);
  return url.href;
}
