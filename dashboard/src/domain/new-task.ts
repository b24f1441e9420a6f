/** What is typed into the form for a new task. */
export interface TypedTask {
  readonly type: string;
  readonly phase: string;
  readonly priority: string;
  readonly pool: string;
  readonly payload: string;
}

/** Below each field what is wrong with it. */
export type TypedFaults = Partial<Readonly<Record<keyof TypedTask, string>>>;

/** The task that was typed, as the server takes it, or what is wrong with it. */
export function readTypedTask(
  typed: TypedTask,
): { readonly task: object } | { readonly faults: TypedFaults } {
  const faults: { -readonly [Field in keyof TypedTask]?: string } = {};
  if (typed.type.trim() === '') faults.type = 'What kind of task? Agents ask for tasks by their type.';
  if (typed.phase.trim() === '') faults.phase = 'In which phase?';
  const priority = Number(typed.priority);
  if (!Number.isInteger(priority) || priority < 0 || priority > 100)
    faults.priority = 'A whole number from 0 to 100.';
  let payload: unknown = null;
  try {
    payload = typed.payload.trim() === '' ? null : JSON.parse(typed.payload);
  } catch (thrown) {
    faults.payload = `No JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
  if (Object.keys(faults).length > 0) return { faults };
  const pool = typed.pool.trim();
  const task = { task_type: typed.type.trim(), phase_id: typed.phase.trim(), priority, payload };
  return { task: pool === '' ? task : { ...task, pool_id: pool } };
}
