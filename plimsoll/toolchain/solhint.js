// The house's style for `make lint`: solhint's recommended rules but for these.
'use strict'

module.exports = {
  extends: 'solhint:recommended',
  rules: {
    'compiler-version': ['error', '0.8.30'],
    'func-visibility': ['error', { ignoreConstructors: true }],
    'max-states-count': ['error', 16], // the engine's storage, which three contracts share
    'func-name-mixedcase': 'off', // an interface names a contract's immutables, which are in capitals
    'no-empty-blocks': 'off', // a `try` whose success asks for nothing more; an interface that is the sum of others

    // Beyond the recommended ones.
    'code-complexity': ['error', 11],
    'duplicated-imports': 'error',
    'func-param-name-mixedcase': 'error',
    'function-max-lines': ['error', 60],
    'interface-starts-with-i': 'error',
    'modifier-name-mixedcase': 'error'
  }
}
