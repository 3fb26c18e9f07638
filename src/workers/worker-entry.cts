// What a thread of a pool starts with; it loads the module that `workerData` names. Runs on workers.
//
// Piscina would load an ES module by `require`. A thread that is ended at such a moment, as at a stop of the service soon
// after its start, takes the process down (v8::Module::IsGraphAsync, Node 20 and later); one that imports may be ended.

const { workerData } = require('node:worker_threads') as { workerData: WorkerData };

interface WorkerData {
  /** URL of a module whose default export does a task. */
  file: string;
}

const loading = import(workerData.file) as Promise<{ default: (task: unknown) => unknown }>;
// Tasks say it: an error of the thread itself would have it replaced, and again.
loading.catch(() => {});

module.exports = async (task: unknown): Promise<unknown> => (await loading).default(task);
