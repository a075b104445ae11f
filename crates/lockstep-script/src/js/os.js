// Where one is, as far as it matters.
module.exports = {
  EOL: '\n',
  platform: () => native.platform,
  arch: () => native.arch,
  type: () => (native.platform === 'darwin' ? 'Darwin' : 'Linux'),
  homedir: () => require('process').env.HOME || '/',
  tmpdir: () => require('process').env.TMPDIR || '/tmp',
  hostname: () => 'localhost',
  cpus: () => [],
};
