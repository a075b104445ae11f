// POSIX paths, as Node's `path` has them.
function normalized(path, absolute) {
  const parts = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts[parts.length - 1] !== '..') parts.pop();
    else if (!absolute) parts.push('..');
  }
  return parts.join('/');
}

function text(path, name = 'path') {
  if (typeof path !== 'string') {
    throw new TypeError(`The "${name}" argument must be of type string. Received ${path === null ? 'null' : typeof path}`);
  }
  return path;
}

function withoutSlashes(path) {
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
}

const posix = {
  sep: '/',
  delimiter: ':',
  normalize(path) {
    if (text(path) === '') return '.';
    const absolute = path.startsWith('/');
    const inner = normalized(path, absolute) || (absolute ? '' : '.');
    return (absolute ? '/' : '') + inner + (path.endsWith('/') && inner !== '' ? '/' : '');
  },
  join(...paths) {
    const joined = paths.filter((path) => text(path) !== '').join('/');
    return joined === '' ? '.' : posix.normalize(joined);
  },
  resolve(...paths) {
    let result = '';
    for (const path of paths.reverse()) {
      if (text(path) === '') continue;
      result = result === '' ? path : `${path}/${result}`;
      if (path.startsWith('/')) return `/${normalized(result, true)}`;
    }
    return `/${normalized(`${native.directory}/${result}`, true)}`;
  },
  isAbsolute: (path) => text(path).startsWith('/'),
  dirname(path) {
    const trimmed = withoutSlashes(text(path));
    const slash = trimmed.lastIndexOf('/');
    if (slash < 0) return '.';
    return withoutSlashes(trimmed.slice(0, slash)) || '/';
  },
  basename(path, suffix = '') {
    const trimmed = withoutSlashes(text(path));
    const base = trimmed.slice(trimmed.lastIndexOf('/') + 1);
    return suffix !== '' && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base;
  },
  extname(path) {
    const base = posix.basename(path);
    const dot = base.lastIndexOf('.');
    return dot <= 0 || base === '..' ? '' : base.slice(dot);
  },
  relative(from, to) {
    const [source, target] = [from, to].map((path) => posix.resolve(path).split('/').filter(Boolean));
    let common = 0;
    while (common < source.length && source[common] === target[common]) common += 1;
    return [...source.slice(common).map(() => '..'), ...target.slice(common)].join('/');
  },
  parse(path) {
    const base = posix.basename(path);
    const ext = posix.extname(path);
    const root = path.startsWith('/') ? '/' : '';
    const dir = base === '' || !withoutSlashes(path).includes('/') ? root : posix.dirname(path);
    return { root, dir, base, ext, name: ext === '' ? base : base.slice(0, -ext.length) };
  },
  format(parts) {
    const base = parts.base || `${parts.name || ''}${parts.ext || ''}`;
    const dir = parts.dir || parts.root;
    if (!dir) return base;
    return dir === parts.root ? `${dir}${base}` : `${dir}/${base}`;
  },
  toNamespacedPath: (path) => path,
};
posix.posix = posix;
module.exports = posix;
