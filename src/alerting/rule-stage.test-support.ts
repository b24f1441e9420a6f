import { afterEach } from 'vitest';
import { openStage, type Stage } from './alerting.test-support.ts';
import type { AlertingOptions } from './options.ts';

/** A rule file with one group `g` of one rule. @param group further lines of the group, indented by four */
export const rule = (body: string, group = ''): string =>
  `groups:\n  - name: g\n    interval: 1m\n${group}    rules:\n      - ${body.replaceAll('\n', '\n        ')}\n`;

export const HIGH = rule(
  'alert: High\nexpr: queue > 30\nlabels: {severity: critical}\nannotations: {summary: "{{ $labels.phase }} has {{ $value }}"}',
);

export interface TestStages {
  open(rules: string, options?: Partial<AlertingOptions>): Promise<Stage>;
  /** The stage after a restart; the one before is over. */
  restart(stage: Stage, options?: Parameters<Stage['restart']>[0]): Promise<Stage>;
}

/** Opens stages, and closes them when the test is over. */
export function stagesOfTest(): TestStages {
  const stages = new Set<Stage>();
  afterEach(async () => {
    for (const stage of stages) await stage.close();
    stages.clear();
  });
  return {
    async open(rules, options = {}) {
      const stage = await openStage(rules, options);
      stages.add(stage);
      return stage;
    },
    async restart(stage, options) {
      stages.delete(stage);
      const after = await stage.restart(options);
      stages.add(after);
      return after;
    },
  };
}
