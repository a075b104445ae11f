// `console`: everything is a line for the one who called the engine.
const { formatWithOptions, inspect } = require('util');

const [counts, started] = [new Map(), new Map()];
let indent = '';

const write = (level, args) => {
  const text = formatWithOptions({}, ...args);
  native.log(level, indent === '' ? text : text.replace(/^/gm, indent));
};

const since = (label) => `${label}: ${Date.now() - started.get(label)}ms`;

const console = {
  log: (...args) => write('log', args),
  info: (...args) => write('log', args),
  debug: (...args) => write('debug', args),
  warn: (...args) => write('warn', args),
  error: (...args) => write('error', args),
  trace: (...args) => write('error', ['Trace:', ...args]),
  dir: (value, options) => write('log', [inspect(value, options)]),
  table: (value) => write('log', [value]),
  assert: (good, ...args) => {
    if (!good) write('error', ['Assertion failed:', ...args]);
  },
  group: (...args) => {
    if (args.length > 0) write('log', args);
    indent += '  ';
  },
  groupEnd: () => {
    indent = indent.slice(2);
  },
  count: (label = 'default') => {
    counts.set(label, (counts.get(label) || 0) + 1);
    write('log', [`${label}: ${counts.get(label)}`]);
  },
  countReset: (label = 'default') => counts.delete(label),
  time: (label = 'default') => started.set(label, Date.now()),
  timeLog: (label = 'default', ...args) => started.has(label) && write('log', [since(label), ...args]),
  timeEnd: (label = 'default') => {
    if (started.has(label)) write('log', [since(label)]);
    started.delete(label);
  },
};
console.groupCollapsed = console.group;
module.exports = console;
