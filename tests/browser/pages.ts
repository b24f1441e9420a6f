import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { until } from '../acceptance/support/until.ts';
import { workersOf } from '../acceptance/support/workers.ts';
import { openBrowser } from './chromium.ts';
import { logInWithToken } from './log-in.ts';
import { Visits } from './visits.ts';

export const WITHIN_MS = 60_000;

/** A worker that is ready for work, has none, and says so. */
const TALKER = `
  import { createAgent } from '@omoi/agent';
  createAgent();
  console.log('\\u001b[32mready\\u001b[0m');
  let said = 0;
  setInterval(() => console.log('nothing to do', ++said), 200);
`;
const HEARTBEATS = { heartbeat_interval: '500ms', grace: '500ms' };

/** A pool of workers that talk and do nothing. */
export function talkers(id: string, desired: number) {
  const command = [process.execPath, '--conditions=omoi-source', '--input-type=module', '-e', TALKER];
  return { id, command, cwd: process.cwd(), desired, max: desired, ...HEARTBEATS };
}

type PoolDefinition = ReturnType<typeof talkers>;

export interface PagesOptions {
  readonly pools?: readonly PoolDefinition[];
  /** A policy, as YAML. */
  readonly policy?: string;
  /** A file of rules, as YAML. */
  readonly rules?: string;
  /** An Alertmanager configuration, as YAML, once what it names is there. */
  readonly routing?: () => string;
}

type Role = 'operator' | 'viewer';

/** The dashboard of one server as a person sees it; every test begins as an operator, and ends without an error of the page. */
export class Pages {
  readonly #directory = dataDirectory();
  readonly #pools: readonly PoolDefinition[];
  #server: OmoiServer | null = null;
  #admin: Client | null = null;
  #browser: Browser | null = null;
  #visits: Visits<Role> | null = null;
  #page: Page | null = null;
  #errors: string[] = [];

  /** Registers what starts and stops it with the tests around: call it within `describe`. */
  constructor(program: string, options: PagesOptions) {
    this.#pools = options.pools ?? [];
    beforeAll(() => this.#start(program, options));
    afterAll(() => this.#stop());
    beforeEach(async () => {
      this.#errors = [];
      await this.as('operator');
    });
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') await this.#visits?.end();
      expect(this.#errors).toEqual([]);
    });
  }

  get admin(): Client {
    return known(this.#admin);
  }

  get page(): Page {
    return known(this.#page);
  }

  get url(): string {
    return known(this.#server).url;
  }

  async as(role: Role): Promise<Page> {
    this.#page = await known(this.#visits).as(role);
    return this.#page;
  }

  async open(path: string): Promise<void> {
    await this.page.goto(`${this.url}${path}`);
  }

  panel(name: string): Locator {
    return this.page.getByRole('region', { name, exact: true });
  }

  /** Presses a button, reads what it would do, and confirms. */
  async order(title: string, effect: string | RegExp): Promise<void> {
    await this.page.getByRole('button', { name: title, exact: true }).click();
    const question = this.page.getByRole('dialog', { name: title });
    await question.getByText(effect).waitFor();
    await question.getByRole('button', { name: title, exact: true }).click();
    await question.waitFor({ state: 'detached' });
  }

  pidOf(agentId: string): number | undefined {
    const { path: directory } = this.#directory;
    return workersOf({ url: this.url, directory }).find((one) => one.agentId === agentId)?.pid;
  }

  agent(agentId: string): Promise<{ readonly status: string; readonly generation: number }> {
    return this.admin.read(`/api/v1/fleet/agents/${agentId}`);
  }

  async hasStatus(agentId: string, status: string): Promise<void> {
    const is = async (): Promise<boolean> => (await this.agent(agentId)).status === status;
    await until(is, `${agentId} is ${status}`, WITHIN_MS);
  }

  async #start(program: string, { policy, rules, routing }: PagesOptions): Promise<void> {
    const { path } = this.#directory;
    const policies = join(path, 'policies');
    const ruleFile = join(path, 'rules.yaml');
    const routingFile = join(path, 'alertmanager.yml');
    const configFile = join(path, 'omoi.json');
    mkdirSync(policies);
    if (policy !== undefined) writeFileSync(join(policies, 'policy.yaml'), policy);
    if (rules !== undefined) writeFileSync(ruleFile, rules);
    if (routing !== undefined) writeFileSync(routingFile, routing());
    writeFileSync(
      configFile,
      JSON.stringify({
        ...(rules === undefined ? {} : { alerting: { rule_files: [ruleFile] } }),
        ...(policy === undefined ? {} : { watchdog: { policy_files: [policies] } }),
        ...(routing === undefined ? {} : { notification: { config_file: routingFile } }),
        fleet: { pools: this.#pools },
      }),
    );
    const server = await OmoiServer.start(path, { configFile });
    const admin = new Client(() => server.url, server.adminToken);
    this.#server = server;
    this.#admin = admin;
    this.#browser = await openBrowser(program);
    let tokens = 0;
    this.#visits = new Visits<Role>(this.#browser, {
      withinMs: WITHIN_MS,
      logIn: async (opened, role) => {
        opened.on('pageerror', (error) => this.#errors.push(error.message));
        await logInWithToken(opened, { url: server.url, admin }, { name: `${role} ${++tokens}`, role });
      },
    });
  }

  async #stop(): Promise<void> {
    await this.#browser?.close();
    for (const { id } of this.#pools)
      await this.#admin?.call(`/api/v1/fleet/pools/${id}`, { method: 'DELETE' });
    await this.#server?.stop();
    this.#directory.remove();
  }
}

function known<Part>(part: Part | null): Part {
  if (part === null) throw new Error('the pages have not been opened yet');
  return part;
}
