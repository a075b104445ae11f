// Files, to be read only.
const { Buffer } = require('buffer');

const REASONS = { ENOENT: 'no such file or directory', EISDIR: 'illegal operation on a directory', ENOTDIR: 'not a directory', EACCES: 'permission denied' };

function place(path) {
  if (path instanceof URL) return require('url').fileURLToPath(path);
  if (typeof path !== 'string') throw new TypeError(`a path is a string or a URL, not ${path === null ? 'null' : typeof path}`);
  return require('path').resolve(path);
}

function failure(code, call, path) {
  const error = new Error(`${code}: ${REASONS[code] || 'cannot be read'}, ${call} '${path}'`);
  return Object.assign(error, { code, syscall: call, path });
}

const encodingOf = (options) => (typeof options === 'string' ? options : options && options.encoding);

function readFileSync(path, options) {
  const found = native.readFile(place(path));
  if (typeof found === 'string') throw failure(found, 'open', path);
  const bytes = Buffer.from(found.buffer, found.byteOffset, found.byteLength);
  const encoding = encodingOf(options);
  return encoding ? bytes.toString(encoding) : bytes;
}

class Stats {
  constructor(kind, size, modified) {
    Object.assign(this, { size, mtimeMs: modified, mtime: new Date(modified), mode: 0o444 });
    this.isFile = () => kind === 'file';
    this.isDirectory = () => kind === 'directory';
    this.isSymbolicLink = () => kind === 'link';
  }
}

function stats(path, options, follow, call) {
  const found = follow ? native.stat(place(path)) : native.lstat(place(path));
  if (typeof found !== 'string') return new Stats(...found);
  if (options && options.throwIfNoEntry === false && found === 'ENOENT') return undefined;
  throw failure(found, call, path);
}

const statSync = (path, options) => stats(path, options, true, 'stat');
const lstatSync = (path, options) => stats(path, options, false, 'lstat');

class Dirent {
  constructor(name, kind, parent) {
    Object.assign(this, { name, path: parent, parentPath: parent });
    this.isFile = () => kind === 'file';
    this.isDirectory = () => kind === 'directory';
    this.isSymbolicLink = () => kind === 'link';
  }
}

function readdirSync(path, options = {}) {
  const found = native.readDirectory(place(path));
  if (typeof found === 'string') throw failure(found, 'scandir', path);
  const entries = found.map(([name, kind]) => (options.withFileTypes ? new Dirent(name, kind, place(path)) : name));
  if (!options.recursive) return entries;
  return found.flatMap(([name, kind], index) => {
    if (kind !== 'directory') return [entries[index]];
    const below = readdirSync(`${place(path)}/${name}`, options);
    return [entries[index], ...below.map((entry) => (typeof entry === 'string' ? `${name}/${entry}` : entry))];
  });
}

const existsSync = (path) => {
  try {
    return typeof native.stat(place(path)) !== 'string';
  } catch {
    return false;
  }
};

function accessSync(path) {
  const found = native.stat(place(path));
  if (typeof found === 'string') throw failure(found, 'access', path);
}

function realpathSync(path) {
  const found = native.realPath(place(path));
  if (!found.startsWith('/')) throw failure(found, 'realpath', path);
  return found;
}

const readers = { readFile: readFileSync, stat: statSync, lstat: lstatSync, readdir: readdirSync, access: accessSync, realpath: realpathSync };
const promises = {};
const fs = { readFileSync, existsSync, readdirSync, statSync, lstatSync, accessSync, realpathSync, Stats, Dirent, constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 }, promises };
for (const [name, read] of Object.entries(readers)) {
  promises[name] = async (...args) => read(...args);
  fs[name] = (...args) => {
    const callback = args.pop();
    promises[name](...args).then((value) => callback(null, value), callback);
  };
}
promises.constants = fs.constants;

const WRITERS = ['writeFile', 'appendFile', 'mkdir', 'rm', 'rmdir', 'unlink', 'rename', 'copyFile', 'chmod', 'symlink', 'mkdtemp', 'truncate', 'cp'];
for (const name of WRITERS) {
  const refuse = () => {
    throw new Error(`fs.${name} is not available: a configuration can only read files`);
  };
  fs[name] = refuse;
  fs[`${name}Sync`] = refuse;
  promises[name] = async () => refuse();
}
module.exports = fs;
