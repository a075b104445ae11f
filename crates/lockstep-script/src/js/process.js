// What there is of Node's `process`: where one is, and the environment.
const unsupported = (name) => () => {
  throw new Error(`process.${name} is not available: a configuration cannot end or change the program`);
};
const [seconds, started] = [() => Date.now() / 1000, Date.now()];
const hrtime = (before) => {
  const now = seconds();
  const whole = [Math.floor(now), Math.floor((now % 1) * 1e9)];
  return before ? [whole[0] - before[0], whole[1] - before[1]] : whole;
};
hrtime.bigint = () => BigInt(Date.now()) * 1000000n;

const stream = (level) => ({
  write: (text) => {
    native.log(level, String(text).replace(/\n$/, ''));
    return true;
  },
  isTTY: false,
  columns: 80,
  fd: level === 'error' ? 2 : 1,
});

const process = {
  env: native.environment(),
  argv: ['lockstep'],
  argv0: 'lockstep',
  execArgv: [],
  platform: native.platform,
  arch: native.arch,
  pid: 1,
  version: 'v22.12.0',
  versions: { node: '22.12.0', lockstep: native.version },
  release: { name: 'node' },
  exitCode: undefined,
  cwd: () => native.directory,
  uptime: () => (Date.now() - started) / 1000,
  hrtime,
  nextTick: (callback, ...args) => queueMicrotask(() => callback(...args)),
  emitWarning: (warning) => native.log('warn', String((warning && warning.message) || warning)),
  memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
  exit: unsupported('exit'),
  abort: unsupported('abort'),
  kill: unsupported('kill'),
  chdir: unsupported('chdir'),
  stdout: stream('log'),
  stderr: stream('error'),
};
for (const name of ['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners']) {
  process[name] = () => process;
}
process.emit = () => false;
process.listenerCount = () => 0;
module.exports = process;
