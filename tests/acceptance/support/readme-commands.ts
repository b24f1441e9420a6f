import { codeIn, readPage } from '../../../src/documentation.test-support.ts';

/** A command that README shows, as a test types it. */
export interface ReadmeCommand {
  /** As README has it. */
  readonly shown: string;
  /** Words in capitals are what the test has to find out: `ALERT`. */
  readonly args: readonly string[];
  /** What it prints. */
  readonly tells: RegExp;
  readonly status: number;
  /** Whether it follows what happens until somebody ends it. */
  readonly goesOn: boolean;
}

type Typed = Partial<Omit<ReadmeCommand, 'shown'>> & Pick<ReadmeCommand, 'tells'>;

/** What is put in the place of what README leaves open, and what has to be printed then. */
const TYPED: Readonly<Record<string, Typed>> = {
  'omoi status': { tells: /^agents +.*RUNNING/m },
  'omoi ps': { tells: /^demo-1 +(?:IDLE|RUNNING)/m },
  'omoi doctor': { tells: /^\S+ +server +ready at http/m },
  'omoi why AGENT': { args: ['why', 'demo-2'], tells: /^demo-2 is / },
  'omoi logs AGENT -f': { args: ['logs', 'coder-7', '-f'], tells: /output of the command/, goesOn: true },
  'omoi restart AGENT': { args: ['restart', 'demo-2'], tells: /demo-2/ },
  'omoi ack ALERT': { tells: /is acknowledged by/ },
  // Approving one that waits is tested where a policy asks.
  'omoi approve REMEDIATION': { args: ['approve', 'rem_none'], tells: /\(unknown_remediation\)/, status: 1 },
  'omoi pause': { args: ['pause', '--reason', 'tried out'], tells: /paused/ },
  'omoi events -f': { tells: /fleet\.task\./, goesOn: true },
  'omoi query EXPR [--range 1h]': {
    args: ['query', 'sum(tasks_completed_total)', '--range', '1h'],
    tells: /\S/,
  },
  // None is there: it says so.
  'omoi rules check FILE…': {
    args: ['rules', 'check', 'none.yml'],
    tells: /^none\.yml: refused$/m,
    status: 1,
  },
  'omoi rules list': { tells: /^inactive +fleet\/HighQueueDepth/m },
  'omoi reload': { tells: /^in force: \d+ rules/m },
  'omoi check [--config omoi.yaml]': { args: ['check'], tells: /demo|configuration|warning/ },
  'omoi policies check': { tells: /./ },
  // Neither is here: it says so, and writes nothing.
  'omoi import prometheus.yml alertmanager.yml': {
    tells: /^prometheus\.yml: .*\n +REFUSED +there is no such file/m,
    status: 1,
  },
  // It asks for a token, which nobody gives it here.
  'omoi login http://HOST:4600': { args: ['login', 'URL'], tells: /no token was given/, status: 2 },
};

/** What others of the tests type: here the server runs with the demo, and each of these takes minutes or is the test itself. */
const ELSEWHERE: readonly RegExp[] = [
  /^(?:npx )?omoi serve\b/,
  /^omoi run\b/,
  /^(?:bin\/)?omoi gameday (?:run|list)\b/,
];

/** Each command of README, in its order. @throws Error for one of which nobody has said how it is typed */
export function readmeCommands(): readonly ReadmeCommand[] {
  const lines = readPage('README.md').match(/^bin\/omoi .*$/gm) ?? [];
  const inText = codeIn('README.md').filter((code) => /^(?:npx )?omoi [a-z]/.test(code));
  const shown = [...new Set([...lines.map((line) => line.replace(/\s+#.*/, '')), ...inText])];
  const here = shown.filter((line) => !ELSEWHERE.some((elsewhere) => elsewhere.test(line)));
  const unknown = here.filter((line) => !Object.hasOwn(TYPED, line));
  const gone = Object.keys(TYPED).filter((line) => !here.includes(line));
  if (unknown.length > 0 || gone.length > 0) {
    throw new Error(
      `say in TYPED how README's commands are typed: new ${unknown.join(', ')}; gone ${gone.join(', ')}`,
    );
  }
  return here.map((line) => {
    const { tells = /./, args = line.split(' ').slice(1), status = 0, goesOn = false } = TYPED[line] ?? {};
    return { shown: line, tells, args, status, goesOn };
  });
}
