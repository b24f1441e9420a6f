import type { Command } from 'commander';
import type { EnqueueFlags, TaskListFlags } from '../nouns/tasks.ts';
import type { FollowFlags, ServerFlags } from '../server-client.ts';
import { asking, following } from './asking.ts';
import { count, wholeNumber } from './numbers.ts';

/** `omoi tasks …` */
export function defineTasks(program: Command): void {
  const tasks = program.command('tasks').description('work that waits, is done, or needs somebody');
  following(tasks.command('list'))
    .description(
      'the tasks that have not ended, or those of one state: of what has ended, the newest end first',
    )
    .option('--state <state>', 'queued, claimed, parked, completed, failed or cancelled')
    .option('--phase <phase>', 'of one phase')
    .option('--agent <agent>', 'that an agent has or had last')
    .option('--limit <number>', 'so many of a state at most', wholeNumber, 100)
    .action(async (flags: TaskListFlags) => {
      const { listTasks } = await import('../nouns/tasks.ts');
      await listTasks(flags);
    });
  following(tasks.command('show'))
    .description('one task: where it is, what it has been through')
    .argument('<task>', 'the task id')
    .action(async (taskId: string, flags: FollowFlags) => {
      const { showTask } = await import('../nouns/tasks.ts');
      await showTask(taskId, flags);
    });
  following(tasks.command('parked'))
    .description('list the tasks that ended their holders too often, with what was seen last')
    .action(async (flags: FollowFlags) => {
      const { listParkedTasks } = await import('../tasks.ts');
      await listParkedTasks(flags);
    });
  defineEnqueue(tasks);
  const orders = [
    ['retry', 'queue a parked or failed task again, with all its attempts'],
    ['cancel', 'end a task that is not finished'],
  ] as const;
  for (const [order, description] of orders) {
    asking(tasks.command(order))
      .description(description)
      .argument('<task...>', 'task ids, as `omoi tasks list` shows them')
      .action(async (ids: string[], flags: ServerFlags) => {
        const { orderTasks } = await import('../nouns/tasks.ts');
        process.exitCode = await orderTasks(order, ids, flags);
      });
  }
}

function defineEnqueue(tasks: Command): void {
  asking(tasks.command('enqueue'))
    .description('put a task into the queue; prints its id')
    .argument('<type>', 'the task type: who claims it must know it')
    .requiredOption('--phase <phase>', 'the phase it belongs to')
    .option('--pool <pool>', 'only agents of this pool may claim it')
    .option('--priority <number>', 'higher comes first, up to 100', count)
    .option('--payload <json>', 'what the agent gets: JSON, @FILE, or - for the standard input')
    .option('--key <key>', 'a second task with the same key is not made')
    .option('--max-attempts <number>', 'how often it is tried', wholeNumber)
    .option('--time-limit <duration>', 'a claim that runs longer is lost: 10m')
    .action(async (type: string, flags: EnqueueFlags) => {
      const { enqueueTask } = await import('../nouns/tasks.ts');
      await enqueueTask(type, flags);
    });
}
