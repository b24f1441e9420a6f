import type { TsdbOptions } from '#tsdb';
import type { Disk } from './faulty-database.ts';
import { never, type Gate } from './gate.ts';

type LogStorage = NonNullable<TsdbOptions['logStorage']>;
type LogFile = Awaited<ReturnType<LogStorage['create']>>;
export type LogFiles = Map<string, Uint8Array>;

const NOTHING = new Uint8Array(0);

/** The disk of the samples' log as one server process sees it. The files outlive the process. */
export function logDisk(files: LogFiles, disk: Disk, gate: Gate): LogStorage {
  const contentOf = (name: string): Uint8Array => files.get(name) ?? NOTHING;
  const through = async <Result>(access: 'read' | 'write', work: () => Result): Promise<Result> => {
    if (!gate.isOpen) return never();
    if (disk.state === 'failing' || (disk.state === 'full' && access === 'write')) {
      throw Object.assign(new Error('simulated disk error'), {
        code: disk.state === 'full' ? 'ENOSPC' : 'EIO',
      });
    }
    return work();
  };
  const fileOf = (name: string): LogFile => ({
    write: (bytes, offset) =>
      through('write', () => {
        const before = contentOf(name);
        const after = new Uint8Array(Math.max(before.length, offset + bytes.length));
        after.set(before);
        after.set(bytes, offset);
        files.set(name, after);
      }),
    sync: () => through('write', () => undefined),
    truncate: (length) => through('write', () => void files.set(name, contentOf(name).slice(0, length))),
    close: async () => {},
  });
  return {
    list: () => through('read', () => [...files.keys()]),
    size: (name) => through('read', () => contentOf(name).length),
    read: (name, offset, length) => through('read', () => contentOf(name).slice(offset, offset + length)),
    create: (name) =>
      through('write', () => {
        files.set(name, NOTHING);
        return fileOf(name);
      }),
    truncate: (name, length) =>
      through('write', () => void files.set(name, contentOf(name).slice(0, length))),
    rename: (from, to) =>
      through('write', () => {
        files.set(to, contentOf(from));
        files.delete(from);
      }),
    remove: (name) => through('write', () => void files.delete(name)),
  };
}
